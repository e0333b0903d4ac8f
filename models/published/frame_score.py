"""How well each candidate frame suits its crystal: a light equivariant network.

What it sees are moments up to rank four, turned into the frame: sums of a_e r⊗...⊗r with unit vectors r and learned invariant
weights a_e, over neighbours and over the shortest lattice vectors of each parity, which do not depend on the cell. Rank four is
the first that tells the axes of a cube from its diagonals. Moments are kept by their distinct components x^a y^b z^c.

Frames with the same cross of axes differ in the axes' order and direction only: their components are those of the cross, moved
about and with other signs, so moments are turned once a cross.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch_geometric.utils import scatter

from models.graphs.frames import SIGNED_PERMUTATIONS
from models.graphs.vector_graphs import VectorBatch
from models.networks.layers import N_ELEMENTS, GaussianBasis, mlp, pick

_STEPS = torch.tensor([n for n in itertools.product((-1, 0, 1), repeat=3) if any(n)])  # (26, 3)
_PARITY = (_STEPS % 2) @ torch.tensor([4, 2, 1])
_TIE_A = 0.01  # Å; lattice vectors this little longer than the shortest count as well
_RANKS = [3, 9, 27, 81]  # components of the moments of ranks one to four
LATTICE_A = 8.0  # Å; lattice vectors of length d are told apart by d / (d + LATTICE_A)


@dataclass(frozen=True)
class FrameScoreSettings:
    """Shape of the network."""

    channels: int = 8  # moments of the surroundings, of each rank
    lattice_channels: int = 2  # moments of the lattice, of each rank
    width: int = 32
    gaussians: int = 16
    reach_A: float = 8.0  # last centre of the distance basis


class FrameScore(nn.Module):
    """Batches to (frames,) scores."""

    place: Tensor
    sign: Tensor

    def __init__(self, settings: FrameScoreSettings) -> None:
        super().__init__()
        width = settings.width
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.weight = mlp(2 * width + settings.gaussians, width, settings.channels)
        self.lattice_basis = GaussianBasis(0.0, 1.0, settings.gaussians, 1.0 / settings.gaussians)
        self.lattice_weight = mlp(settings.gaussians, width, settings.lattice_channels)
        place, sign = _under_signed_permutations()
        self.register_buffer("place", place, persistent=False)
        self.register_buffer("sign", sign, persistent=False)
        components = (settings.channels + settings.lattice_channels) * len(_DISTINCT)
        self.score = mlp(components, width, 1)

    def forward(self, batch: VectorBatch) -> Tensor:
        moments = _symmetrised(torch.cat([self._surroundings(batch), self._lattice(batch)], dim=1), batch)
        along = _turned(moments[batch.triad_crystal], batch.triad).transpose(1, 2)  # (triads, components, channels)
        order = batch.frame_axes
        rows = batch.frame_triad[:, None] * len(_DISTINCT) + self.place[order]
        seen = pick(along.flatten(0, 1), rows) * self.sign[order][:, :, None]
        score: Tensor = self.score(seen.flatten(1)).squeeze(1)
        return score

    def _surroundings(self, batch: VectorBatch) -> Tensor:
        """(crystals, channels, 34) of each orbit's representative, weighted by the orbits' shares."""
        z = self.embedding(batch.numbers)
        length = batch.edge_vector.norm(dim=1, keepdim=True)
        ends = torch.cat([pick(z, batch.edge_target), pick(z, batch.edge_source), self.basis(length[:, 0])], dim=1)
        a = self.weight(ends) * (batch.node_weight[batch.edge_target] / 4.0)[:, None]
        products = a[:, :, None] * _powers(batch.edge_vector / length)[:, None]
        crystal = batch.node_crystal[batch.edge_target]
        pooled: Tensor = scatter(products, crystal, dim=0, dim_size=batch.n_crystals, reduce="sum")
        return pooled

    def _lattice(self, batch: VectorBatch) -> Tensor:
        """(crystals, lattice channels, 34) of the shortest lattice vectors of each parity."""
        vector, weight = shortest_of_each_parity(batch.lattice)
        length = vector.norm(dim=2, keepdim=True)
        a = self.lattice_weight(self.lattice_basis(length.flatten() / (length.flatten() + LATTICE_A))).view(*vector.shape[:2], -1)
        powers = _powers((vector / length).flatten(0, 1)).view(*vector.shape[:2], -1)
        pooled: Tensor = (a * weight[:, :, None]).transpose(1, 2) @ powers
        return pooled


def shortest_of_each_parity(lattice: Tensor) -> tuple[Tensor, Tensor]:
    """The lattice vectors that are shortest among those equal modulo 2: the same set for every reduced basis of a lattice.

    Args:
        lattice: (crystals, 3, 3) Å, reduced, rows.

    Returns:
        (crystals, 26, 3) Å, and (crystals, 26) weights: 0 for a vector that is not shortest, 1/n for one of n that are.
    """
    vector = _STEPS.to(lattice.dtype) @ lattice
    length = vector.norm(dim=2)
    parity = _PARITY.expand(len(lattice), -1)
    shortest = torch.full((len(lattice), 8), torch.inf, dtype=lattice.dtype).scatter_reduce(1, parity, length, "amin")
    kept = (length < shortest.gather(1, parity) + _TIE_A).to(lattice.dtype)
    count = torch.zeros_like(shortest).scatter_add(1, parity, kept)
    return vector, kept / count.gather(1, parity)


def _powers(r: Tensor) -> Tensor:
    """(n, 3) to (n, 34): the products of one to four components, each once."""
    r2 = _outer(r, r)
    return torch.cat([r, r2, _outer(r, r2), _outer(r2, r2)], dim=1)[:, _DISTINCT]


def _turned(moments: Tensor, q: Tensor) -> Tensor:
    """Moments (k, channels, 34) under orthogonal matrices q (k, 3, 3); symmetric as they are, a pair of axes at a time."""
    k, channels = moments.shape[:2]
    one, two, three, four = torch.split(moments[:, :, _ALL], _RANKS, dim=2)
    q2 = (q[:, :, None, :, None] * q[:, None, :, None, :]).reshape(-1, 9, 9).transpose(1, 2)  # q⊗q, for rows
    q = q.transpose(1, 2)
    three = (three.reshape(k, -1, 9) @ q2).view(k, channels, 3, 9).transpose(2, 3).reshape(k, -1, 3) @ q
    four = (four.reshape(k, -1, 9) @ q2).view(k, channels, 9, 9).transpose(2, 3).reshape(k, -1, 9) @ q2
    turned = [one @ q, two @ q2, three.view(k, channels, 27), four.view(k, channels, 81)]
    return torch.cat(turned, dim=2)[:, :, _DISTINCT]


def _symmetrised(moments: Tensor, batch: VectorBatch) -> Tensor:
    """The moments averaged over the point group: those of all atoms instead of one of each orbit."""
    turned = _turned(moments[batch.rotation_crystal], batch.rotation)
    mean: Tensor = scatter(turned, batch.rotation_crystal, dim=0, dim_size=batch.n_crystals, reduce="mean")
    return mean


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return (a[:, :, None] * b[:, None]).flatten(1)


def _components() -> tuple[list[tuple[int, ...]], Tensor, Tensor]:
    """The distinct components by their axes in ascending order; their places among all 120; which of them each of the 120 is."""
    every = [axes for rank in range(1, 5) for axes in itertools.product(range(3), repeat=rank)]
    distinct = [axes for axes in every if list(axes) == sorted(axes)]
    known = {axes: k for k, axes in enumerate(distinct)}
    every_place = {axes: k for k, axes in enumerate(every)}
    return (
        distinct,
        torch.tensor([every_place[axes] for axes in distinct]),
        torch.tensor([known[tuple(sorted(axes))] for axes in every]),
    )


_NAMES, _DISTINCT, _ALL = _components()


def _under_signed_permutations() -> tuple[Tensor, Tensor]:
    """(48, 34) which component of the cross each component in a frame is, and with which sign."""
    place = torch.zeros(len(SIGNED_PERMUTATIONS), len(_NAMES), dtype=torch.int64)
    sign = torch.ones(len(SIGNED_PERMUTATIONS), len(_NAMES))
    for k, matrix in enumerate(SIGNED_PERMUTATIONS):
        source, signs = np.abs(matrix).argmax(axis=1), matrix.sum(axis=1)
        for c, axes in enumerate(_NAMES):
            place[k, c] = _NAMES.index(tuple(sorted(int(source[a]) for a in axes)))
            sign[k, c] = float(np.prod([signs[a] for a in axes]))
    return place, sign
