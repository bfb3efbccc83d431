"""Mistakes that learners make, their evidence, hidden series of them, orders of the lines."""
