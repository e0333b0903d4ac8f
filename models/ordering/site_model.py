"""The model of magnetic orderings: sizes and classes from invariants, signs from broken symmetry (arXiv 2312.09016, 2503.21985).

It learns from crystals with one signed moment a site. What it says of a crystal is a distribution over collinear patterns of the
cell, each of which stands for its images under the space group and time reversal.
"""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file

from models.contract import FitControl, ModelError
from models.graphs.site_graphs import SiteGraphs
from models.networks.training import TrainingSettings, train_network
from models.ordering.pattern_trees import PATTERN_BOOSTING, PatternTrees
from models.ordering.site_examples import OrderingExamples, OrderingPrediction
from models.ordering.site_forest import OrderingForest, OrderingForestSettings
from models.ordering.site_loss import LossWeights
from models.ordering.site_network import OrderingNetwork, OrderingSettings
from models.ordering.site_patterns import PatternSettings
from models.ordering.site_predict import predict_orderings
from models.ordering.site_training import TRAINING, orderings_task
from models.saved import WEIGHTS_FILE, read_saved, set_weights, write_header

FAMILY = "ordering"
FORMAT = 2


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
        self.trees: PatternTrees | None = None

    def fit(self, train: OrderingExamples, validation: OrderingExamples, control: FitControl) -> list[dict[str, float]]:
        """Learn from `train`, choose the epoch on `validation`; one row of the history an epoch."""
        torch.set_num_threads(control.workers)
        torch.manual_seed(control.seed)
        self.network = OrderingNetwork(self.settings)
        parts = [FAMILY, self.settings, self.training, self.weights, control.seed, control.epochs, len(train), len(validation)]
        identity = hashlib.sha256(repr(parts).encode() + train.moment.tobytes()).hexdigest()
        task = orderings_task(train, validation, self.weights)
        history = train_network(self.network, task, self.training, control, identity)
        self.fit_trees(train, control)
        return history

    def fit_trees(self, examples: OrderingExamples, control: FitControl) -> None:
        """Learn all but the network. Trees choose no epoch: they may learn from validation rows once choices are made."""
        self.forest = OrderingForest.fit(examples, OrderingForestSettings(), control.seed, control.workers)
        self.trees = PatternTrees.fit(examples, PATTERN_BOOSTING, control.seed)

    def predict(self, graphs: SiteGraphs, p_ordering: NDArray[np.float64] | None = None) -> list[OrderingPrediction]:
        """One prediction a crystal; each depends on its own crystal only.

        Args:
            p_ordering: (crystals, 4) stands in for the model's own classes where they are known.
        """
        forest, trees = self._fitted()
        return predict_orderings(self.network, forest, trees, graphs, self.search, p_ordering)

    def _fitted(self) -> tuple[OrderingForest, PatternTrees]:
        if self.forest is None or self.trees is None:
            raise ModelError("the model of orderings has not been fitted")
        return self.forest, self.trees

    def save(self, folder: Path) -> None:
        """Write `model.safetensors` and `model.json` into an existing folder."""
        forest, trees = self._fitted()
        weights = {k: v.contiguous() for k, v in self.network.state_dict().items()}
        save_file(weights | forest.tensors() | trees.tensors(), folder / WEIGHTS_FILE)
        facts = {"settings": dataclasses.asdict(self.settings), "search": dataclasses.asdict(self.search)}
        write_header(folder, FAMILY, FORMAT, facts)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The saved model, predicting the same numbers. Raises ModelError for anything else in the folder."""
        header, weights = read_saved(folder, FAMILY, FORMAT, load_file)
        try:
            model = cls(OrderingSettings(**header["settings"]), search=PatternSettings(**header["search"]))
            model.forest = OrderingForest.of_tensors({k: weights.pop(k) for k in list(weights) if k.startswith("forest.")})
            model.trees = PatternTrees.of_tensors({k: weights.pop(k) for k in list(weights) if k.startswith("patterns.")})
        except (TypeError, ValueError, ArithmeticError, RuntimeError, KeyError) as fault:
            raise ModelError(f"the settings in {folder} are not those of a model of orderings: {fault}") from fault
        set_weights(model.network, weights, folder)
        return model
