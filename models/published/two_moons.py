"""Gradient starvation on two moons (arXiv 2011.09468, figure 1): a straight line does, and so the bend is never learned.

The upper moon lies above zero in the easy coordinate and the lower one below, but for noise. A shift Delta moves each moon away
from zero (+0.1, the gap that a line can use) or across it (-0.1, where the bend is needed). A ReLU network learns all 300 points
at once by gradient descent, from cross-entropy alone, with spectral decoupling, or with weight decay.

R is the mean of |df/dx_hard| over that of |df/dx_easy|, at the training points. The accuracy is that on other points of the
overlapping moons; the last columns hold the training points' mean |f| against the margin m*(c) at which training must end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import make_moons
from torch import Tensor, nn

from models.published.spectral_decoupling import binary_loss

POINTS, NOISE, DELTA = 300, 0.1, 0.1
WIDTH, RATE, MOMENTUM, EPOCHS = 500, 0.01, 0.9, 4000
UNSEEN = 1000  # added to the seed of the test points


@dataclass(frozen=True)
class Run:
    """One way to train."""

    name: str
    delta: float
    strength: float = 0.0
    weight_decay: float = 0.0


RUNS = (
    Run("cross-entropy, overlap", -DELTA),
    Run("cross-entropy, gap", DELTA),
    Run("decoupled .003, gap", DELTA, strength=0.003),
    Run("decoupled .03, gap", DELTA, strength=0.03),
    Run("weight decay .01, gap", DELTA, weight_decay=0.01),
)


def moons(delta: float, seed: int) -> tuple[Tensor, Tensor]:
    """(n, 2) points, the easy coordinate last, and (n,) whether they belong to the lower moon."""
    x, lower = make_moons(POINTS, noise=NOISE, random_state=seed)
    x[:, 1] += np.where(lower, -0.5 - delta, delta)  # scikit-learn's lower moon reaches up to 0.5
    return torch.from_numpy(x).float(), torch.from_numpy(lower).float()


def trained(run: Run, x: Tensor, lower: Tensor, seed: int, epochs: int = EPOCHS) -> nn.Sequential:
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Linear(2, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
    optimiser = torch.optim.SGD(network.parameters(), lr=RATE, momentum=MOMENTUM, weight_decay=run.weight_decay)
    for _ in range(epochs):
        loss = binary_loss(network(x)[:, 0], lower, run.strength)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
    return network


def measure(run: Run, seed: int, epochs: int = EPOCHS) -> dict[str, float]:
    """R, accuracy on overlapping moons, mean |f|."""
    x, lower = moons(run.delta, seed)
    network = trained(run, x, lower, seed, epochs)
    x.requires_grad_()
    f = network(x)[:, 0]
    (slope,) = torch.autograd.grad(f.sum(), x)
    hard, easy = slope.abs().mean(dim=0)
    unseen, truth = moons(-DELTA, seed + UNSEEN)
    with torch.no_grad():
        right = (network(unseen)[:, 0] > 0) == (truth > 0)
    return {"R": float(hard / easy), "accuracy": float(right.float().mean()), "margin": float(f.detach().abs().mean())}
