"""Structure descriptors of neighbours: first shells, bonds, and the surroundings of the magnetic atoms."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.elements import MAGNETIC_ELEMENTS

Floats = NDArray[np.float64]
FIRST_SHELL = 1.2  # times the nearest distance
NO_PAIR_A = 20.0  # Å; stands for "no magnetic pair within the shells", beyond every real distance
LARGEST_VOLUME_A3 = 1000.0  # stands for "no magnetic atom"
ANIONS = np.array([7, 8, 9, 16, 17, 34, 35, 52, 53])
SURROUNDINGS_NAMES = (
    "deviation of nearest distances", "deviation of coordination", "smallest coordination", "deviation of shell distances",
    "mean electronegativity step", "largest electronegativity step", "shortest bond over radii", "mean bond over radii",
    "coordination of magnetic atoms", "magnetic atoms in the first shell of magnetic ones", "anions around magnetic atoms",
    "distance from magnetic atoms to others", "electronegativity step at magnetic atoms", "mean shortest magnetic distance",
    "volume per magnetic atom", "magnetic orbits",
)  # fmt: skip


def surroundings(graphs: CrystalGraphs, radius_A: Floats, electronegativity: Floats) -> Floats:
    """(crystals, 16): SURROUNDINGS_NAMES; distances in Å, `radius_A` and `electronegativity` by atomic number.

    Every mean over atoms weighs an orbit by its share of the atoms, so that all cells of a crystal give the same numbers.
    """
    start = graphs.node_ptr[:-1]
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_ptr))
    target, source = graphs.edge_ends()
    edge_start = np.searchsorted(target, np.arange(graphs.node_ptr[-1]))
    distance, weight = graphs.edge_distance.astype(np.float64), graphs.node_weight.astype(np.float64)
    numbers = graphs.numbers.astype(np.int64)
    nearest = np.minimum.reduceat(distance, edge_start)
    count = graphs.edge_count.astype(np.float64) * (distance < FIRST_SHELL * nearest[target])  # of the first shell
    magnetic = np.isin(numbers, MAGNETIC_ELEMENTS)
    share = weight * magnetic

    def around(values: Floats) -> Floats:
        """(nodes,) sum over the first shell."""
        return np.add.reduceat(values * count, edge_start)

    def mean(values: Floats) -> Floats:
        """(crystals,) over all atoms."""
        return np.add.reduceat(values * weight, start)

    def deviation(values: Floats) -> Floats:
        return np.sqrt(mean((values - mean(values)[crystal]) ** 2))

    total = np.add.reduceat(share, start)

    def of_magnetic(values: Floats) -> Floats:
        """(crystals,) mean over the magnetic atoms, zero where there is none."""
        return np.add.reduceat(values * share, start) / np.maximum(total, 1e-9)

    coordination = around(np.ones(len(target)))
    step = np.abs(electronegativity[numbers[target]] - electronegativity[numbers[source]])
    bond = distance / (radius_A[numbers[target]] + radius_A[numbers[source]])
    shell = np.add.reduceat(distance * graphs.edge_count, edge_start) / np.add.reduceat(graphs.edge_count, edge_start)
    both = magnetic[target] & magnetic[source]
    apart = np.minimum.reduceat(np.where(both, distance, NO_PAIR_A), edge_start)
    others = magnetic[target] & ~magnetic[source]
    to_others = around(np.where(others, distance, 0.0)) / np.maximum(around(others.astype(np.float64)), 1e-9)
    volume = graphs.volume_per_atom.astype(np.float64)
    return np.stack(
        [
            deviation(nearest), deviation(coordination), np.minimum.reduceat(coordination, start), deviation(shell),
            mean(around(step) / coordination), np.maximum.reduceat(np.maximum.reduceat(step * (count > 0), edge_start), start),
            np.minimum.reduceat(np.minimum.reduceat(bond, edge_start), start), mean(around(bond) / coordination),
            of_magnetic(coordination), of_magnetic(around(both.astype(np.float64))),
            of_magnetic(around(np.isin(numbers[source], ANIONS).astype(np.float64))), of_magnetic(to_others),
            of_magnetic(around(step) / coordination), np.where(total > 0, of_magnetic(apart), NO_PAIR_A),
            np.minimum(volume / np.maximum(total, 1e-9), LARGEST_VOLUME_A3), np.add.reduceat(magnetic.astype(np.float64), start),
        ],
        axis=1,
    )  # fmt: skip
