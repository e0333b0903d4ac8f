"""The families' networks with the parts that benchmarks/phonons.py exchanges, and a head for one number."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.networks.layers import N_ELEMENTS, GaussianBasis, mlp
from models.networks.network_model import NetworkModel
from pipeline.features.descriptors import magpie_table

POWERS = (1.0, 2.0, 4.0, 6.0)  # of inverse distances, features of an edge
REACH = 5.0  # bound of an attention score, so that its exponential stays finite
Floats = NDArray[np.float64]


def element_facts() -> tuple[Floats, Floats, Floats]:
    """Magpie's properties, mass (u) and covalent radius (Å), by atomic number."""
    names, table = magpie_table()
    return table, np.maximum(table[:, names.index("AtomicWeight")], 1.0), table[:, names.index("CovalentRadius")] / 100.0


class ElementEmbedding(nn.Module):
    """Atomic numbers to vectors: a map of the elements' properties, and a free vector that starts at zero."""

    properties: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        table, mass, _ = element_facts()
        known = np.concatenate([table, np.log(mass)[:, None], mass[:, None] ** -0.5], axis=1)
        known = (known - known[1:].mean(axis=0)) / known[1:].std(axis=0)
        self.register_buffer("properties", torch.from_numpy(known[:N_ELEMENTS]).float())
        self.map = mlp(known.shape[1], width, width)
        self.free = nn.Embedding(N_ELEMENTS, width)
        nn.init.zeros_(self.free.weight)

    def forward(self, numbers: Tensor) -> Tensor:
        return cast(Tensor, self.map(self.properties)[numbers] + self.free(numbers))


class BondBasis(nn.Module):
    """Distances (edges,) in Å to (edges, count) features: broad bins and powers."""

    def __init__(self, count: int, reach_A: float, step_A: float) -> None:
        super().__init__()
        self.bins = GaussianBasis(0.0, reach_A, count - len(POWERS), step_A)

    def forward(self, distance: Tensor) -> Tensor:
        ratio = 1.5 / distance.clamp(min=0.5)
        return torch.cat([self.bins(distance), torch.stack([ratio**power for power in POWERS], dim=1)], dim=1)

    def shared(self, distance: Tensor, known: list[tuple[Tensor, float, Tensor]]) -> Tensor:
        """`forward`; no other network reads a batch of this benchmark."""
        return cast(Tensor, self(distance))


class Scores(nn.Module):
    """In the place of a network's last norm: (nodes, width) to what the weighted mean over atoms must carry for an attention."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.value, self.score = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, node: Tensor) -> Tensor:
        h = self.norm(node)
        strength = torch.exp(REACH * torch.tanh(self.score(h) / REACH))
        return torch.cat([h, strength * self.value(h), strength], dim=1)


class Attended(nn.Module):
    """In the place of a network's head, behind `Scores`: [mean, attention per channel] of the atoms."""

    def forward(self, pooled: Tensor) -> Tensor:
        mean, summed, strength = pooled.chunk(3, dim=1)
        return torch.cat([mean, summed / strength], dim=1)


class Regression(nn.Module):
    """A family's network with its parts exchanged, and a head for one number."""

    def __init__(self, model: NetworkModel, springs: int, bin_A: float) -> None:
        super().__init__()
        self.network, shape = model.network, model.settings
        self.network.embedding = ElementEmbedding(shape.width)
        self.network.basis = BondBasis(shape.gaussians, shape.reach_A, bin_A)
        if model.family == "megnet":
            self.network.head = nn.Identity()
        else:
            self.network.norm, self.network.head = Scores(shape.width), Attended()
        self.head = mlp(2 * shape.width + springs, shape.width, 1)

    def forward(self, batch: Any, springs: Tensor) -> Tensor:
        return cast(Tensor, self.head(torch.cat([self.network(batch), springs], dim=1)).squeeze(1))
