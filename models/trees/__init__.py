"""Decision trees on descriptors, kept as plain arrays."""
