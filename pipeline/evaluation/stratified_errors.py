"""Where a model errs: its test rows by element and by kind of compound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.elements import ACTINIDES_SEEN, ANIONS, OPEN_4F, TRANSITION_MAGNETIC

Floats = NDArray[np.float64]
FEWEST_ROWS = 10  # of a group, below which its mean error is chance
_TRANSITION, _RARE_EARTHS, _ACTINIDES, _ANIONS = (
    frozenset(map(symbol, numbers)) for numbers in (TRANSITION_MAGNETIC, OPEN_4F, ACTINIDES_SEEN, ANIONS)
)
KINDS: dict[str, Callable[[frozenset[str]], bool]] = {
    "Cr, Mn, Fe, Co or Ni without a non-metal": lambda found: bool(found & _TRANSITION) and not found & _ANIONS,
    "Cr, Mn, Fe, Co or Ni with oxygen": lambda found: bool(found & _TRANSITION) and "O" in found,
    "Cr, Mn, Fe, Co or Ni with another non-metal": lambda found: bool(found & _TRANSITION and found & _ANIONS - {"O"}),
    "rare earths with 4f electrons": lambda found: bool(found & _RARE_EARTHS),
    "actinides": lambda found: bool(found & _ACTINIDES),
    "none of these": lambda found: not found & (_TRANSITION | _RARE_EARTHS | _ACTINIDES),
}


def stratified_errors(systems: Sequence[str], truth: Floats, moment: Floats) -> dict[str, dict[str, dict[str, Any]]]:
    """Mean absolute error, µB/atom, and rows: {"elements": {"Fe": {"n": ..., "mae": ...}, ...}, "kinds": ...}.

    Args:
        systems: chemical systems, as "Fe-O"; a row counts in every group that it belongs to.
    """
    error = np.abs(moment - truth)
    found = [frozenset(system.split("-")) for system in systems]
    elements = sorted(set().union(*found))
    return {
        "elements": _errors({e: [e in held for held in found] for e in elements}, error),
        "kinds": _errors({name: [belongs(held) for held in found] for name, belongs in KINDS.items()}, error),
    }


def _errors(members: dict[str, list[bool]], error: Floats) -> dict[str, dict[str, Any]]:
    masks = {name: np.array(held, dtype=bool) for name, held in members.items()}
    return {
        name: {"n": int(mask.sum()), "mae": float(error[mask].mean())}
        for name, mask in masks.items()
        if mask.sum() >= FEWEST_ROWS
    }
