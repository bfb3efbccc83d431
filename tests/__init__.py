"""The tests, in folders like what they test."""
