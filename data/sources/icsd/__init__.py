"""Crystals of the Inorganic Crystal Structure Database: exported by hand, or fetched over its API. They are licensed."""
