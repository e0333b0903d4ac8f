"""Models of what experiments say of a composition: magnetic order and transition temperatures."""
