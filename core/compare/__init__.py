"""Several runs, one change each: their link, their curves, what their models compute."""
