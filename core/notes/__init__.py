"""Claims from course notes about the training loop, checked against PyTorch."""
