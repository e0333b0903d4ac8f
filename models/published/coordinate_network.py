"""A network on raw Cartesian coordinates: it knows nothing of rotations, and says something else of a turned crystal.

PointNet (Qi et al. 2017) on the surroundings of every atom, then on the atoms of the cell:

    m_aj = sigmoid(w·u) * u,   u = W2 silu(W1 [z_a, z_j, x_aj])    x_aj: each component of r_j - r_a on its own basis
    u_a  = MLP[z_a, sum_j m_aj]
    g    = mean_a u_a                                              what the atoms have in common
    crystal = mean_a (u_a + MLP[u_a, g])

Family "coordinates" sees the crystal in the pose in which it comes, which is the standard setting of its space group for a
crystal with exact symmetry. models/published/canonicalization.py chooses the pose. Sums over atoms make it blind to their
order, and to the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.graphs.vector_graphs import VectorBatch
from models.networks.heads import TwoPart, TwoPartHead
from models.networks.layers import MEAN_NEIGHBOURS, N_ELEMENTS, GaussianBasis, mlp, pick, weighted_sum
from models.networks.network_model import VectorNetworkModel
from models.networks.training import TrainingSettings


@dataclass(frozen=True)
class CoordinateSettings:
    """Shape of the network."""

    width: int = 64
    centres: int = 16  # of the basis of each component
    reach_A: float = 6.0  # the basis covers [-reach, reach]


@dataclass(frozen=True, eq=False)
class Poses:
    """Crystals of a batch as seen in frames; a crystal may have several, whose weights add up to one."""

    frame: Tensor  # (poses, 3, 3) axes as rows
    crystal: Tensor  # (poses,) int64, ascending
    weight: Tensor  # (poses,)

    @classmethod
    def as_given(cls, batch: VectorBatch) -> Poses:
        """Every crystal once, in the pose in which it came."""
        identity = torch.eye(3, dtype=batch.lattice.dtype).expand(batch.n_crystals, 3, 3)
        return cls(identity, torch.arange(batch.n_crystals), batch.lattice.new_ones(batch.n_crystals))


def ranges(first: Tensor, count: Tensor) -> tuple[Tensor, Tensor]:
    """The whole numbers first[k] ... first[k] + count[k] - 1, one range after the other, and which range each belongs to."""
    owner = torch.repeat_interleave(torch.arange(len(count)), count)
    before = torch.cumsum(count, 0) - count
    return torch.arange(len(owner)) - before[owner] + first[owner], owner


def starts(counts: Tensor) -> Tensor:
    """Where each of several consecutive ranges begins."""
    return torch.cumsum(counts, 0) - counts


class CoordinateNetwork(nn.Module):
    """Poses of crystals to a TwoPart; while it is trained, one atom of each orbit, drawn anew, stands for the others."""

    def __init__(self, settings: CoordinateSettings) -> None:
        super().__init__()
        width, reach = settings.width, settings.reach_A
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.basis = GaussianBasis(-reach, reach, settings.centres, 2 * reach / settings.centres)
        self.centre = nn.Linear(width, width)
        self.neighbour = nn.Linear(width, width, bias=False)
        self.edge = nn.Linear(3 * settings.centres + 3, width, bias=False)
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)
        self.site = mlp(2 * width, width, width)
        self.norm = nn.LayerNorm(width)
        self.common = mlp(2 * width, width, width)
        self.last = nn.LayerNorm(width)
        self.head = TwoPartHead(width)

    def forward(self, batch: VectorBatch) -> TwoPart:
        said: TwoPart = self.head(self.embed(batch, Poses.as_given(batch)))
        return said

    def embed(self, batch: VectorBatch, poses: Poses) -> Tensor:
        """(crystals, width): the mean over each crystal's poses, by their weights."""
        site, pose, share = self._sites(batch, poses)
        node = batch.site_node[site]
        turn = poses.frame[pose] @ batch.rotation[batch.site_rotation[site]]
        edges = torch.bincount(batch.edge_target, minlength=len(batch.numbers))
        edge, at = ranges(starts(edges)[node], edges[node])
        seen = torch.bmm(turn[at], batch.edge_vector[edge][:, :, None])[:, :, 0]
        z = self.embedding(batch.numbers)
        v = pick(pick(self.centre(z), node), at) + pick(pick(self.neighbour(z), batch.edge_source), edge)
        v = torch.addmm(v, self._components(seen), self.edge.weight.T)
        u = self.second(functional.silu(v))
        summed = weighted_sum(u, torch.sigmoid(self.gate(u)).squeeze(1), at, len(site)) / MEAN_NEIGHBOURS
        u = self.norm(self.site(torch.cat([z[node], summed], dim=1)))
        common = weighted_sum(u, share, pose, len(poses.weight))
        u = u + self.common(torch.cat([u, pick(common, pose)], dim=1))
        of_pose = weighted_sum(u, share, pose, len(poses.weight))
        crystal: Tensor = self.last(weighted_sum(of_pose, poses.weight, poses.crystal, batch.n_crystals))
        return crystal

    def _components(self, vector: Tensor) -> Tensor:
        """(edges, 3) Å to (edges, 3 * centres + 3)."""
        bins = self.basis(vector.reshape(-1)).view(len(vector), -1)
        return torch.cat([bins, vector / 4.0], dim=1)

    def _sites(self, batch: VectorBatch, poses: Poses) -> tuple[Tensor, Tensor, Tensor]:
        """(rows,) site, pose, and the share of the pose's atoms that the row stands for."""
        nodes = torch.bincount(batch.node_crystal, minlength=batch.n_crystals)
        if self.training:  # its pose and its orbit's share; the site is drawn
            node, pose = ranges(starts(nodes)[poses.crystal], nodes[poses.crystal])
            return _one_of_each_orbit(batch)[node], pose, batch.node_weight[node]
        sites = torch.bincount(batch.site_crystal, minlength=batch.n_crystals)
        site, pose = ranges(starts(sites)[poses.crystal], sites[poses.crystal])
        return site, pose, 1.0 / sites[poses.crystal][pose].to(poses.weight.dtype)


def _one_of_each_orbit(batch: VectorBatch) -> Tensor:
    """(nodes,) a site of each orbit, drawn with torch's generator."""
    order = torch.randperm(len(batch.site_node))
    best = torch.full((len(batch.numbers),), -1).scatter_reduce(0, batch.site_node[order], torch.arange(len(order)), "amax")
    return order[best]


class Coordinates(VectorNetworkModel):
    family: ClassVar[str] = "coordinates"
    settings_type = CoordinateSettings
    training = TrainingSettings()

    def build(self) -> nn.Module:
        return CoordinateNetwork(self.settings)
