"""Many runs of one shape, trained as one."""
