"""What autograd records and keeps for backward, and one tensor in words."""
