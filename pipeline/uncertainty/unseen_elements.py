"""What elements that no member learned from can add to a moment: up to the spin of their free atoms.

Networks say about nothing for an element whose embedding was never trained, and are sure of it; that a crystal is far from the
training rows, which widens its interval in proportion, is not enough then (docs/results/uncertainty.md).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs

_SHELLS = "spdf"
Bools = NDArray[np.bool_]


def has_unseen_element(graphs: CrystalGraphs, seen: Collection[int]) -> Bools:
    """(crystals,) whether a crystal has an atom of an element that was not seen.

    Args:
        graphs: of the crystals.
        seen: atomic numbers that the members learned from.
    """
    if not len(graphs):
        return np.zeros(0, dtype=np.bool_)
    found: Bools = np.logical_or.reduceat(_unseen_atoms(graphs, seen), graphs.node_ptr[:-1])
    return found


def unseen_spin(graphs: CrystalGraphs, seen: Collection[int]) -> NDArray[np.float64]:
    """The spin of the free atoms of elements that were not seen, in µB for each atom of the crystal; 0 for most crystals.

    Args:
        graphs: of the crystals.
        seen: atomic numbers that the members learned from.

    Returns:
        (crystals,) µB/atom.
    """
    if not len(graphs):
        return np.zeros(0)
    unseen = _unseen_atoms(graphs, seen)
    spins = np.zeros(int(graphs.numbers.max()) + 1)
    for number in np.unique(graphs.numbers[unseen]).tolist():
        spins[number] = free_atom_spin(number)
    each = spins[graphs.numbers] * graphs.node_weight.astype(np.float64)
    summed: NDArray[np.float64] = np.add.reduceat(each, graphs.node_ptr[:-1])
    return summed


def _unseen_atoms(graphs: CrystalGraphs, seen: Collection[int]) -> Bools:
    """(atoms,) whether each is of an element that was not seen."""
    return ~np.isin(graphs.numbers, list(seen))


@lru_cache(maxsize=128)
def free_atom_spin(number: int) -> float:
    """Unpaired electrons of an atom by Hund's first rule (Z. Phys. 33, 345, 1925), which is its spin moment in µB."""
    from pymatgen.core import Element

    shells = Element.from_Z(number).full_electronic_structure
    return float(sum(min(n, 2 * (2 * _SHELLS.index(kind) + 1) - n) for _, kind, n in shells))
