"""What all graph networks have in common: settings, training, prediction, files."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from models.contract import Examples, FitControl, ModelError, Prediction
from models.graphs.crystal_graphs import GraphBatch
from models.graphs.vector_graphs import VectorBatch
from models.networks.heads import site_loss, two_part_loss
from models.networks.training import TrainingSettings, moments_task, predict_network, train_network
from models.saved import WEIGHTS_FILE, read_saved, set_weights, write_header

FORMAT = 1


class NetworkModel:
    """A family whose learner is a torch module from GraphBatch to TwoPart. Subclasses name their settings and module."""

    family: ClassVar[str]
    settings_type: ClassVar[type[Any]]  # a frozen dataclass
    training: TrainingSettings
    reads_vectors: ClassVar[bool] = False
    reads_frames: ClassVar[bool] = False
    reads_site_moments: ClassVar[bool] = False
    adapts: ClassVar[str | None] = None

    def __init__(self, settings: Any = None) -> None:
        self.settings = settings or self.settings_type()
        self.network = self.build()

    def build(self) -> nn.Module:
        """A freshly initialised network of these settings."""
        raise NotImplementedError

    def fit(self, train: Examples, validation: Examples, control: FitControl) -> list[dict[str, float]]:
        torch.set_num_threads(control.workers)
        torch.manual_seed(control.seed)
        self.network = self.build()
        if control.pretrained is not None:
            self.start_from(control.pretrained)
        parts = [self.family, self.settings, self.training, control.seed, control.epochs, len(train), len(validation)]
        start = b"" if control.pretrained is None else (control.pretrained / WEIGHTS_FILE).read_bytes()
        labels = b"".join(b"" if one is None else one.tobytes() for one in (train.moment, train.weight, train.site_moment))
        identity = hashlib.sha256(repr(parts).encode() + labels + start).hexdigest()
        task = moments_task(train, validation, next(self.network.parameters()).dtype, self.collate, self.loss)
        return train_network(self.network, task, self.training, control, identity)

    def predict(self, examples: Examples) -> Prediction:
        return predict_network(self.network, examples, self.collate)

    @staticmethod
    def collate(examples: Examples, index: NDArray[np.int64], dtype: torch.dtype) -> Any:
        """The batch that the network reads."""
        return GraphBatch.collate(examples.graphs, index, dtype, examples.site_moment)

    def start_from(self, folder: Path) -> None:
        """Take over a pretrained model before training. Raises ModelError where the family cannot, or not this model."""
        raise ModelError(f"{self.family} adapts no pretrained model")

    def loss(
        self, network: nn.Module, batch: Any, moment: torch.Tensor, weight: torch.Tensor | None = None
    ) -> torch.Tensor:  # fmt: skip
        """What training makes small; `network` may be a copy of this model's, `weight` is that of each label."""
        said = network(batch)
        return two_part_loss(said, moment, weight) + site_loss(said, batch)

    def save(self, folder: Path) -> None:
        save_file({k: v.contiguous() for k, v in self.network.state_dict().items()}, folder / WEIGHTS_FILE)
        write_header(folder, self.family, FORMAT, {"settings": dataclasses.asdict(self.settings)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        header, weights = read_saved(folder, cls.family, FORMAT, load_file)
        try:
            with torch.random.fork_rng(devices=[]):  # its first weights are drawn, and replaced: the caller's numbers stay
                model = cls(cls.settings_type(**header["settings"]))
        except (TypeError, ValueError, ArithmeticError, RuntimeError, KeyError) as fault:
            raise ModelError(f"the settings in {folder} are not those of a {cls.family}: {fault}") from fault
        set_weights(model.network, weights, folder)
        return model


class VectorNetworkModel(NetworkModel):
    """A family whose network reads directions: a module from VectorBatch to TwoPart."""

    reads_vectors: ClassVar[bool] = True

    @staticmethod
    def collate(examples: Examples, index: NDArray[np.int64], dtype: torch.dtype) -> VectorBatch:
        if examples.vectors is None:
            raise ModelError("this family needs the graphs with directions")
        return VectorBatch.collate(examples.vectors, index, dtype)
