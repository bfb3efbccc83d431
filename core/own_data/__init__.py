"""A data set of one's own: a CSV that is checked, read, and described, and what a run takes of it."""
