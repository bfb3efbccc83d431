"""What course notes say about the training loop, held against PyTorch."""
