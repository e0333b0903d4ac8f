"""Crystals of COD, the Materials Project and every other provider that speaks OPTIMADE (https://www.optimade.org)."""
