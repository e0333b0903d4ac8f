"""Models of measured properties of a composition: magnetic order and transition temperatures."""
