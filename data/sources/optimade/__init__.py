"""Crystals of COD, the Materials Project and every other provider with an OPTIMADE interface (https://www.optimade.org)."""
