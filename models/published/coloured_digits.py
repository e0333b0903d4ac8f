"""Gradient starvation by colour: scikit-learn's digits, of which a colour tells more than the shape does at first.

A digit is small (0 to 4) or large (5 to 9), and painted in one of two colours, each a channel of its own. In training the colour
agrees with the label for 95 % of the images, in the test for 5 %: who goes by colour fails. A network of two hidden layers learns
all training images at once with Adam, from cross-entropy with spectral decoupling of strength c, and without weight decay.

Test accuracy after 200 and after 1,500 steps; nothing is chosen by it.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor

from models.networks.layers import mlp
from models.published.spectral_decoupling import binary_loss

AGREES = 0.95  # in training; 1 - AGREES in the test
STRENGTHS = (0.0, 0.003, 0.03, 0.1, 0.3)
STEPS = (200, 1500)
WIDTH, RATE = 300, 1e-4


def painted(image: NDArray[np.float64], large: NDArray[np.bool_], agrees: float, seed: int) -> tuple[Tensor, Tensor]:
    """(n, 128) images in two channels of which one is dark, and (n,) labels."""
    flip = np.random.default_rng(seed).random(len(large)) >= agrees
    channels = np.zeros((len(large), 2, image.shape[1]))
    channels[np.arange(len(large)), (large ^ flip).astype(np.int64)] = image
    return torch.from_numpy(channels).float().flatten(1), torch.from_numpy(large).float()


def experiment(strength: float, seed: int, steps: tuple[int, ...] = STEPS) -> dict[int, tuple[float, float]]:
    """Training and test accuracy after each number of steps."""
    data = load_digits()
    learn, test = train_test_split(np.arange(len(data.target)), test_size=1 / 3, random_state=seed, stratify=data.target)
    image, large = data.data / 16.0, data.target >= 5
    x, y = painted(image[learn], large[learn], AGREES, seed)
    unseen, truth = painted(image[test], large[test], 1.0 - AGREES, seed + 1)
    torch.manual_seed(seed)
    network = mlp(x.shape[1], WIDTH, WIDTH, 1, activation=torch.nn.ReLU)
    for layer in network:
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.xavier_uniform_(layer.weight)
            torch.nn.init.zeros_(layer.bias)
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    found = {}
    for step in range(1, max(steps) + 1):
        loss = binary_loss(network(x)[:, 0], y, strength)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
        if step in steps:
            with torch.no_grad():
                found[step] = accuracy(network(x), y), accuracy(network(unseen), truth)
    return found


def accuracy(logit: Tensor, label: Tensor) -> float:
    return float(((logit[:, 0] > 0) == (label > 0)).float().mean())
