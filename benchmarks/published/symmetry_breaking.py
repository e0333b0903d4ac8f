"""Antiferromagnets that no equivariant network can say: rings, rutile, rock salt (arXiv 2312.09016, 2503.21985).

    python -m benchmarks.published.symmetry_breaking [--seeds 3] [--steps 100]

The data are SYNTHETIC: spins on known lattices with Heisenberg couplings (collinear), J1 between nearest and J2 between next
nearest neighbours, drawn at random; the label is a ground state, found by looking at every pattern. Three networks of one form,
sigma <- tanh(a sigma + b A1 sigma + c A2 sigma) with a, b, c learned functions of J1 and J2, differ in what they start from:

* equivariant: the same number on every site, learned;
* positional: a vector with one fixed number for each site, taken through a random element of the group (SymPE's g v);
* noise: independent normal numbers.

The loss is the orbit minimum over group and time reversal, of the best of K starts. Judged on couplings not seen before, K starts
each: the answer is the one of lowest energy, right if its signs are a ground state; sites without a sign count as wrong. E/E0 is
the mean energy of the answers over that of the ground state; chance is a compensated pattern drawn at random.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres
from torch import Tensor, nn

from benchmarks.figures import Measured
from data.crystal import make_crystal
from models.networks.layers import mlp
from models.ordering.ising import patterns
from models.ordering.orbits import orbit_minimum
from pipeline.magnetism.magnetic_cell import enlarge, place, symmetries

STARTS, BATCH, RATE, STEPS_OF_FIELD, TEST = 8, 32, 1e-2, 10, 200
GAP = 0.05  # of the ground state's energy, to the next one: couplings nearer to a tie are not drawn
EQUAL = 1e-4  # ground states: a face-centred lattice has two orbits of the same energy where J2 rules
KINDS = ("equivariant", "positional", "noise")


@dataclass(frozen=True, eq=False)
class Lattice:
    """Spins of one cell, their neighbours, their group, and the energies of all patterns for J1 = 1 or J2 = 1."""

    shells: Tensor  # (2, n, n) how often j is a first or second neighbour of i, over the number of neighbours
    group: NDArray[np.int64]  # (g, n)
    patterns: Tensor  # (m, n), once up to time reversal
    energies: Tensor  # (m, 2)

    @classmethod
    def of(cls, shells: NDArray[np.float64], group: NDArray[np.int64]) -> Lattice:
        every = patterns(len(shells[0]))
        matrices = torch.from_numpy(shells).float()
        values = every.float()
        energies = torch.stack([-0.5 * ((values @ a) * values).sum(dim=1) for a in matrices], dim=1)
        return cls(matrices, group, values, energies)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(count, 2) couplings on the unit circle whose ground states are compensated, and (count,) one of them each."""
        chosen: list[tuple[NDArray[np.float64], int]] = []
        balanced = (self.patterns.sum(dim=1) == 0).numpy()
        while len(chosen) < count:
            angle = rng.uniform(0, 2 * np.pi)
            j = np.array([np.cos(angle), np.sin(angle)])
            e = self.energies.numpy() @ j
            best = int(e.argmin())
            ground = e < e[best] + EQUAL
            if balanced[ground].all() and e[~ground].min() - e[best] > GAP * abs(e[best]):
                chosen.append((j, int(rng.choice(np.flatnonzero(ground)))))
        return torch.tensor(np.array([j for j, _ in chosen])).float(), torch.tensor([k for _, k in chosen])

    def chance(self, couplings: Tensor) -> float:
        """Share of the compensated patterns that are right, on the mean."""
        balanced = (self.patterns.sum(dim=1) == 0).numpy()
        e = self.energies.numpy() @ couplings.numpy().T
        return float((e[balanced] < e.min(axis=0) + EQUAL).mean())


