"""Crystals that a calculation without +U would say the wrong thing of, with confidence; they are refused with the reason."""

from __future__ import annotations

from collections.abc import Iterable

from data.crystal import symbol

OPEN_F = frozenset({*range(58, 71), *range(91, 104)})  # Ce to Yb, Pa to Lr: an open 4f or 5f shell in most of their crystals
WITH_U = frozenset({23, 24, 25, 26, 27, 28, 42, 74})  # V to Ni, Mo, W: +U in oxides and fluorides at the Materials Project
OXIDE_OR_FLUORIDE = frozenset({8, 9})


def unsupported(numbers: Iterable[int]) -> str:
    """Why no calculation is made of a crystal with these elements; empty where one is."""
    present = set(numbers)
    if shells := sorted(present & OPEN_F):
        names = ", ".join(symbol(z) for z in shells)
        return f"not supported: {names} has 4f or 5f electrons, which PBE without +U puts at the Fermi level"
    metals, anions = sorted(present & WITH_U), sorted(present & OXIDE_OR_FLUORIDE)
    if metals and anions:
        names, with_ = (", ".join(symbol(z) for z in some) for some in (metals, anions))
        return f"not supported: {names} beside {with_} needs DFT+U; PBE alone misjudges the order of oxides and fluorides"
    return ""
