"""MEGNet: bonds, atoms and a global state update one another (Chen et al. 2019), sized as in Kaba et al. (arXiv 2111.14712).

    bond_ij <- MLP[site_i, site_j, bond_ij, state]
    site_i  <- MLP[mean of incoming bonds, site_i, state]
    state   <- MLP[mean of bonds, mean of sites, state]

Each block starts with dense layers on all three and has a residual around it; Set2Set reads out sites and bonds. Every mean
and every attention weight counts a node by its multiplicity and a bond by how many it stands for, so that the result is
that of the full cell. The first linear map of the bond MLP is applied to sites and state before they are spread over bonds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.graphs.crystal_graphs import GraphBatch
from models.networks.heads import TwoPart, TwoPartHead
from models.networks.layers import N_ELEMENTS, GaussianBasis, SiLU, mlp, pick, softmax_within, weighted_sum
from models.networks.network_model import NetworkModel
from models.networks.training import TrainingSettings


@dataclass(frozen=True)
class MEGNetSettings:
    """Shape of the network."""

    width: int = 32
    hidden: int = 64
    blocks: int = 3
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis
    set2set_steps: int = 3


@dataclass(frozen=True, eq=False)
class Weights:
    """How much each bond and site counts."""

    incoming: Tensor  # (edges,) share of its centre's bonds; sums to 1 at each node
    bond: Tensor  # (edges,) share of the crystal's bonds; sums to 1 in each crystal
    bond_crystal: Tensor  # (edges,) which crystal

    @classmethod
    def of(cls, batch: GraphBatch) -> Weights:
        nodes = len(batch.numbers)
        degree = torch.zeros(nodes, dtype=batch.edge_count.dtype).index_add_(0, batch.edge_target, batch.edge_count)
        bonds = batch.edge_count * batch.node_weight[batch.edge_target]
        crystal = batch.node_crystal[batch.edge_target]
        total = torch.zeros(batch.n_crystals, dtype=bonds.dtype).index_add_(0, crystal, bonds)
        return cls(batch.edge_count / degree[batch.edge_target], bonds / total[crystal], crystal)


class BondUpdate(nn.Module):
    """MLP over [site_i, site_j, bond, state] with its first layer split by input."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.centre = nn.Linear(width, hidden)
        self.neighbour = nn.Linear(width, hidden, bias=False)
        self.bond = nn.Linear(width, hidden, bias=False)
        self.state = nn.Linear(width, hidden, bias=False)
        self.rest = nn.Sequential(SiLU(), mlp(hidden, hidden, width))

    def forward(self, site: Tensor, bond: Tensor, state: Tensor, batch: GraphBatch) -> Tensor:
        centre = self.centre(site) + pick(self.state(state), batch.node_crystal)
        first = pick(centre, batch.edge_target).add_(pick(self.neighbour(site), batch.edge_source))
        first.addmm_(bond, self.bond.weight.T)
        updated: Tensor = self.rest(first)
        return updated


class Block(nn.Module):
    """Dense layers, the three updates, residuals."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.dense = nn.ModuleList(nn.Sequential(nn.LayerNorm(width), mlp(width, hidden, width), SiLU()) for _ in range(3))
        self.bond = BondUpdate(width, hidden)
        self.site = mlp(3 * width, hidden, hidden, width)
        self.state = mlp(3 * width, hidden, hidden, width)

    def forward(
        self, site: Tensor, bond: Tensor, state: Tensor, batch: GraphBatch, weights: Weights
    ) -> tuple[Tensor, Tensor, Tensor]:
        v, e, u = self.dense[0](site), self.dense[1](bond), self.dense[2](state)
        e = self.bond(v, e, u, batch)
        incoming = weighted_sum(e, weights.incoming, batch.edge_target, len(v))
        v = self.site(torch.cat([incoming, v, pick(u, batch.node_crystal)], dim=1))
        bonds = weighted_sum(incoming, _node_share(batch, weights), batch.node_crystal, batch.n_crystals)
        sites = weighted_sum(v, batch.node_weight, batch.node_crystal, batch.n_crystals)
        u = self.state(torch.cat([bonds, sites, u], dim=1))
        return site + v, bond + e, state + u


def _node_share(batch: GraphBatch, weights: Weights) -> Tensor:
    """(nodes,) share of the crystal's bonds that end at each node; the mean of bonds is the mean of nodes' means by it."""
    return torch.zeros(len(batch.numbers), dtype=weights.bond.dtype).index_add_(0, batch.edge_target, weights.bond)


class WeightedSet2Set(nn.Module):
    """Set2Set (Vinyals et al. 2016) over weighted items; an item of weight w counts like w equal items."""

    def __init__(self, width: int, steps: int) -> None:
        super().__init__()
        self.width, self.steps = width, steps
        self.cell = nn.LSTMCell(2 * width, width)

    def forward(self, items: Tensor, weight: Tensor, crystal: Tensor, size: int) -> Tensor:
        """(items, width) to (crystals, 2 width)."""
        query = items.new_zeros(size, self.width)
        memory = items.new_zeros(size, self.width)
        read = items.new_zeros(size, 2 * self.width)
        prior = weight.log()
        for _ in range(self.steps):
            query, memory = self.cell(read, (query, memory))
            score = (items * pick(query, crystal)).sum(dim=1) + prior
            attention = softmax_within(score, crystal, size)
            read = torch.cat([query, weighted_sum(items, attention, crystal, size)], dim=1)
        return read


class MEGNetNetwork(nn.Module):
    """Embeddings, blocks, Set2Set over sites and bonds, two-part head."""

    def __init__(self, settings: MEGNetSettings) -> None:
        super().__init__()
        width = settings.width
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.bond = nn.Linear(settings.gaussians, width)
        self.state = nn.Parameter(torch.zeros(width))
        self.blocks = nn.ModuleList(Block(width, settings.hidden) for _ in range(settings.blocks))
        self.site_norm, self.bond_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.site_set = WeightedSet2Set(width, settings.set2set_steps)
        self.bond_set = WeightedSet2Set(width, settings.set2set_steps)
        self.reduce = nn.Linear(5 * width, 2 * width)
        self.head = TwoPartHead(2 * width)

    def forward(self, batch: GraphBatch) -> TwoPart:
        weights = Weights.of(batch)
        site, bond = self.embedding(batch.numbers), self.bond(self.basis.shared(batch.edge_distance, batch.known_bases))
        state = self.state.expand(batch.n_crystals, -1)
        for block in self.blocks:
            site, bond, state = block(site, bond, state, batch, weights)
        sites = self.site_set(self.site_norm(site), batch.node_weight, batch.node_crystal, batch.n_crystals)
        bonds = self.bond_set(self.bond_norm(bond), weights.bond, weights.bond_crystal, batch.n_crystals)
        said: TwoPart = self.head(functional.silu(self.reduce(torch.cat([sites, bonds, state], dim=1))))
        return said


class MEGNet(NetworkModel):
    family: ClassVar[str] = "megnet"
    settings_type = MEGNetSettings
    training = TrainingSettings()

    def build(self) -> nn.Module:
        return MEGNetNetwork(self.settings)
