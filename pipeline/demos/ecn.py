"""Equivariant crystal networks (arXiv 2211.15420): orbits of cell pairs of the 14 lattices, errors with and without sharing."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.graphs.cell_orbits import N_CELLS, cell_permutations, pair_orbits, set_orbits
from models.published.supercell_energies import FREE, LATTICES, run
from models.published.supercell_maps import CellNetwork
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import Measured, curves
from pipeline.features.cell_kinds import holohedry

Floats = NDArray[np.float64]
EXACT = 1e-10
_CENTRED = {
    "P": np.eye(3),
    "C": np.array([[0.5, -0.5, 0], [0.5, 0.5, 0], [0, 0, 1]]),
    "I": 0.5 * (1 - 2 * np.eye(3)),
    "F": 0.5 * (1 - np.eye(3)),
    "R": np.array([[2, 1, 1], [-1, 1, 1], [-1, -2, 1]]) / 3,
}
_TRICLINIC = np.array([[4.1, 0.2, 0.3], [0.7, 5.3, 0.4], [0.9, -0.8, 6.7]])
_MONOCLINIC = np.array([[4.1, 0, 0], [0, 5.3, 0], [-1.7, 0, 6.7]])
_ORTHORHOMBIC, _TETRAGONAL, _CUBIC = np.diag([4.1, 5.3, 6.7]), np.diag([4.1, 4.1, 6.7]), 4.1 * np.eye(3)
_HEXAGONAL = np.array([[3.1, 0, 0], [-1.55, 1.55 * np.sqrt(3), 0], [0, 0, 7.3]])
BRAVAIS: dict[str, tuple[Floats, str, int]] = {  # conventional cell in Å, centring, orbits of cell pairs
    "P triclinic": (_TRICLINIC, "P", 8),
    "P monoclinic": (_MONOCLINIC, "P", 8),
    "C monoclinic": (_MONOCLINIC, "C", 6),
    "P orthorhombic": (_ORTHORHOMBIC, "P", 8),
    "C orthorhombic": (_ORTHORHOMBIC, "C", 6),
    "I orthorhombic": (_ORTHORHOMBIC, "I", 5),
    "F orthorhombic": (_ORTHORHOMBIC, "F", 5),
    "P tetragonal": (_TETRAGONAL, "P", 6),
    "I tetragonal": (_TETRAGONAL, "I", 4),
    "rhombohedral": (_HEXAGONAL, "R", 4),
    "hexagonal": (_HEXAGONAL, "P", 4),
    "P cubic": (_CUBIC, "P", 4),
    "I cubic": (_CUBIC, "I", 3),
    "F cubic": (_CUBIC, "F", 3),
}


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Count the orbits of every Bravais lattice, test equivariance, and learn energies with and without sharing."""
    torch.set_num_threads(1)
    rows, equal, worst = [], True, 0.0
    for name, (cell, centring, expected) in BRAVAIS.items():
        permutations = cell_permutations(holohedry(_CENTRED[centring] @ cell))
        orbits = pair_orbits(permutations)
        found = int(orbits.max()) + 1
        equal &= found == expected
        worst = max(worst, _disagreement(orbits, permutations, seed))
        rows.append([name, str(found), str(expected), str(len(permutations))])
    counts, epochs = ((50,), 2) if smoke else ((100, 300, 1000), 150)
    fcc = pair_orbits(cell_permutations(holohedry(LATTICES["fcc"])))
    kinds = {"lattice orbits": fcc, "set orbits": set_orbits(), "no sharing": FREE}
    errors = {name: {float(n): run(fcc, kind, n, epochs, seed) for n in counts} for name, kind in kinds.items()}
    ratios = {name: [errors[name][n] / errors["lattice orbits"][n] for n in map(float, counts)] for name in kinds}
    plain, free = min(ratios["set orbits"]), ratios["no sharing"]
    checks = [
        Check("orbits of cell pairs as published, all 14 lattices", "equal" if equal else "different", equal),
        Check("network commutes with every permutation of cells < 1e-10", f"{worst:.0e}", worst < EXACT),
        Check(
            "a network without cell information (set orbits) has a larger error at every number of samples: ratio > 1",
            f"{plain:.1f} at least",
            None if smoke else plain > 1.0,
        ),
        Check(
            "no sharing of weights over lattice orbits, error ratio at each number of samples (differs between seeds)",
            ", ".join(f"{ratio:.2f}" for ratio in free),
            None,
        ),
    ]
    measured = {name: {n: Measured.of([error]) for n, error in of_count.items()} for name, of_count in errors.items()}
    figure = curves("Energies of face-centred cubic supercells", "training samples", "relative test error", measured)
    return Demonstration("Equivariant crystal networks", ("lattice", "orbits", "published", "permutations"), rows, checks, figure)


def _disagreement(orbits: NDArray[np.int64], permutations: NDArray[np.int64], seed: int) -> float:
    """The largest difference between a permuted output and the output of the permuted input, in float64."""
    torch.manual_seed(seed)
    network = CellNetwork(orbits, channels=2, width=8, layers=2, out=1).double()
    x = torch.randn(N_CELLS, 2, dtype=torch.float64)
    with torch.no_grad():
        plain = network(x)
        return max(float((network(x[p]) - plain[p]).abs().max()) for p in torch.from_numpy(permutations))
