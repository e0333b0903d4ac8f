"""Candidates checked by density-functional theory: the ferromagnet against the orderings that compete with it."""