def ring(n: int = 8) -> Lattice:
    """A ring of n equal sites."""
    place_on = np.arange(n)
    shells = np.array([[(np.abs((i - place_on + n // 2) % n - n // 2) == s) / 2 for i in range(n)] for s in (1, 2)], dtype=float)
    return Lattice.of(shells, np.array([(d * place_on + t) % n for d in (1, -1) for t in range(n)]))


def of_crystal(lattice: object, frac: object, numbers: list[int], shells_A: tuple[float, float]) -> Lattice:
    """The magnetic sites (the first element's) of the 2x2x2 supercell of a primitive cell, neighbours at the two distances."""
    primitive = place(make_crystal("synthetic", lattice, frac, numbers)).cell
    placed = enlarge(primitive, 2 * np.eye(3, dtype=np.int64))
    spins = np.flatnonzero(primitive.numbers[placed.site] == numbers[0])
    cell = np.ascontiguousarray(2.0 * primitive.lattice)
    cart = np.ascontiguousarray((primitive.frac[placed.site] + placed.translation)[spins] @ primitive.lattice)
    i, j, _, distance = find_points_in_spheres(
        cart, cart, r=max(shells_A) + 0.1, pbc=np.ones(3, dtype=np.int64), lattice=cell, tol=1e-8
    )
    shells = np.zeros((2, len(spins), len(spins)))
    for shell, length in zip(shells, shells_A, strict=True):
        near = np.abs(distance - length) < 0.05
        np.add.at(shell, (i[near], j[near]), 1.0)
        shell /= shell.sum(axis=1, keepdims=True)
    rows = np.searchsorted(spins, symmetries(placed).permutations[:, spins])
    return Lattice.of(shells, np.unique(rows, axis=0))


def lattices() -> dict[str, Lattice]:
    """The ring of 8, rutile (16 spins) and rock salt (8 spins), the last two with the sizes of MnF2 and MnO."""
    a, c, u = 4.87, 3.31, 0.305
    anions = [[u, u, 0], [-u, -u, 0], [0.5 + u, 0.5 - u, 0.5], [0.5 - u, 0.5 + u, 0.5]]
    sites, numbers = [[0, 0, 0], [0.5, 0.5, 0.5], *anions], [25, 25, 9, 9, 9, 9]
    rutile = of_crystal(np.diag([a, a, c]), sites, numbers, (c, float(np.hypot(a / np.sqrt(2), c / 2))))
    edge = 4.44
    salt = of_crystal(edge / 2 * (1 - np.eye(3)), [[0, 0, 0], [0.5, 0.5, 0.5]], [25, 8], (edge / np.sqrt(2), edge))
    return {"ring of 8": ring(), "rutile, 2×2×2": rutile, "rock salt, 2×2×2": salt}


class Field(nn.Module):
    """Starts to signs; the three kinds have the same weights but for the start."""

    def __init__(self, kind: str, lattice: Lattice) -> None:
        super().__init__()
        self.kind, self.lattice = kind, lattice
        n = lattice.patterns.shape[1]
        self.gains = mlp(2, 32, 3 * STEPS_OF_FIELD)
        self.start = nn.Parameter(torch.ones(1) if kind == "equivariant" else torch.randn(n))

    def forward(self, coupling: Tensor, dice: torch.Generator) -> Tensor:
        """(b, STARTS, n) in [-1, 1] for couplings (b, 2)."""
        b, n = len(coupling), self.lattice.patterns.shape[1]
        if self.kind == "noise":
            sigma = torch.randn(b, STARTS, n, generator=dice)
        elif self.kind == "positional":
            rows = torch.from_numpy(self.lattice.group)
            sigma = self.start[rows[torch.randint(len(rows), (b, STARTS), generator=dice)]]
            sigma = sigma * (2.0 * torch.randint(2, (b, STARTS, 1), generator=dice) - 1.0)
        else:
            sigma = self.start.expand(b, STARTS, n)
        first, second = self.lattice.shells
        for own, one, two in (3.0 * self.gains(coupling)).view(b, STEPS_OF_FIELD, 3, 1, 1).permute(1, 2, 0, 3, 4):
            sigma = torch.tanh(own * sigma + one * (sigma @ first) + two * (sigma @ second))
        return sigma


def experiment(kind: str, lattice: Lattice, seed: int, steps: int) -> tuple[float, float, float]:
    """Pattern accuracy up to the group, E/E0, and chance, on couplings that the network has not seen."""
    torch.manual_seed(seed)
    rng, dice = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    field = Field(kind, lattice)
    optimiser = torch.optim.Adam(field.parameters(), lr=RATE)
    rows = torch.from_numpy(lattice.group)
    for _ in range(steps):
        coupling, truth = lattice.draw(BATCH, rng)
        said = field(coupling, dice)
        error = orbit_minimum(said, lattice.patterns[truth], rows.expand(BATCH, *rows.shape))
        loss = (error.amin(dim=1) + 0.1 * error.mean(dim=1)).mean()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(field.parameters(), 1.0)
        optimiser.step()
    coupling, truth = lattice.draw(TEST, rng)
    with torch.no_grad():
        said = field(coupling, dice)
    energies = torch.stack([-0.5 * ((said @ a) * said).sum(dim=-1) for a in lattice.shells], dim=-1)
    energy = (energies * coupling[:, None]).sum(dim=-1)  # (b, STARTS)
    best = energy.argmin(dim=1)
    answers = said[torch.arange(TEST), best]
    ground = (lattice.energies[truth] * coupling).sum(dim=1)
    signs = torch.where(answers.abs() < 0.1, 0.0, torch.sign(answers))  # a site that is nearly zero has none
    of_signs = torch.stack([-0.5 * ((signs @ a) * signs).sum(dim=-1) for a in lattice.shells], dim=-1)
    hits = ((of_signs * coupling).sum(dim=1) < ground + EQUAL) & (signs != 0).all(dim=1)
    return float(hits.float().mean()), float((energy.amin(dim=1) / ground).mean()), lattice.chance(coupling)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print("| lattice | chance | " + " | ".join(f"{kind}: right | E/E0" for kind in KINDS) + " |\n|---" + "|---" * 7 + "|")
    for name, lattice in lattices().items():
        cells, chance = [], 0.0
        for kind in KINDS:
            runs = [experiment(kind, lattice, seed, options.steps) for seed in range(options.seeds)]
            cells += [Measured.of([run[k] for run in runs]).text(3) for k in (0, 1)]
            chance = float(np.mean([run[2] for run in runs]))
        print(f"| {name} | {chance:.3f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
