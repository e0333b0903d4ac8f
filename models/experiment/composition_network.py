"""A network on compositions: elements that attend to each other, beside descriptors of the whole formula.

Each element of a formula is a token of a learned embedding, tabulated properties and its fraction; one layer of attention
(Vaswani et al. 2017; on compositions: CrabNet, Wang et al., npj Comput. Mater. 7, 77, 2021), a pool weighted by fractions, and
one head for all tasks: Curie temperature, Néel temperature and order help each other. Learning the magnetisation of DFT first
(24,000 formulas) gained 1 % for twice the time and was left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from models.subnormals import subnormals_as_zero

ELEMENTS = 6  # of a formula, the most frequent ones; the descriptors see all of them
LARGEST_Z = 103
TASKS = ("tc", "tn", "order")
TASK_WEIGHTS = (1.0, 0.5, 0.5)
UNIT_K = 30.0
HUBER = 0.3  # in the unit of the square root of a temperature
Floats = NDArray[np.float64]
_AT_ONCE = 2048


@dataclass(frozen=True)
class NetworkSettings:
    """Chosen by cross-validation on chemical systems."""

    width: int = 64
    heads: int = 4
    hidden: int = 256
    epochs: int = 30  # 45 gained nothing
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    batch: int = 256


@dataclass(frozen=True, eq=False)
class CompositionInput:
    """One row a formula."""

    numbers: torch.Tensor  # (formulas, ELEMENTS) atomic numbers, 0 where there is none
    fractions: torch.Tensor  # (formulas, ELEMENTS)
    columns: torch.Tensor  # (formulas, descriptors), standardised

    def take(self, rows: torch.Tensor) -> CompositionInput:
        return CompositionInput(self.numbers[rows], self.fractions[rows], self.columns[rows])

    def __len__(self) -> int:
        return len(self.numbers)


class CompositionNetwork(nn.Module):
    """(formulas, TASKS): square roots of temperatures in UNIT_K, and the logit of a ferro- or ferrimagnet."""

    def __init__(self, properties: torch.Tensor, columns: int, settings: NetworkSettings) -> None:
        """`properties` is (LARGEST_Z + 1, properties), standardised, by atomic number."""
        super().__init__()
        d, h = settings.width, settings.hidden
        self.register_buffer("properties", properties)
        self.embedding = nn.Embedding(LARGEST_Z + 1, d, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.of_properties, self.of_fraction = nn.Linear(properties.shape[1], d), nn.Linear(3, d)
        self.attention = nn.TransformerEncoderLayer(d, settings.heads, 2 * d, 0.1, batch_first=True, norm_first=True)
        self.of_columns = nn.Sequential(nn.Dropout(0.1), nn.Linear(columns, h), nn.SiLU())
        self.head = nn.Sequential(
            nn.Linear(2 * d + h, h), nn.SiLU(), nn.Dropout(0.15), nn.Linear(h, h), nn.SiLU(), nn.Dropout(0.1),
            nn.Linear(h, len(TASKS)),
        )  # fmt: skip

    def forward(self, given: CompositionInput) -> torch.Tensor:
        absent, share = given.numbers == 0, given.fractions
        powers = torch.stack([share, share.sqrt(), (share + 1e-4).log() / 5], dim=-1)
        properties: torch.Tensor = self.properties  # type: ignore[assignment]
        token = self.embedding(given.numbers) + self.of_properties(properties[given.numbers]) + self.of_fraction(powers)
        token = self.attention(token, src_key_padding_mask=absent).masked_fill(absent[..., None], 0.0)
        mean = (token * share[..., None]).sum(1)
        bare = token.sum(1) / (~absent).sum(1, keepdim=True)
        out: torch.Tensor = self.head(torch.cat([mean, bare, self.of_columns(given.columns)], dim=1))
        return out


def tokens(numbers: NDArray[np.int64], fractions: Floats, start: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    """(formulas, ELEMENTS) numbers and fractions of packed compositions; rarer elements than that are left out."""
    ends = np.append(start[1:], len(numbers))
    n, f = np.zeros((len(start), ELEMENTS), np.int64), np.zeros((len(start), ELEMENTS), np.float32)
    for row, (a, b) in enumerate(zip(start, ends, strict=True)):
        order = np.argsort(-fractions[a:b], kind="stable")[:ELEMENTS] + a
        n[row, : len(order)], f[row, : len(order)] = numbers[order], fractions[order] / fractions[order].sum()
    return torch.from_numpy(n), torch.from_numpy(f)


@subnormals_as_zero()
def fit_network(
    network: CompositionNetwork, given: CompositionInput, targets: torch.Tensor, weights: torch.Tensor, rows: torch.Tensor,
    epochs: int, settings: NetworkSettings, seed: int,
) -> None:  # fmt: skip
    """Learn from some rows; `targets` and `weights` are (formulas, TASKS), NaN where a target is unknown.

    The network ends with the running mean of the weights of its last epochs, which generalises better than the last ones.
    """
    order = torch.Generator().manual_seed(seed)
    steps = epochs * math.ceil(len(rows) / settings.batch)
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.learning_rate, total_steps=steps, pct_start=0.15)
    mean = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98))  # type: ignore[no-untyped-call]
    for epoch in range(epochs):
        network.train()
        for batch in rows[torch.randperm(len(rows), generator=order)].split(settings.batch):  # type: ignore[no-untyped-call]
            loss = _loss(network(given.take(batch)), targets[batch], weights[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            schedule.step()
            if epoch >= averaged_from(epochs):
                mean.update_parameters(network)
    network.load_state_dict(mean.module.state_dict())
    network.eval()


def averaged_from(epochs: int) -> float:
    """The epoch, from 0, with which the mean of the weights begins: after 70 % of them, and with the last one at the latest,
    since the mean of no epoch is the network before it learned."""
    return min(0.7 * epochs, epochs - 1)


@torch.no_grad()
def run_network(network: CompositionNetwork, given: CompositionInput) -> Floats:
    """(formulas, TASKS)."""
    parts = [network(given.take(rows)) for rows in torch.arange(len(given)).split(_AT_ONCE)]  # type: ignore[no-untyped-call]
    out: Floats = torch.cat(parts).numpy().astype(np.float64) if parts else np.zeros((0, len(TASKS)))
    return out


def to_root(temperature_K: Floats) -> Floats:
    """The square root in which temperatures are learned."""
    root: Floats = np.sqrt(np.maximum(temperature_K, 0.0) / UNIT_K)
    return root


def from_root(root: Floats) -> Floats:
    """The inverse, K."""
    temperature: Floats = UNIT_K * np.maximum(root, 0.0) ** 2
    return temperature


def _loss(said: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    known = ~torch.isnan(targets)
    truth = torch.nan_to_num(targets)
    total = said.new_zeros(())
    for k, (task, of_task) in enumerate(zip(TASKS, TASK_WEIGHTS, strict=True)):
        if task == "order":
            each = nn.functional.binary_cross_entropy_with_logits(said[:, k], truth[:, k], reduction="none")
        else:
            each = nn.functional.smooth_l1_loss(said[:, k], truth[:, k], reduction="none", beta=HUBER)
        total = total + 2.0 * of_task * (each * weights[:, k] * known[:, k]).sum() / len(said)
    return total
