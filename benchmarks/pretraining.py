"""Pretraining of MPNN's trunk without labels: masked elements are named, and disturbed lengths are corrected.

Masking is that of Hu et al., Strategies for Pre-training Graph Neural Networks (arXiv 1905.12265), denoising that of Zaidi et al.
(arXiv 2206.00133). Graphs of orbits have no coordinates to disturb, as an atom alone would leave the symmetry. Disturbed are the
lengths, that of an edge and of its reverse alike.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from models.contract import FitControl
from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.layers import N_ELEMENTS, mlp, pick
from models.networks.mpnn import MPNNNetwork, MPNNSettings
from models.networks.training import Task, TrainingSettings, train_network

MASKED = 0.15  # share of the orbits whose element is hidden
NOISE_A = 0.1  # standard deviation of the lengths, Å
HELD_OUT = 1000  # crystals that choose the epoch
AT_ONCE = 256  # of them
TASKS = {"masking": (True, False), "denoising": (False, True), "masking and denoising": (True, True)}
HEADS = ("gate.", "site.", "sphere.")  # of MPNN, which no pretraining touches


class Pretext(nn.Module):
    """MPNN's trunk with a head for elements and one for lengths."""

    def __init__(self, settings: MPNNSettings, masks: bool, disturbs: bool) -> None:
        super().__init__()
        self.trunk, self.masks, self.disturbs = MPNNNetwork(settings), masks, disturbs
        self.element = nn.Linear(settings.width, N_ELEMENTS)
        self.length = mlp(2 * settings.width + settings.gaussians, settings.width, 1)

    def loss(self, batch: GraphBatch) -> Tensor:
        """Cross-entropy of the hidden elements, and the squared error of the noise in units of NOISE_A; a scalar."""
        settings, known = self.trunk.settings, batch.numbers
        drawn = torch.rand(len(known))
        hidden = (drawn < MASKED) | (drawn == drawn.min()) if self.masks else torch.zeros(len(known), dtype=torch.bool)
        noise = edge_noise(batch) if self.disturbs else torch.zeros_like(batch.edge_distance)
        changed = replace(
            batch, numbers=known.masked_fill(hidden, 0), edge_distance=(batch.edge_distance + NOISE_A * noise).clamp(min=0.5)
        )  # fmt: skip
        changed.known_weights[settings.neighbours, settings.fade_A] = batch.shell_weight(settings.neighbours, settings.fade_A)
        h = self.trunk.features(changed)
        total = h.new_zeros(())
        if self.masks:
            total = total + functional.cross_entropy(self.element(h[hidden]), known[hidden])
        if self.disturbs:
            ends = [pick(h, batch.edge_target), pick(h, batch.edge_source), self.trunk.basis(changed.edge_distance)]
            total = total + (self.length(torch.cat(ends, dim=1))[:, 0] - noise).square().mean()
        return total


def edge_noise(batch: GraphBatch) -> Tensor:
    """(edges,) standard normal numbers, the same for an edge and its reverse."""
    low, high = torch.minimum(batch.edge_source, batch.edge_target), torch.maximum(batch.edge_source, batch.edge_target)
    length = (batch.edge_distance * 1e4).round().long()  # below 2^20: lengths are below 100 Å
    pair = (low * len(batch.numbers) + high) * 2**20 + length
    names, place = torch.unique(pair, return_inverse=True)
    return torch.randn(len(names), dtype=batch.edge_distance.dtype)[place]


def pretrained(graphs: CrystalGraphs, settings: MPNNSettings, tasks: str, epochs: int, control: FitControl) -> dict[str, Tensor]:
    """Weights of the trunk after pretraining; a killed one goes on from the checkpoint of `control`.

    Args:
        graphs: crystals without labels.
        settings: of the network.
        tasks: one of TASKS.
        epochs: passes over the crystals.
        control: seed, checkpoint and progress.
    """
    torch.manual_seed(control.seed)
    network = Pretext(settings, *TASKS[tasks])
    rows = np.random.default_rng(control.seed).permutation(len(graphs))
    held, learned = np.split(rows, [min(HELD_OUT, len(rows) // 10)])

    def batch_loss(module: nn.Module, index: NDArray[np.int64]) -> Tensor:
        if not isinstance(module, Pretext):
            raise TypeError(module)
        return module.loss(GraphBatch.collate(graphs, index))

    def validate(module: nn.Module) -> float:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            torch.manual_seed(0)
            module.eval()
            parts = np.array_split(held, max(1, len(held) // AT_ONCE))
            return float(np.mean([batch_loss(module, part).item() for part in parts]))

    task = Task(len(learned), lambda module, index: batch_loss(module, learned[index]), validate, "pretext_loss")
    train_network(network, task, TrainingSettings(epochs=epochs), control, f"{tasks}-{epochs}-{len(graphs)}-{control.seed}")
    return {name: value for name, value in network.trunk.state_dict().items() if not name.startswith(HEADS)}
