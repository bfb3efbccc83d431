"""Several runs, one change each: links, curves, and what the models compute."""
