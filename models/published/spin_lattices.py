"""Antiferromagnets that no equivariant network can say: rings, rutile, rock salt (arXiv 2312.09016, 2503.21985).

The data are SYNTHETIC: spins on known lattices with Heisenberg couplings (collinear), J1 between nearest and J2 between next
nearest neighbours, drawn at random; the label is a ground state, found by looking at every pattern. Three networks of one form,
sigma <- tanh(a sigma + b A1 sigma + c A2 sigma) with a, b, c learned functions of J1 and J2, differ in what they start from:

* equivariant: the same number on every site, learned;
* positional: a vector with one fixed number for each site, taken through a random element of the group (SymPE's g v);
* noise: independent normal numbers.

The loss is the orbit minimum over group and time reversal, of the best of K starts. Tested on couplings not seen before, K starts
each: the answer is the one of lowest energy, right if its signs are a ground state; sites without a sign count as wrong. E/E0 is
the mean energy of the answers over that of the ground state; chance is a compensated pattern drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.networks.layers import mlp
from models.ordering.spin_configurations import spin_configurations
from models.published.orbit_loss import orbit_minimum

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
        every = spin_configurations(len(shells[0]))
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


class Field(nn.Module):
    """Starts to signs; the three kinds have the same weights but for the start."""

    def __init__(self, kind: str, lattice: Lattice) -> None:
        super().__init__()
        self.kind, self.lattice = kind, lattice
        n = lattice.patterns.shape[1]
        self.gains = mlp(2, 32, 3 * STEPS_OF_FIELD)
        self.start = nn.Parameter(torch.ones(1) if kind == "equivariant" else torch.randn(n))

    def forward(self, coupling: Tensor, generator: torch.Generator) -> Tensor:
        """(b, STARTS, n) in [-1, 1] for couplings (b, 2)."""
        b, n = len(coupling), self.lattice.patterns.shape[1]
        if self.kind == "noise":
            sigma = torch.randn(b, STARTS, n, generator=generator)
        elif self.kind == "positional":
            rows = torch.from_numpy(self.lattice.group)
            sigma = self.start[rows[torch.randint(len(rows), (b, STARTS), generator=generator)]]
            sigma = sigma * (2.0 * torch.randint(2, (b, STARTS, 1), generator=generator) - 1.0)
        else:
            sigma = self.start.expand(b, STARTS, n)
        first, second = self.lattice.shells
        for own, one, two in (3.0 * self.gains(coupling)).view(b, STEPS_OF_FIELD, 3, 1, 1).permute(1, 2, 0, 3, 4):
            sigma = torch.tanh(own * sigma + one * (sigma @ first) + two * (sigma @ second))
        return sigma


class Outcome(NamedTuple):
    """Of couplings that the network has not seen."""

    right: float  # share of patterns that are right up to the group
    energy: float  # E/E0, mean
    chance: float  # share of compensated patterns that are right
    spread: float  # the largest difference between two sites of one answer


def experiment(kind: str, lattice: Lattice, seed: int, steps: int) -> Outcome:
    """Train a network of one kind on random couplings, then test it."""
    torch.manual_seed(seed)
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    field = Field(kind, lattice)
    optimiser = torch.optim.Adam(field.parameters(), lr=RATE)
    rows = torch.from_numpy(lattice.group)
    for _ in range(steps):
        coupling, truth = lattice.draw(BATCH, rng)
        said = field(coupling, generator)
        error = orbit_minimum(said, lattice.patterns[truth], rows.expand(BATCH, *rows.shape))
        loss = (error.amin(dim=1) + 0.1 * error.mean(dim=1)).mean()
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(field.parameters(), 1.0)
        optimiser.step()
    coupling, truth = lattice.draw(TEST, rng)
    with torch.no_grad():
        said = field(coupling, generator)
    energies = torch.stack([-0.5 * ((said @ a) * said).sum(dim=-1) for a in lattice.shells], dim=-1)
    energy = (energies * coupling[:, None]).sum(dim=-1)  # (b, STARTS)
    best = energy.argmin(dim=1)
    answers = said[torch.arange(TEST), best]
    ground = (lattice.energies[truth] * coupling).sum(dim=1)
    signs = torch.where(answers.abs() < 0.1, 0.0, torch.sign(answers))  # a site that is nearly zero has none
    of_signs = torch.stack([-0.5 * ((signs @ a) * signs).sum(dim=-1) for a in lattice.shells], dim=-1)
    hits = ((of_signs * coupling).sum(dim=1) < ground + EQUAL) & (signs != 0).all(dim=1)
    spread = float((said.amax(dim=2) - said.amin(dim=2)).max())
    return Outcome(float(hits.float().mean()), float((energy.amin(dim=1) / ground).mean()), lattice.chance(coupling), spread)
