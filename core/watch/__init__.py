"""One line at a time, forward and back: what each line changed."""
