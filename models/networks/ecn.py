"""ECN: equivariant crystal network (Kaba and Ravanbakhsh, arXiv 2211.15420) on the atoms of one primitive cell.

On the 2×2×2 supercell of the paper a message from cell q to cell p has weights that depend only on the orbit of (p, q) under the
lattice's group. Without broken symmetry all eight copies of an atom carry one feature, so the primitive cell says it all and the
orbit becomes a kind of edge: 0 for a neighbour in the same lattice cell, 1 for one in the nearest kind of cell, and so on
(pipeline/features/vectors.py says how that is made independent of the choice of cell and origin).

    e_ij = MLP[distance basis, kind]
    m_ij = sigmoid(w·u) * u,   u = W2 silu(W1 [h_i, h_j, e_ij])        the paper's two maps and its scalar gate
    h_i <- h_i + MLP[ sum_j m_ij + sum_{j translate of i} m'_ij, h_i ] two layers side by side, as in the paper

Group "set" knows only "the same cell" and "another one"; group "lattice" knows every kind. The layer on explicit supercells, with
broken symmetry and per-cell output, is models/published/supercell_maps.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.graphs.cell_orbits import N_CELLS
from models.graphs.vector_graphs import VectorBatch
from models.networks.heads import TwoPart, TwoPartHead
from models.networks.layers import N_ELEMENTS, GaussianBasis, mlp, pick, silu, weighted_sum
from models.networks.network_model import VectorNetworkModel
from models.networks.training import TrainingSettings

GROUPS = ("lattice", "set")
MESSAGE_SCALE = 8.0  # divides sums over some sixteen neighbours


@dataclass(frozen=True)
class ECNSettings:
    """Shape of the network."""

    width: int = 64
    layers: int = 3
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis
    group: str = "lattice"  # what tells cells apart: "lattice", or "set" (same cell or not)


class CellMessage(nn.Module):
    """Messages along edges, gated and summed: (nodes, width) to (nodes, width)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.centre = nn.Linear(width, width)
        self.neighbour = nn.Linear(width, width, bias=False)
        self.edge = nn.Linear(width, width, bias=False)
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)

    def forward(self, h: Tensor, edge: Tensor, source: Tensor, target: Tensor) -> Tensor:
        v = pick(self.centre(h), target).add_(pick(self.neighbour(h), source))
        u = self.second(silu(v.addmm_(edge, self.edge.weight.T)))
        gate = torch.sigmoid(self.gate(u)).squeeze(1)
        return weighted_sum(u, gate, target, len(h))


class CellConvolution(nn.Module):
    """One layer: messages from all neighbours, and messages from an atom's own translates."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.every = CellMessage(width)
        self.translates = CellMessage(width)
        self.update = mlp(2 * width, width, width)

    def forward(self, node: Tensor, edge: Tensor, batch: VectorBatch) -> Tensor:
        h = self.norm(node)
        own = batch.edge_translate
        message = self.every(h, edge, batch.edge_source, batch.edge_target)
        message = message + self.translates(h, edge[own], batch.edge_source[own], batch.edge_target[own])
        updated: Tensor = node + self.update(torch.cat([message / MESSAGE_SCALE, h], dim=1))
        return updated


class KindEncoding(nn.Module):
    """Bits of kinds (edges,) to (edges, kinds): each kind's share; where several cells are equally near, each has its part."""

    shares: Tensor

    def __init__(self, group: str) -> None:
        super().__init__()
        if group not in GROUPS:
            raise ValueError(f"group {group!r} is none of {', '.join(GROUPS)}")
        bits = (torch.arange(2**N_CELLS)[:, None] >> torch.arange(N_CELLS)) & 1
        shares = bits / bits.sum(dim=1, keepdim=True).clamp(min=1)
        if group == "set":
            shares = torch.stack([shares[:, 0], shares[:, 1:].sum(dim=1)], dim=1)
        self.register_buffer("shares", shares, persistent=False)

    @property
    def kinds(self) -> int:
        return self.shares.shape[1]

    def forward(self, bits: Tensor) -> Tensor:
        return self.shares[bits]


class ECNNetwork(nn.Module):
    """Element embedding, cell-typed convolutions, mean over atoms, two-part head."""

    def __init__(self, settings: ECNSettings) -> None:
        super().__init__()
        width = settings.width
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.kind = KindEncoding(settings.group)
        self.edge = mlp(settings.gaussians + self.kind.kinds, width, width)
        self.convolutions = nn.ModuleList(CellConvolution(width) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.head = TwoPartHead(width)

    def forward(self, batch: VectorBatch) -> TwoPart:
        node = self.embedding(batch.numbers)
        basis = self.basis.shared(batch.edge_distance, batch.known_bases)
        edge = self.edge(torch.cat([basis, self.kind(batch.edge_kind)], dim=1))
        for convolution in self.convolutions:
            node = convolution(node, edge, batch)
        said: TwoPart = self.head(weighted_sum(self.norm(node), batch.node_weight, batch.node_crystal, batch.n_crystals))
        return said


class ECN(VectorNetworkModel):
    family: ClassVar[str] = "ecn"
    settings_type = ECNSettings
    training = TrainingSettings()

    def build(self) -> nn.Module:
        return ECNNetwork(self.settings)
