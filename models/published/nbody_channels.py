"""MC-EGNN on the N-body task: are several vectors per node better than one? (arXiv 2309.03139)

Every run has the same processor time on one core, Adam at 1e-3, batches of 100, norm_diff and gradients clipped to 1, and is
evaluated with the weights of its best validation epoch.
"""

from __future__ import annotations

import copy
import time

import torch
from torch import Tensor, nn

from models.networks.layers import mlp
from models.networks.mcegnn import ChannelConvolution
from models.published.nbody import PARTICLES, Motions

WIDTH, LAYERS, BATCH, RATE, CLIP_NORM = 64, 4, 100, 1e-3, 1.0


class ChannelNBody(nn.Module):
    """Positions and velocities to later positions; equivariant under rotations, reflections, translations and renumbering."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        shapes = [(1, channels), *([(channels, channels)] * (LAYERS - 2)), (channels, 1)]
        self.channels = channels
        self.embedding = nn.Linear(1, WIDTH)
        self.layers = nn.ModuleList(ChannelConvolution(WIDTH, shape, edge_width=2) for shape in shapes)
        self.drift = nn.ModuleList(mlp(WIDTH, WIDTH, shape[1]) for shape in shapes)

    def forward(self, charge: Tensor, x: Tensor, v: Tensor) -> Tensor:
        n = len(x)
        source, target = pairs(n)
        q, x, v = charge.flatten(0, 1), x.flatten(0, 1), v.flatten(0, 1)
        edge = torch.cat([q[source] * q[target], ((x[source] - x[target]) ** 2).sum(dim=1, keepdim=True)], dim=1)
        h = self.embedding(v.norm(dim=1, keepdim=True))
        mean = h.new_full((len(h),), 1.0 / (PARTICLES - 1))
        channels = x[:, :, None]
        for k, (layer, drift) in enumerate(zip(self.layers, self.drift, strict=True)):
            d = channels[target] - channels[source]
            scalars, vectors = layer(h, d, 1.0, edge, source, target, mean, 1.0)
            last = k == len(self.layers) - 1
            kept = channels.mean(dim=2, keepdim=True) if last else channels.expand(-1, -1, self.channels)
            channels = kept + vectors + v[:, :, None] * drift(h)[:, None, :]
            h = h + scalars
        return channels[:, :, 0].view(n, PARTICLES, 3)


def pairs(n: int) -> tuple[Tensor, Tensor]:
    """All ordered pairs of different particles in n systems, sorted by target."""
    one = torch.tensor([(j, i) for i in range(PARTICLES) for j in range(PARTICLES) if i != j]).T
    shift = torch.arange(n)[:, None] * PARTICLES
    return (one[0] + shift).flatten(), (one[1] + shift).flatten()


def train(network: nn.Module, learn: Motions, choose: Motions, seed: int, seconds: float) -> int:
    """Epochs within the processor time; the network ends with the weights of its best validation epoch."""
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE, weight_decay=1e-12)
    rng = torch.Generator().manual_seed(seed)
    best, weights, epochs, end = float("inf"), copy.deepcopy(network.state_dict()), 0, time.process_time() + seconds
    while time.process_time() < end:
        for index in torch.split(torch.randperm(len(learn), generator=rng), BATCH):
            part = learn.take(index)
            loss = ((network(part.charge, part.x, part.v) - part.later) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), CLIP_NORM)
            optimiser.step()
        epochs += 1
        error = mean_error(network, choose)
        if error < best:
            best, weights = error, copy.deepcopy(network.state_dict())
    network.load_state_dict(weights)
    return epochs


def mean_error(network: nn.Module, motions: Motions) -> float:
    with torch.no_grad():
        return mse(network(motions.charge, motions.x, motions.v), motions.later)


def mse(predicted: Tensor, truth: Tensor) -> float:
    return float(((predicted - truth) ** 2).mean())
