"""Training of the model of orderings: AdamW, warm-up and cosine, averaged weights, checkpoints, as models/training.py."""

from __future__ import annotations

import math
import time
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim.swa_utils import AveragedModel

from models.contract import FitControl, ModelError
from models.graph import batches_by_edges
from models.ordering_loss import LossWeights, ordering_loss
from models.ordering_network import OrderingNetwork
from models.ordering_parts import OrderingExamples
from models.sitegraph import SiteBatch
from models.training import PREDICTION_EDGES, Progress, TrainingSettings, moving_average, resume, save_state, schedule

TRAINING = TrainingSettings(epochs=12, batch_size=48, learning_rate=3e-3, weight_decay=3e-2, patience=12)


def train_orderings(
    network: OrderingNetwork, train: OrderingExamples, validation: OrderingExamples, settings: TrainingSettings,
    weights: LossWeights, control: FitControl, identity: str,
) -> list[dict[str, float]]:  # fmt: skip
    """Train in place; the network ends with the averaged weights of its best epoch by the validation loss.

    Raises:
        ModelError: the loss is no longer finite.
    """
    epochs = control.epochs or settings.epochs
    optimiser = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    averaged = AveragedModel(network, multi_avg_fn=moving_average(settings.averaging))
    best = {k: v.clone() for k, v in network.state_dict().items()}
    run = Progress()  # its best_mae is the best validation loss here
    if control.checkpoint is not None:
        best = resume(control.checkpoint, identity, network, averaged, optimiser, run) or best
    started = time.monotonic() - run.seconds
    while run.epoch < epochs and run.epoch - run.best_epoch < settings.patience and not control.out_of_time():
        network.train()
        seed = control.seed + 1000 * run.epoch
        torch.manual_seed(seed)
        order = np.random.default_rng(seed).permutation(len(train)).astype(np.int64)
        rate = schedule(settings, run.epoch, epochs, started, control)
        cuts = range(0, len(order), settings.batch_size)
        total = 0.0
        for k, start in enumerate(cuts):
            index = order[start : start + settings.batch_size]
            for group in optimiser.param_groups:
                group["lr"] = rate(k / len(cuts))
            loss = batch_loss(network, train, index, weights)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), settings.clip_norm)
            optimiser.step()
            averaged.update_parameters(network)
            total += loss.item() * len(index)
        chosen = mean_loss(cast(OrderingNetwork, averaged.module), validation, weights)
        run.epoch += 1
        run.seconds = time.monotonic() - started
        if not math.isfinite(total + chosen):
            raise ModelError(f"training diverged in epoch {run.epoch}: loss {total}, validation loss {chosen}")
        if chosen < run.best_mae:
            run.best_mae, run.best_epoch = chosen, run.epoch
            best = {k: v.clone() for k, v in averaged.module.state_dict().items()}
        row = {"epoch": run.epoch, "loss": total / len(order), "validation_loss": chosen, "seconds": run.seconds}
        run.history.append(row)
        control.report(row)
        if control.checkpoint is not None:
            save_state(control.checkpoint, identity, network, averaged, optimiser, best, run)
    network.load_state_dict(best)
    network.eval()
    return run.history


def batch_loss(
    network: OrderingNetwork, examples: OrderingExamples, index: NDArray[np.int64], weights: LossWeights
) -> torch.Tensor:
    """The loss of some crystals."""
    dtype = next(network.parameters()).dtype
    part = examples.take(index)
    batch = SiteBatch.collate(part.graphs, np.arange(len(index)), dtype)
    moment, ordering = torch.from_numpy(part.moment).to(dtype), torch.from_numpy(part.ordering)
    return ordering_loss(network(batch), batch, network.field, moment, ordering, weights)


def mean_loss(network: OrderingNetwork, examples: OrderingExamples, weights: LossWeights) -> float:
    """Over all crystals, with probes that are always the same."""
    network.eval()
    total = 0.0
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        for index in batches_by_edges(examples.graphs.trunk.edges_per_crystal, PREDICTION_EDGES):
            total += batch_loss(network, examples, index, weights).item() * len(index)
    return total / len(examples)
