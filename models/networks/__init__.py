"""Graph networks: one architecture a file, one training loop for all."""
