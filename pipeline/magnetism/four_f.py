"""The 4f moments of a crystal, beside what DFT says of the rest.

The labels leave the 4f moment out where the calculation freezes the shell (Pr, Nd, Sm, Tb to Yb) and contain it, as the spin
alone and parallel to everything, where it does not (Ce, Eu, Gd). An ion carries g_J·J at most. Its spin is antiparallel to the
spins of a 3d metal (Campbell, J. Phys. F 2, L47, 1972); with J = L - S for the light and J = L + S for the heavy ions, the moment
of a light ion is parallel to the 3d moment and that of a heavy one antiparallel. Spins of different rare earths are parallel, so
the same signs hold without a 3d metal.

All values are sums over atoms divided by their number, so the mean over several crystals of one composition is that of a
disordered crystal.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.elements import FROZEN_4F, HUND, HUND_VALENCE, LIGHT_4F, OTHER_VALENCE, RARE_EARTHS, four_f_moment
from data.symmetry import NEARLY_A, SymmetricCell, alike
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.magnetism.valence import p_larger_ion

Floats = NDArray[np.float64]
LARGEST_Z = 103
NUMBERS = ("light_4f", "heavy_4f", "spin_4f", "label_4f", "doubt_4f")
SPIN_ONLY = (63, 64)  # L = 0: no crystal field reduces the moment
SEVEN = 7.0  # µB of spin in a half-filled shell
_LARGER_HAS_MOMENT = frozenset({58, 63})  # of the two ions of OTHER_VALENCE; of Sm and Yb the smaller one
EU3_IN_LABEL = 6.0  # µB: a calculation gives Eu 3+ its spin moment, although J = 0


def four_f_facts(graphs: CrystalGraphs) -> dict[str, NDArray[np.generic]]:
    """Columns with one value a crystal.

    Returns:
        `light_4f` and `heavy_4f` (µB/atom): moments parallel and antiparallel to that of a 3d metal, at the expected valence, of
        ions with an orbital moment; `spin_4f` (µB/atom): of Gd and Eu, which have none, antiparallel; `label_4f` (µB/atom): what
        a calculation's moment contains of them; `doubt_4f` (µB/atom): standard deviation due to the valence; `ions_4f`: the ions
        in words, such as "Tm 3+" or "Eu 2+ (p = 0.97)".
    """
    numbers, weight = graphs.numbers.astype(np.int64), graphs.node_weight.astype(np.float64)
    start = graphs.node_ptr[:-1]
    if not (_moments()[numbers] > 0).any():
        return {name: np.zeros(len(graphs)) for name in NUMBERS} | {"ions_4f": np.full(len(graphs), "", dtype=object)}
    larger = p_larger_ion(graphs)
    has_moment = np.where(np.isin(numbers, list(_LARGER_HAS_MOMENT)), larger, 1.0 - larger)
    has_moment = np.where(np.isin(numbers, list(OTHER_VALENCE)), has_moment, 1.0)
    size = _moments()[numbers] * weight * ~np.isin(numbers, [58])  # DFT has the 4f electron of cerium, and often delocalised
    light = np.isin(numbers, list(LIGHT_4F))
    spin = np.isin(numbers, list(SPIN_ONLY))
    label = weight * np.select([numbers == 64, numbers == 63], [SEVEN, EU3_IN_LABEL + (SEVEN - EU3_IN_LABEL) * has_moment], 0.0)
    return {
        "light_4f": np.add.reduceat(size * has_moment * light, start),
        "heavy_4f": np.add.reduceat(size * has_moment * ~(light | spin), start),
        "spin_4f": np.add.reduceat(size * has_moment * spin, start),
        "label_4f": np.add.reduceat(label, start),
        "doubt_4f": np.add.reduceat(size * np.sqrt(has_moment * (1.0 - has_moment)), start),
        "ions_4f": _in_words(graphs, numbers, has_moment),
    }


def orbits_4f(cells: Sequence[SymmetricCell], wanted: NDArray[np.bool_]) -> Floats:
    """(crystals,) numbers of inequivalent places of the ions with frozen 4f shells, whose crystal fields differ; 0 where not
    wanted.

    Rare earths are not told apart, so that an alloy of them has the places of the pure metal, and sites that small shifts made
    inequivalent count as equivalent.
    """
    return np.array([_orbits(cell) if asked else 0 for cell, asked in zip(cells, wanted.tolist(), strict=True)], dtype=np.float64)


def _orbits(cell: SymmetricCell) -> int:
    here = _frozen()[cell.numbers]
    if not here.any():
        return 0
    orbit = cell.orbit
    if len(np.unique(orbit[here])) > 1:
        kinds = np.where(np.isin(cell.numbers, list(RARE_EARTHS)), 0, cell.numbers)
        orbit = alike(cell, kinds, NEARLY_A)
    return len(np.unique(orbit[here]))


def _in_words(graphs: CrystalGraphs, numbers: NDArray[np.int64], has_moment: Floats) -> NDArray[np.object_]:
    """(crystals,) the 4f ions, elements in the order of the periodic table; empty without one."""
    said = np.full(len(graphs), "", dtype=object)
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_ptr))
    weight = graphs.node_weight.astype(np.float64)
    four_f = np.isin(numbers, list(HUND))
    for z in np.unique(numbers[four_f]).tolist():
        here = numbers == z
        total = np.bincount(crystal[here], weight[here], len(graphs))
        p = np.bincount(crystal[here], weight[here] * has_moment[here], len(graphs)) / np.maximum(total, 1e-9)
        for k in np.flatnonzero(total).tolist():
            said[k] = ", ".join(filter(None, (said[k], _ion(z, float(p[k])))))
    return said


def _ion(z: int, p: float) -> str:
    if z not in OTHER_VALENCE:
        return f"{symbol(z)} {HUND_VALENCE[z]}+"
    valence, sure = (HUND_VALENCE[z], p) if p >= 0.5 else (OTHER_VALENCE[z], 1.0 - p)
    return f"{symbol(z)} {valence}+ (p = {sure:.2f})"


@lru_cache(maxsize=1)
def _frozen() -> NDArray[np.bool_]:
    """(104,) by atomic number: FROZEN_4F. A look-up takes a tenth of the time of np.isin, for each of many small cells."""
    return np.isin(np.arange(LARGEST_Z + 1), list(FROZEN_4F))


@lru_cache(maxsize=1)
def _moments() -> Floats:
    return np.array([four_f_moment(z) for z in range(LARGEST_Z + 1)])
