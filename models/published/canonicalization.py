"""Learned canonicalization (Kaba et al., arXiv 2211.06489): a light equivariant network chooses the pose in which another
network reads the crystal.

    phi(x) = sum_k w_k f(x F_k^T)       F_k: the crystal's candidate frames; w: almost always one of them has it all

Pooled vectors vanish in a crystal with inversion, so three of them give no frame. Here the frames are finitely many, built from
lattice vectors (pipeline/features/frames.py), and a learned score (models/published/frame_score.py), a function of the crystal
as seen in the frame, picks the best. Of equal scores:
- Frames that symmetry makes alike show the same crystal; only one of each class is a candidate, and any will do.
- Scores that differ by less than a margin share the weight, w_k ~ max(0, 1 - (best - s_k) / margin): no prediction jumps where
  two frames change places (weighted frames, Dym et al., arXiv 2402.16077). A crystal whose symmetry was not found has up to 48
  such frames for one.

The prior (Mondal et al., arXiv 2310.01647) pulls the choice towards the pose that f was trained on;
models/published/adaptation.py has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch_geometric.utils import scatter

from models.contract import Examples, ModelError
from models.graphs.vector_graphs import VectorBatch
from models.networks.heads import TwoPart, two_part_loss
from models.networks.network_model import VectorNetworkModel
from models.networks.training import TrainingSettings
from models.published.adaptation import prior_loss
from models.published.coordinate_network import CoordinateNetwork, Coordinates, CoordinateSettings, Poses, ranges, starts
from models.published.frame_score import FrameScore, FrameScoreSettings

MOST_FRAMES = 96  # of one crystal that share the weight
MOST_TRAINING = 8  # the same in training, where a fresh score finds all frames alike
ADAPTING = TrainingSettings(epochs=6, patience=6)  # the score alone learns its few thousand weights soon


@dataclass(frozen=True)
class CanonicalSettings:
    """How close scores are that share the weight, and how strong the prior is."""

    margin: float = 0.05  # of the score
    prior: float = 1.0  # weight of the prior beside the task's loss


class CanonicalNetwork(nn.Module):
    """Any pose of a crystal to a TwoPart that is the same for all poses."""

    def __init__(self, settings: CanonicalSettings) -> None:
        super().__init__()
        self.margin = settings.margin
        self.coordinates = CoordinateNetwork(CoordinateSettings())
        self.frame_score = FrameScore(FrameScoreSettings())

    def forward(self, batch: VectorBatch) -> TwoPart:
        return self.look(batch, self.frame_score(batch))

    def look(self, batch: VectorBatch, score: Tensor) -> TwoPart:
        """What the inner network says of the poses that the scores (frames,) choose."""
        most = MOST_TRAINING if self.training else MOST_FRAMES
        said: TwoPart = self.coordinates.head(self.coordinates.embed(batch, chosen_poses(batch, score, self.margin, most)))
        return said


def chosen_poses(batch: VectorBatch, score: Tensor, margin: float, most: int) -> Poses:
    """The best frame of each crystal, and with it those that score nearly as well; not more than `most`."""
    best: Tensor = scatter(score, batch.frame_crystal, dim=0, dim_size=batch.n_crystals, reduce="max")
    closeness = 1.0 - (best[batch.frame_crystal] - score) / margin
    kept = torch.nonzero(closeness > 0).squeeze(1)
    kept = kept[torch.argsort(closeness[kept], descending=True, stable=True)]
    kept = kept[torch.argsort(batch.frame_crystal[kept], stable=True)]
    counts = torch.bincount(batch.frame_crystal[kept], minlength=batch.n_crystals)
    place, _ = ranges(starts(counts), counts.clamp(max=most))
    kept = kept[place]
    crystal, weight = batch.frame_crystal[kept], closeness[kept]
    total = scatter(weight, crystal, dim=0, dim_size=batch.n_crystals, reduce="sum")
    return Poses(batch.frame[kept], crystal, weight / total[crystal])


class Canonical(VectorNetworkModel):
    """The coordinate network in the poses that a learned score chooses.

    Trained from nothing, both learn together, the score from the prior and wherever frames share the weight. Given a pretrained
    coordinate network, that stays as it is and the score alone is trained, by the prior.
    """

    family: ClassVar[str] = "canonical"
    settings_type = CanonicalSettings
    training: TrainingSettings = TrainingSettings()
    adapts: ClassVar[str | None] = Coordinates.family
    reads_frames: ClassVar[bool] = True

    @staticmethod
    def collate(examples: Examples, index: NDArray[np.int64], dtype: torch.dtype) -> VectorBatch:
        batch = VectorNetworkModel.collate(examples, index, dtype)
        if (torch.bincount(batch.frame_crystal, minlength=batch.n_crystals) == 0).any():
            raise ModelError("this family needs the candidate frames of every crystal")
        return batch

    def build(self) -> nn.Module:
        return CanonicalNetwork(self.settings)

    def start_from(self, folder: Path) -> None:
        self.training = ADAPTING
        inner = self.network.get_submodule("coordinates")
        inner.load_state_dict(Coordinates.load(folder).network.state_dict())
        inner.requires_grad_(False)

    def loss(self, network: nn.Module, batch: VectorBatch, moment: Tensor, weight: Tensor | None = None) -> Tensor:
        assert isinstance(network, CanonicalNetwork)
        score = network.frame_score(batch)
        prior = float(self.settings.prior) * prior_loss(batch, score)
        frozen = not network.coordinates.embedding.weight.requires_grad
        return prior if frozen else two_part_loss(network.look(batch, score), moment, weight) + prior
