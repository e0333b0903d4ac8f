"""MPNN: a message-passing network on distances (Gilmer et al., arXiv 1704.01212) that predicts a moment for each site.

    m_ij  = gate(M_ij) * M_ij,   M_ij = phi_m(h_i, h_j, e_ij)              phi_m: two layers
    h_i  <- h_i + phi_h(h_i, sum_j w_ij m_ij)
    s_i   = softplus(phi_s(h_i, mean h)),   size = mean s_i                a moment is a sum over sites
    P(magnetic) = sigmoid(phi_p(mean h))
    sphere_i = softplus(phi_t(h_i))                                        in training: size of a site's calculated moment

The messages are those of MC-EGNN (models/networks/mcegnn.py) without its vectors: on the magnet set the vectors brought nothing
(docs/results/model-families.md), and without them the network reads distance graphs.

w_ij is the number of neighbours that the edge represents times a weight that falls to zero at the edge of the neighbour shell
(GraphBatch.shell_weight). A neighbour that leaves the shell leaves it slowly, so a prediction is a continuous function of the
structure. In training the lengths of each crystal are stretched at random by about `strain`, and `dropout` acts on the updates
and on the pooled features: without them the validation error stops falling after 12 epochs of the magnet set.

Where crystals have calculated site moments, `sphere` learns their sizes. They tell the layers below which atoms carry a moment,
also in antiferromagnets, whose total moment does not say so.

All that is before the heads can learn from crystals without labels first (models/networks/pretext.py).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.contract import FitControl, ModelError
from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.element_table import N_PROPERTIES, element_table
from models.networks.heads import TwoPart
from models.networks.layers import MEAN_NEIGHBOURS, N_ELEMENTS, GaussianBasis, mlp, pick, silu, weighted_sum
from models.networks.network_model import NetworkModel
from models.networks.pretext import Pretext, PretextSettings, pretext_task
from models.networks.training import TrainingSettings, train_network

HEADS = ("gate.", "site.", "sphere.")  # what pretraining does not touch


@dataclass(frozen=True)
class MPNNSettings:
    """Shape of the network, and what disturbs it in training."""

    width: int = 64
    layers: int = 3
    gaussians: int = 32
    reach_A: float = 8.0  # last centre of the distance basis
    neighbours: int = 12  # what the graphs were built with: so many neighbours count in full
    fade_A: float = 0.1  # and those this little farther ever less
    dropout: float = 0.1  # share of the updates and of the pooled features
    strain: float = 0.01  # standard deviation of the random stretch


class MessageLayer(nn.Module):
    """One update of (nodes, width)."""

    def __init__(self, settings: MPNNSettings) -> None:
        super().__init__()
        width = settings.width
        self.norm = nn.LayerNorm(width)
        self.centre = nn.Linear(width, width)
        self.neighbour = nn.Linear(width, width, bias=False)
        self.edge = nn.Linear(settings.gaussians, width, bias=False)
        self.second = nn.Linear(width, width)
        self.gate = nn.Linear(width, 1)
        self.update = mlp(2 * width, width, width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, node: Tensor, edge: Tensor, weight: Tensor, batch: GraphBatch) -> Tensor:
        h = self.norm(node)
        v = pick(self.centre(h), batch.edge_target).add_(pick(self.neighbour(h), batch.edge_source))
        v.addmm_(edge, self.edge.weight.T)
        message = silu(self.second(silu(v)))
        weight = torch.sigmoid(self.gate(message))[:, 0] * weight
        summed = weighted_sum(message, weight, batch.edge_target, len(h)) / MEAN_NEIGHBOURS
        changed: Tensor = node + self.dropout(self.update(torch.cat([h, summed], dim=1)))
        return changed


class MPNNNetwork(nn.Module):
    """Element embedding, messages, the mean of the sites' moments."""

    properties: Tensor

    def __init__(self, settings: MPNNSettings) -> None:
        super().__init__()
        self.settings = settings
        width = settings.width
        self.embedding = nn.Embedding(N_ELEMENTS, width)
        self.register_buffer("properties", element_table(), persistent=False)
        self.of_properties = nn.Linear(N_PROPERTIES, width)
        self.basis = GaussianBasis(0.0, settings.reach_A, settings.gaussians, settings.reach_A / settings.gaussians)
        self.layers = nn.ModuleList(MessageLayer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(settings.dropout)
        self.gate = mlp(width, width, 1)
        self.site = mlp(2 * width, width, 1)
        self.sphere = mlp(width, width, 1)

    def forward(self, batch: GraphBatch) -> TwoPart:
        h = self.features(batch)
        features = weighted_sum(h, batch.node_weight, batch.node_crystal, batch.n_crystals)
        pooled = self.dropout(features)
        sites = functional.softplus(self.site(torch.cat([h, pick(pooled, batch.node_crystal)], dim=1)))
        size = weighted_sum(sites, batch.node_weight, batch.node_crystal, batch.n_crystals)
        spheres = None if batch.site_moment is None else functional.softplus(self.sphere(h))[:, 0]
        return TwoPart(self.gate(pooled)[:, 0], size[:, 0], spheres, features)

    def features(self, batch: GraphBatch) -> Tensor:
        """(nodes, width)."""
        node = self.embedding(batch.numbers) + self.of_properties(self.properties[batch.numbers])
        edge = self.edge_features(batch)
        weight = batch.edge_count * batch.shell_weight(self.settings.neighbours, self.settings.fade_A)
        for layer in self.layers:
            node = layer(node, edge, weight, batch)
        h: Tensor = self.norm(node)
        return h

    def edge_features(self, batch: GraphBatch) -> Tensor:
        """(edges, gaussians); in training of stretched crystals."""
        if not self.training:
            return self.basis.shared(batch.edge_distance, batch.known_bases)
        stretch = 1.0 + self.settings.strain * torch.randn(batch.n_crystals, dtype=batch.edge_distance.dtype)
        stretched: Tensor = self.basis(batch.edge_distance * stretch[batch.node_crystal[batch.edge_target]])
        return stretched


class MPNN(NetworkModel):
    family: ClassVar[str] = "mpnn"
    settings_type = MPNNSettings
    reads_site_moments: ClassVar[bool] = True
    training = TrainingSettings(epochs=24)
    pretext = PretextSettings()
    pretraining = TrainingSettings(epochs=4)

    def build(self) -> nn.Module:
        return MPNNNetwork(self.settings)

    def pretrain(self, graphs: CrystalGraphs, control: FitControl) -> list[dict[str, float]]:
        torch.set_num_threads(control.workers)
        torch.manual_seed(control.seed)
        self.network = network = MPNNNetwork(self.settings)
        parts = [self.family, self.settings, self.pretext, self.pretraining, control.seed]
        read = b"".join(array.tobytes() for array in graphs.arrays().values())
        identity = hashlib.sha256(repr(parts).encode() + read).hexdigest()
        disturbed, own = Pretext(network, self.pretext), replace(control, epochs=None)
        return train_network(disturbed, pretext_task(graphs, control.seed), self.pretraining, own, identity)

    def start_from(self, folder: Path) -> None:
        """Take over all but the heads, which stay as they are. Raises ModelError where the saved network has another shape."""
        model = MPNN.load(folder)
        if model.settings != self.settings:
            raise ModelError(f"{folder} holds a network of {model.settings}, not of {self.settings}")
        saved = model.network.state_dict()
        self.network.load_state_dict({k: v for k, v in saved.items() if not k.startswith(HEADS)}, strict=False)
