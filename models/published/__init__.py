"""Methods of published papers that no command of the pipeline needs; each has a demonstration."""
