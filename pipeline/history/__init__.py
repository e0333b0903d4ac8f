"""The runs of a home over time, on one page."""
