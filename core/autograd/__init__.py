"""The notebook: typed lines, parsed and interpreted from short tables, never executed by Python."""
