"""The lessons on losses: curves, targets, cross-entropy, outliers."""
