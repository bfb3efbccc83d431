"""Mistakes learners make: a table of them, their evidence, a diagnosis quiz, all orders of the lines."""
