"""The one training loop of every network: AdamW, warm-up and cosine, averaged weights, checkpoints, early stop.

It stands beside the models because `fit` is part of their contract and a room imports only from the floors below.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel

from models.contract import Examples, FitControl, ModelError, Prediction
from models.graphs.filler import padded
from models.networks.heads import TwoPart
from models.networks.state_file import write_state
from models.packing import batches_by_edges
from models.subnormals import subnormals_as_zero

CHECKPOINT_FILE = "checkpoint.pt"
PREDICTION_EDGES = 32768  # edges of a batch in inference: fewer take longer each, more take only room


@dataclass(frozen=True)
class TrainingSettings:
    """The optimiser's side of a family."""

    epochs: int = 30
    batch_size: int = 64  # at most; a small set is cut into twenty batches
    learning_rate: float = 4e-3  # the peak
    weight_decay: float = 1e-4
    warm_up: float = 0.05  # share of the run
    patience: int = 15  # epochs without a better validation error
    averaging: float = 0.998  # decay of the averaged weights, per step
    clip_norm: float = 1.0


@dataclass
class Progress:
    """What a checkpoint holds beside the tensors."""

    epoch: int = 0
    best_error: float = math.inf
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


Collate = Callable[[Examples, NDArray[np.int64], torch.dtype], Any]  # some examples to the batch that a network reads
# of a network's answer to a batch, given the moments and the weights of these labels (None: all equal)
Loss = Callable[[nn.Module, Any, torch.Tensor, torch.Tensor | None], torch.Tensor]


@dataclass(frozen=True)
class Task:
    """What is to be learned: how many examples, the loss of some of them, and the error that chooses the epoch."""

    rows: int
    loss: Callable[[nn.Module, NDArray[np.int64]], torch.Tensor]
    validate: Callable[[nn.Module], float]  # on validation rows
    error_name: str = "validation_mae"  # what the history calls it


@subnormals_as_zero()
def train_network(
    network: nn.Module, task: Task, settings: TrainingSettings, control: FitControl, identity: str
) -> list[dict[str, float]]:
    """Train in place; the network ends with the averaged weights of its best epoch.

    A checkpoint in control.checkpoint is taken up only where its `identity` is this run's. Order of batches depends on
    seed and epoch alone, so a resumed run sees what an uninterrupted one would have seen.

    Raises:
        ModelError: the loss is no longer finite.
    """
    epochs = control.epochs or settings.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    averaged = AveragedModel(network, multi_avg_fn=_moving_average(settings.averaging))
    best = {k: v.clone() for k, v in network.state_dict().items()}
    run = Progress()
    if control.checkpoint is not None:
        best = _resume(control.checkpoint, identity, network, averaged, optimiser, run) or best
    started = time.monotonic() - run.seconds
    while run.epoch < epochs and run.epoch - run.best_epoch < settings.patience and not control.out_of_time():
        rates = _schedule(settings, run.epoch, epochs, started, control)
        loss = _epoch(network, averaged, optimiser, task, settings, control.seed + 1000 * run.epoch, rates)
        error = task.validate(averaged.module)
        run.epoch += 1
        run.seconds = time.monotonic() - started
        if not math.isfinite(loss + error):
            raise ModelError(f"training diverged in epoch {run.epoch}: loss {loss}, {task.error_name} {error}")
        if error < run.best_error:
            run.best_error, run.best_epoch = error, run.epoch
            best = {k: v.clone() for k, v in averaged.module.state_dict().items()}
        run.history.append({"epoch": run.epoch, "loss": loss, task.error_name: error, "seconds": run.seconds})
        if control.checkpoint is not None:
            save_state(control.checkpoint, identity, network, averaged, optimiser, best, run)
        control.report(run.history[-1])
    network.load_state_dict(best)
    network.eval()
    return run.history


def moments_task(train: Examples, validation: Examples, dtype: torch.dtype, collate: Collate, loss_of: Loss) -> Task:
    """To predict the moments of crystals, each label with its weight, measured by the mean absolute error, µB/atom.

    Raises:
        ModelError: a weight is not a finite number, or is below zero, or all are zero.
    """
    target = torch.from_numpy(train.targets()).to(dtype)
    weight = None if train.weight is None else torch.from_numpy(_sound(train.weight)).to(dtype)

    def validate(network: nn.Module) -> float:
        return float(np.abs(predict_network(network, validation, collate).moment - validation.targets()).mean())

    def loss(network: nn.Module, index: NDArray[np.int64]) -> torch.Tensor:
        return loss_of(network, collate(train, index, dtype), target[index], None if weight is None else weight[index])

    return Task(len(train), loss, validate)


