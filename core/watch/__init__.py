"""A run one line at a time, forward and back: what each line changed, gradients, loss surface, memory."""
