"""Experiments of the papers that need no download, run again with this project's own code."""
