"""Several models asked about the same crystals: networks that read the same graphs share their batches."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import torch

from models.contract import Examples, Model, Prediction
from models.networks.network_model import NetworkModel
from models.networks.training import Collate, predict_networks


def predict_members(members: Mapping[str, Model], examples: Examples) -> dict[str, Prediction]:
    """What each model says, by name, in their order; the same as each one's `predict`."""
    alike: dict[tuple[Collate, torch.dtype], dict[str, NetworkModel]] = defaultdict(dict)
    said: dict[str, Prediction] = {}
    for name, model in members.items():
        if isinstance(model, NetworkModel) and type(model).predict is NetworkModel.predict:
            alike[model.collate, next(model.network.parameters()).dtype][name] = model
        else:
            said[name] = model.predict(examples)
    for (collate, _), models in alike.items():
        predictions = predict_networks([model.network for model in models.values()], examples, collate)
        said.update(zip(models, predictions, strict=True))
    return {name: said[name] for name in members}
