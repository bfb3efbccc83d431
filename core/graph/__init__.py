"""The autograd graph, what it keeps for backward, and the state of single tensors."""
