"""Sites of any program as an OPTIMADE entry, so that they meet the rules that a CIF file meets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Sites = list[list[tuple[str, float]]]  # of each site the symbols that share it, with their occupancies


class NoStructure(ValueError):
    """The text says nothing that is a crystal, in words for a person."""


def why_unreadable(fault: Exception, kind: str = "") -> str:
    """What a rejection says of an error of a reader.

    Args:
        fault: NoStructure, whose words stand for themselves, or whatever a library's parser raised.
        kind: the format that the text was read as; empty: not said.
    """
    if isinstance(fault, NoStructure):
        return str(fault)
    return f"{f'not readable as {kind}: ' if kind else ''}{type(fault).__name__}: {fault}"


def need_three_periods(periodic: Sequence[bool]) -> None:
    """Refuse slabs, chains and molecules.

    Args:
        periodic: (3,) whether the structure repeats along each lattice vector.

    Raises:
        NoStructure: it does not repeat along all of them.
    """
    if not all(periodic):
        directions = sum(map(bool, periodic))
        raise NoStructure(f"periodic in {directions} direction{'' if directions == 1 else 's'} only, not in three")


def plain_entry(lattice: Any, positions: Any, sites: Sites, note: str = "") -> dict[str, Any]:
    """An OPTIMADE entry without an id.

    Args:
        lattice: (3, 3), Å, one lattice vector a row.
        positions: (n, 3), Å, Cartesian.
        sites: (n,) what occupies each site.
        note: what the reader had to decide.
    """
    kinds = {tuple(site): f"{k}" for k, site in enumerate(sites)}
    species = [
        {"name": name, "chemical_symbols": [symbol for symbol, _ in kind], "concentration": [share for _, share in kind]}
        for kind, name in kinds.items()
    ]
    attributes = {
        "lattice_vectors": np.asarray(lattice).tolist(), "cartesian_site_positions": np.asarray(positions).tolist(),
        "species": species, "species_at_sites": [kinds[tuple(site)] for site in sites], "nsites": len(sites),
    }  # fmt: skip
    return {"id": "", "attributes": attributes, "note": note}
