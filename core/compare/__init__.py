"""Several runs, each with changes of its own: links, curves, and what the models compute."""