def _sound(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    if not (np.isfinite(weight).all() and (weight >= 0).all() and weight.any()):
        raise ModelError("networks need finite weights, none below zero and one above it")
    return weight


def predict_network(network: nn.Module, examples: Examples, collate: Collate) -> Prediction:
    """Predictions in the examples' order; batches are packed by edges, which does not change any row."""
    return predict_networks([network], examples, collate)[0]


def predict_networks(networks: Sequence[nn.Module], examples: Examples, collate: Collate) -> list[Prediction]:
    """The predictions of networks of one dtype that read the same batches, each of which is packed once.

    Filler crystals make a row's bits independent of its batch (models/graphs/filler.py).
    """
    dtype = next(networks[0].parameters()).dtype
    said = [Prediction(np.zeros(len(examples)), np.zeros(len(examples))) for _ in networks]
    with torch.inference_mode():
        for index in batches_by_edges(examples.graphs.edges_per_crystal, PREDICTION_EDGES):
            filled = padded(examples.take(index))
            batch = collate(filled, np.arange(len(filled)), dtype)
            said = [_with_batch(p, network.eval()(batch), index) for network, p in zip(networks, said, strict=True)]
    return said


def _with_batch(said: Prediction, two: TwoPart, index: NDArray[np.int64]) -> Prediction:
    """The prediction with the answers to a batch, which stand before those to its filler crystals, in their places."""
    said.moment[index] = two.moment[: len(index)].double().numpy()
    said.p_magnetic[index] = two.p_magnetic[: len(index)].double().numpy()
    if two.features is None:
        return said
    features = np.zeros((len(said.moment), two.features.shape[1]), np.float32) if said.features is None else said.features
    features[index] = two.features[: len(index)].float().numpy()
    return replace(said, features=features)


def _epoch(
    network: nn.Module, averaged: AveragedModel, optimiser: torch.optim.Optimizer, task: Task, settings: TrainingSettings,
    seed: int, rate: Callable[[float], float],
) -> float:  # fmt: skip
    network.train()
    torch.manual_seed(seed)  # a network may draw, too
    order = np.random.default_rng(seed).permutation(task.rows).astype(np.int64)
    batch_size = min(settings.batch_size, max(4, task.rows // 20))
    cuts = range(0, task.rows, batch_size)
    total = 0.0
    for k, start in enumerate(cuts):
        index: NDArray[np.int64] = order[start : start + batch_size]
        for group in optimiser.param_groups:
            group["lr"] = rate(k / len(cuts))
        loss = task.loss(network, index)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
        optimiser.step()
        averaged.update_parameters(network)
        total += loss.item() * len(index)
    return total / task.rows


def _schedule(
    settings: TrainingSettings, epoch: int, epochs: int, started: float, control: FitControl
) -> Callable[[float], float]:
    """The learning rate over one epoch. With a deadline, progress is the larger of epochs done and time used."""
    now = time.monotonic()
    spent = 0.0 if control.deadline is None else (now - started) / max(control.deadline - started, 1e-9)

    def rate(part: float) -> float:
        progress = min(1.0, max((epoch + part) / epochs, spent))
        if progress < settings.warm_up:
            return settings.learning_rate * (progress + 1e-3) / settings.warm_up
        fall = (progress - settings.warm_up) / (1 - settings.warm_up)
        return settings.learning_rate * (0.5 * (1 + math.cos(math.pi * fall)) + 1e-3)

    return rate


Tensors = tuple[torch.Tensor, ...] | list[torch.Tensor]


def _moving_average(decay: float) -> Callable[[Tensors, Tensors, torch.Tensor | int], None]:
    """Exponential moving average that forgets its first steps quickly, so that short runs are not their initial weights."""

    def update(averages: Tensors, weights: Tensors, seen: torch.Tensor | int) -> None:
        steps = float(seen)
        torch._foreach_lerp_(averages, weights, 1.0 - min(decay, (1.0 + steps) / (10.0 + steps)))

    return torch.no_grad()(update)


def save_state(
    folder: Path, identity: str, network: nn.Module, averaged: AveragedModel, optimiser: torch.optim.Optimizer,
    best: dict[str, torch.Tensor], run: Progress,
) -> None:  # fmt: skip
    state = {
        "identity": identity, "network": network.state_dict(), "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(), "best": best, "run": vars(run),
    }  # fmt: skip
    write_state(state, folder / CHECKPOINT_FILE)


def _resume(
    folder: Path, identity: str, network: nn.Module, averaged: AveragedModel, optimiser: torch.optim.Optimizer, run: Progress
) -> dict[str, torch.Tensor] | None:
    """The best weights of the run that the checkpoint belongs to, everything else restored; None to start anew."""
    if not (folder / CHECKPOINT_FILE).is_file():
        return None
    try:
        state: Any = torch.load(folder / CHECKPOINT_FILE, weights_only=True)
    except Exception:  # torn or foreign; torch raises whatever its reader came upon, and starting anew is always right
        return None
    if not isinstance(state, dict) or state.get("identity") != identity or state["run"].keys() != vars(run).keys():
        return None
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimiser.load_state_dict(state["optimiser"])
    vars(run).update(state["run"])
    best: dict[str, torch.Tensor] = state["best"]
    return best
