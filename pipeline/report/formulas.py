"""Formulas as compositions: which elements, and their shares of the atoms."""

from __future__ import annotations

import re
from functools import lru_cache

from data.crystal import MAX_ATOMIC_NUMBER, symbol

_TOKEN = re.compile(r"([A-Z][a-z]?)|(\()|(\))|(\d+(?:\.\d+)?)")


@lru_cache(maxsize=1)
def atomic_numbers() -> dict[str, int]:
    """Of every element that a crystal may hold, by its symbol."""
    return {symbol(z): z for z in range(1, MAX_ATOMIC_NUMBER + 1)}


@lru_cache(maxsize=262144)
def composition(formula: str) -> tuple[tuple[int, float], ...]:
    """(atomic number, share of the atoms), ascending, of a reduced formula such as Mn3(OF)2; empty for any other text."""
    groups: list[dict[int, float]] = [{}]
    last: dict[int, float] = {}
    place = 0
    for found in _TOKEN.finditer(formula):
        if found.start() != place:
            return ()
        place = found.end()
        element, opened, closed, amount = found.groups()
        if amount is None:
            _add(groups[-1], last)
            last = {}
        if element is not None:
            if element not in atomic_numbers():
                return ()
            last = {atomic_numbers()[element]: 1.0}
        elif opened:
            groups.append({})
        elif closed:
            if len(groups) == 1:
                return ()
            last = groups.pop()
        else:
            _add(groups[-1], {z: n * float(amount) for z, n in last.items()})
            last = {}
    _add(groups[-1], last)
    whole = sum(groups[0].values())
    if place != len(formula) or len(groups) > 1 or not 0 < whole < float("inf"):
        return ()
    return tuple((z, n / whole) for z, n in sorted(groups[0].items()))


def _add(group: dict[int, float], more: dict[int, float]) -> None:
    for z, n in more.items():
        group[z] = group.get(z, 0.0) + n
