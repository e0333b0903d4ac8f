"""VASP's potentials for every element: those of the Materials Project, and VASP's own where it names none."""

from __future__ import annotations

from collections.abc import Iterable

# The Materials Project has no calculation with these elements. Names in VASP's PBE sets (potpaw_PBE; Cm from .52, Cf from .54).
BEYOND_MP = {"Po": "Po", "At": "At", "Rn": "Rn", "Fr": "Fr_sv", "Ra": "Ra_sv", "Am": "Am", "Cm": "Cm", "Cf": "Cf"}
NONE = frozenset({"Bk", "Es", "Fm", "Md", "No", "Lr"})  # VASP has no potential of these

_DIVALENT = frozenset({"Eu", "Yb"})  # lanthanoids whose potential with frozen 4f electrons is that of the divalent ion


def lanthanoid_core(symbol: str) -> str:
    """The name of the potential with the 4f electrons of this lanthanoid in the core."""
    return f"{symbol}_{2 if symbol in _DIVALENT else 3}"


def potentials(symbols: Iterable[str]) -> dict[str, str]:
    """The names of those elements' potentials that the Materials Project's sets lack."""
    return {symbol: BEYOND_MP[symbol] for symbol in sorted(set(symbols)) if symbol in BEYOND_MP}


def gap(symbols: Iterable[str]) -> str:
    """Why there can be no VASP input for a crystal of these elements; empty where there can."""
    missing = sorted(set(symbols) & NONE)
    return f"VASP has no potential of {', '.join(missing)}" if missing else ""
