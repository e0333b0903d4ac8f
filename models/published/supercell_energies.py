"""Energies of decorated 2×2×2 supercells (section 4 of arXiv 2211.15420 in miniature): does the sharing of weights pay?

Each sample puts a spin on every cell of a face-centred or body-centred supercell. The energy couples pairs of cells by the orbit
that they belong to, and cubes of the local fields by cell:

    E = sum_pq J[orbit(p, q)] s_p s_q + 0.1 sum_p (sum_q J[orbit(p, q)] s_q)³ s_p

The same stack of maps learns it with the orbits of the lattice, with those of the bare set of cells (all permutations), and with
none (64 free weights a channel pair). Test error relative to the spread of the energies, mean and range over seeds.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from models.graphs.cell_orbits import N_CELLS
from models.published.supercell_maps import CellNetwork

CUBIC = np.eye(3)
LATTICES = {"fcc": np.ones((3, 3)) - CUBIC, "bcc": np.ones((3, 3)) - 2 * CUBIC, "primitive orthorhombic": np.diag([3.0, 4, 5])}
TRAIN = (100, 300, 1000, 3000)
TEST = 2000
FREE = np.arange(N_CELLS**2).reshape(N_CELLS, N_CELLS)


def run(true: NDArray[np.int64], used: NDArray[np.int64], count: int, epochs: int, seed: int) -> float:
    """Root mean square error over the test energies' standard deviation."""
    rng = np.random.default_rng(seed)
    coupling = rng.normal(size=true.max() + 1)[true] * (1 - np.eye(N_CELLS))
    spins = rng.uniform(-1, 1, size=(count + TEST, N_CELLS))
    field = spins @ coupling
    energy = (spins * field).sum(axis=1) + 0.1 * (field**3 * spins).sum(axis=1)
    energy = (energy - energy[:count].mean()) / energy[:count].std()
    x = torch.from_numpy(spins).float()[:, :, None]
    y = torch.from_numpy(energy).float()
    torch.manual_seed(seed)
    network = CellNetwork(used, channels=1, width=32, layers=3, out=1)
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=1e-4)
    steps = epochs * max(count // 64, 5)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, max_lr=3e-3, total_steps=steps)
    for _ in range(steps):
        batch = torch.from_numpy(rng.integers(0, count, size=64))
        loss = ((network(x[batch]).sum(dim=(1, 2)) - y[batch]) ** 2).mean()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        said = network(x[count:]).sum(dim=(1, 2))
    return float(((said - y[count:]) ** 2).mean().sqrt() / y[count:].std())
