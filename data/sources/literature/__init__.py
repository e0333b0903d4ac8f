"""Measured transition temperatures from papers and handbooks, each with its reference."""
