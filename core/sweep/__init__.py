"""A grid of runs: its axes, its cells, its map."""
