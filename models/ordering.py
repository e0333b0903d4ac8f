"""The model of magnetic orderings: sizes and classes from invariants, signs from broken symmetry (arXiv 2312.09016, 2503.21985).

It learns from crystals with one signed moment a site. What it says of a crystal is a distribution over collinear patterns of the
cell, each of which stands for its images under the space group and time reversal.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from models.contract import FitControl, ModelError
from models.network import SETTINGS_FILE, WEIGHTS_FILE
from models.ordering_forest import OrderingForest, OrderingForestSettings
from models.ordering_loss import LossWeights
from models.ordering_network import OrderingNetwork, OrderingSettings
from models.ordering_parts import OrderingExamples, OrderingPrediction
from models.ordering_patterns import PatternSettings
from models.ordering_predict import predict_orderings
from models.ordering_training import TRAINING, train_orderings
from models.sitegraph import SiteGraphs
from models.training import TrainingSettings

FAMILY = "ordering"
FORMAT = 1


class OrderingModel:
    """fit, predict, save and load, as the families of models/contract.py, of which it is none: it predicts orderings."""

    def __init__(
        self,
        settings: OrderingSettings | None = None,
        training: TrainingSettings = TRAINING,
        weights: LossWeights | None = None,
        search: PatternSettings | None = None,
    ) -> None:
        self.settings = settings or OrderingSettings()
        self.training = training
        self.weights = weights or LossWeights()
        self.search = search or PatternSettings()
        self.network = OrderingNetwork(self.settings)
        self.forest: OrderingForest | None = None

    def fit(self, train: OrderingExamples, validation: OrderingExamples, control: FitControl) -> list[dict[str, float]]:
        """Learn from `train`, choose the epoch on `validation`; one row of the history an epoch."""
        torch.set_num_threads(control.workers)
        torch.manual_seed(control.seed)
        self.network = OrderingNetwork(self.settings)
        parts = [FAMILY, self.settings, self.training, self.weights, control.seed, control.epochs, len(train), len(validation)]
        identity = hashlib.sha256(repr(parts).encode() + train.moment.tobytes()).hexdigest()
        history = train_orderings(self.network, train, validation, self.training, self.weights, control, identity)
        self.forest = OrderingForest.fit(train, OrderingForestSettings(), control.seed, control.workers)
        return history

    def predict(self, graphs: SiteGraphs) -> list[OrderingPrediction]:
        """One prediction a crystal; each depends on its own crystal only."""
        return predict_orderings(self.network, graphs, self.search, self.forest)

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        if self.forest is None:
            raise ModelError("the model of orderings has not been fitted")
        weights = {k: v.contiguous() for k, v in self.network.state_dict().items()}
        save_file(weights | self.forest.tensors(), folder / WEIGHTS_FILE)
        header = {
            "family": FAMILY,
            "format": FORMAT,
            "settings": dataclasses.asdict(self.settings),
            "search": dataclasses.asdict(self.search),
        }
        (folder / SETTINGS_FILE).write_text(json.dumps(header, indent=2) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved model, predicting the same numbers. Raises ModelError for anything else in the folder."""
        try:
            header = dict(json.loads((folder / SETTINGS_FILE).read_text()))
            weights = load_file(folder / WEIGHTS_FILE)
        except (OSError, ValueError, TypeError, SafetensorError) as fault:
            raise ModelError(f"{folder} holds no readable model: {fault}") from fault
        if header.get("family") != FAMILY or header.get("format") != FORMAT:
            raise ModelError(f"{folder} holds a {header.get('family')} of format {header.get('format')}, not {FAMILY} {FORMAT}")
        try:
            model = cls(OrderingSettings(**header["settings"]), search=PatternSettings(**header["search"]))
            model.forest = OrderingForest.of_tensors({k: weights.pop(k) for k in list(weights) if k.startswith("forest.")})
            model.network.load_state_dict(weights)
        except (TypeError, ValueError, ArithmeticError, RuntimeError, KeyError) as fault:
            raise ModelError(f"the weights in {folder} do not fit their settings: {fault}") from fault
        if not all(bool(torch.isfinite(w).all()) for w in weights.values()):
            raise ModelError(f"{folder} holds weights that are not finite")
        model.network.eval()
        return model
