"""Pretraining of MPNN's trunk without labels: hidden elements are named, and disturbed lengths are corrected.

Masking is that of Hu et al., Strategies for Pre-training Graph Neural Networks (arXiv 1905.12265), denoising that of Zaidi et al.
(arXiv 2206.00133). Graphs of orbits have no coordinates to disturb, as an atom alone would leave the symmetry. Disturbed are the
lengths, that of an edge and of its reverse alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.layers import N_ELEMENTS, mlp, pick
from models.networks.training import Task

if TYPE_CHECKING:
    from models.networks.mpnn import MPNNNetwork

HELD_OUT = 1000  # crystals, a tenth of fewer but one at least, by whose loss the epoch is chosen
AT_ONCE = 256  # of them
SHORTEST_A = 0.5  # no disturbed length is below it


@dataclass(frozen=True)
class PretextSettings:
    """How crystals are disturbed."""

    hidden: float = 0.15  # share of the orbits whose element is hidden
    noise_A: float = 0.1  # standard deviation of the change of a length


class Pretext(nn.Module):
    """The network below its heads (`features`), with a head for elements and one for lengths."""

    def __init__(self, trunk: MPNNNetwork, settings: PretextSettings) -> None:
        super().__init__()
        self.trunk, self.settings = trunk, settings
        width = trunk.settings.width
        self.element = nn.Linear(width, N_ELEMENTS)
        self.length = mlp(2 * width + trunk.settings.gaussians, width, 1)

    def loss(self, batch: GraphBatch) -> Tensor:
        """Cross-entropy of the hidden elements, and the squared error of the noise in units of `noise_A`; a scalar."""
        shape, drawn = self.trunk.settings, torch.rand(len(batch.numbers))
        hidden = (drawn < self.settings.hidden) | (drawn == drawn.min())  # one at least
        noise = edge_noise(batch)
        lengths = (batch.edge_distance + self.settings.noise_A * noise).clamp(min=SHORTEST_A)
        changed = replace(batch, numbers=batch.numbers.masked_fill(hidden, 0), edge_distance=lengths)
        # which neighbours count is not disturbed
        changed.known_weights[shape.neighbours, shape.fade_A] = batch.shell_weight(shape.neighbours, shape.fade_A)
        h = self.trunk.features(changed)
        ends = [pick(h, batch.edge_target), pick(h, batch.edge_source), self.trunk.basis(lengths)]
        named = functional.cross_entropy(self.element(h[hidden]), batch.numbers[hidden])
        found: Tensor = named + (self.length(torch.cat(ends, dim=1))[:, 0] - noise).square().mean()
        return found


def edge_noise(batch: GraphBatch) -> Tensor:
    """(edges,) standard normal numbers, the same for an edge and its reverse."""
    low, high = torch.minimum(batch.edge_source, batch.edge_target), torch.maximum(batch.edge_source, batch.edge_target)
    length = (batch.edge_distance * 1e4).round().long()  # below 2^20: lengths are below 100 Å
    pair = (low * len(batch.numbers) + high) * 2**20 + length
    names, place = torch.unique(pair, return_inverse=True)
    return torch.randn(len(names), dtype=batch.edge_distance.dtype)[place]


def pretext_task(graphs: CrystalGraphs, seed: int) -> Task:
    """To name and correct what is disturbed in crystals, measured on some that are held out.

    Args:
        graphs: two crystals or more; no label is read.
        seed: draws those that are held out.
    """
    rows = np.random.default_rng(seed).permutation(len(graphs))
    held, learned = np.split(rows, [min(HELD_OUT, max(1, len(rows) // 10))])

    def loss(network: nn.Module, index: NDArray[np.int64]) -> Tensor:
        if not isinstance(network, Pretext):
            raise TypeError(network)
        return network.loss(GraphBatch.collate(graphs, index))

    def validate(network: nn.Module) -> float:
        parts = np.array_split(held, max(1, len(held) // AT_ONCE))
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)  # the same disturbance after each epoch
            return float(np.mean([loss(network.eval(), part).item() for part in parts]))

    return Task(len(learned), lambda network, index: loss(network, learned[index]), validate, "pretext_loss")
