"""Lessons on losses: curves, targets, cross-entropy, numerical stability, outliers."""
