"""The physics of magnetic order: magnetic cells, exchange paths, orderings, site moments."""
