"""Adapting a pretrained image network to quarter turns (arXiv 2310.01647), on scikit-learn's digits.

A small convolutional network learns upright digits. A light canonicalizer scores the four quarter turns of an image with one
network, so that its scores turn with the image (arXiv 2405.14089); the classifier then looks at the image turned back by the
best. The canonicalizer alone is trained, on upright images: by the task's loss through the frozen classifier, and with the prior
(cross-entropy of "upright") beside it. Gradients pass straight through the choice.

Test accuracy: upright and in random quarter turns before and after, the share of images whose four turns get one prediction, and
the share of upright images that are left upright (identity metric).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor, nn
from torch.nn import functional

TURNS, SIZE = 4, 16
EPOCHS, BATCH, RATE = 30, 64, 1e-3
PRIOR = 100.0  # weight beside the task's loss, the library's default for images


@dataclass(frozen=True)
class Digits:
    """Upright images and what they show."""

    image: Tensor  # (n, 1, 16, 16)
    label: Tensor  # (n,)


class Classifier(nn.Module):
    """A small convolutional network; it knows nothing of turns."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 16, 64), nn.ReLU(), nn.Linear(64, 10),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        logits: Tensor = self.layers(image)
        return logits


class Canonicalizer(nn.Module):
    """Images (n, 1, 16, 16) to scores (n, 4) of how they stand; turning the image by a quarter moves the scores by one."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 16, 5, padding=2), nn.ReLU(),
            nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 16, 32), nn.ReLU(), nn.Linear(32, 1),
        )  # fmt: skip

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.layers(views(image).flatten(0, 1)).view(TURNS, -1).T
        return scores


class Canonicalized(nn.Module):
    """The classifier on images turned back."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner, self.canonicalizer = inner, Canonicalizer()

    def forward(self, image: Tensor) -> Tensor:
        score = self.canonicalizer(image)
        soft = torch.softmax(score, dim=1)
        weight = functional.one_hot(score.argmax(dim=1), TURNS) + soft - soft.detach()
        logits: Tensor = self.inner((weight.T[:, :, None, None, None] * views(image)).sum(dim=0))
        return logits


def views(image: Tensor) -> Tensor:
    """(4, n, 1, 16, 16) the images turned back by 0, 1, 2 and 3 quarters."""
    return torch.stack([torch.rot90(image, -k, dims=(2, 3)) for k in range(TURNS)])


def digits(seed: int) -> tuple[Digits, Digits]:
    """Two thirds to learn from, one third to test."""
    data = load_digits()
    image = torch.from_numpy(data.images / 16.0).float()[:, None]
    image = functional.interpolate(image, size=(SIZE, SIZE), mode="bilinear", align_corners=False)
    learn, test = train_test_split(np.arange(len(image)), test_size=1 / 3, random_state=seed, stratify=data.target)
    label = torch.from_numpy(data.target)
    return Digits(image[learn], label[learn]), Digits(image[test], label[test])


def train(network: nn.Module, learn: Digits, seed: int, epochs: int, prior: float = 0.0) -> None:
    """Adam on whatever of the network is not frozen."""
    optimiser = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], lr=RATE)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        for index in torch.split(torch.randperm(len(learn.label), generator=rng), BATCH):
            image, label = learn.image[index], learn.label[index]
            loss = functional.cross_entropy(network(image), label)
            if prior:
                assert isinstance(network, Canonicalized)
                loss = loss + prior * functional.cross_entropy(network.canonicalizer(image), torch.zeros_like(label))
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()


@torch.no_grad()
def accuracy(network: nn.Module, image: Tensor, label: Tensor) -> float:
    return float((network(image).argmax(dim=1) == label).float().mean())


def randomly_turned(image: Tensor, seed: int) -> Tensor:
    turn = torch.randint(TURNS, (len(image),), generator=torch.Generator().manual_seed(seed))
    return views(image)[turn, torch.arange(len(image))]


@torch.no_grad()
def agreement(network: nn.Module, image: Tensor) -> float:
    """The share of images that get one prediction in all four turns."""
    said = torch.stack([network(view).argmax(dim=1) for view in views(image)])
    return float((said == said[0]).all(dim=0).float().mean())


def experiment(seed: int, epochs: int = EPOCHS) -> dict[str, float]:
    """One seed's accuracies and metrics."""
    torch.manual_seed(seed)
    learn, test = digits(seed)
    turned = randomly_turned(test.image, seed)
    plain = Classifier()
    train(plain, learn, seed, epochs)
    found = {"upright": accuracy(plain, test.image, test.label), "turned": accuracy(plain, turned, test.label)}
    plain.requires_grad_(False)
    for name, prior in (("no prior", 0.0), ("prior", PRIOR)):
        network = Canonicalized(plain)
        train(network, learn, seed, epochs, prior)
        with torch.no_grad():
            standing = network.canonicalizer(test.image).argmax(dim=1) == 0
        found |= {
            f"{name}: turned": accuracy(network, turned, test.label),
            f"{name}: agreement": agreement(network, test.image),
            f"{name}: identity": float(standing.float().mean()),
        }
    return found
