"""Where runs run: here, on an executor, on a Dask cluster."""
