"""Prior-regularised adaptation of a pretrained network (Mondal et al., arXiv 2310.01647).

A canonicalizer that is free to choose finds poses that the network behind it has never seen. The prior pulls it towards the
poses of the network's training data: here the standard setting, up to the crystal's own point group P, since

    L_prior = min_{P} || F_std^T F - P ||²

is zero exactly for the frames that show the same crystal as the standard one. Among finitely many candidates, one of each class
modulo P, it becomes the cross-entropy of the class that holds the standard setting.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import scatter

from models.graphs.vector_graphs import VectorBatch


def distance_to_standard(frame: Tensor, standard: Tensor, point_group: Tensor) -> Tensor:
    """(n,) squared Frobenius distance of frames (n, 3, 3) from those equivalent to a standard one (3, 3).

    Args:
        point_group: (k, 3, 3) the orthogonal matrices that leave the crystal as it is, in the coordinates of the frames.
    """
    equivalent = standard @ point_group.transpose(1, 2)
    return ((frame[:, None] - equivalent) ** 2).sum(dim=(2, 3)).amin(dim=1)


def log_share(batch: VectorBatch, score: Tensor) -> tuple[Tensor, Tensor]:
    """What a softmax over each crystal's frames gives the standard setting.

    Returns:
        (crystals,) the logarithm of its share, and (crystals,) whether it is among the frames; the share means nothing without.
    """

    standard = batch.frame_standard
    known = torch.bincount(batch.frame_crystal[standard], minlength=batch.n_crystals) > 0
    share = _logsumexp(score[standard], batch.frame_crystal[standard], batch.n_crystals)
    return share - _logsumexp(score, batch.frame_crystal, batch.n_crystals), known


def _logsumexp(values: Tensor, crystal: Tensor, n_crystals: int) -> Tensor:
    """(crystals,) over the values of each; a large negative number where there is none."""
    top: Tensor = scatter(values, crystal, dim=0, dim_size=n_crystals, reduce="max").detach()
    total: Tensor = scatter((values - top[crystal]).exp(), crystal, dim=0, dim_size=n_crystals, reduce="sum")
    return top + total.clamp(min=1e-30).log()


def prior_loss(batch: VectorBatch, score: Tensor) -> Tensor:
    """Cross-entropy of the standard setting, the mean over the crystals that have it among their candidates."""
    share, known = log_share(batch, score)
    return -torch.where(known, share, 0.0).sum() / known.sum().clamp(min=1)


def share_in_standard_pose(batch: VectorBatch, score: Tensor) -> tuple[int, int]:
    """The identity metric: how many crystals have the standard setting as best frame, of how many that could."""
    top = scatter(score, batch.frame_crystal, dim=0, dim_size=batch.n_crystals, reduce="max")
    chosen = batch.frame_standard & (score >= top[batch.frame_crystal])
    hit = torch.bincount(batch.frame_crystal[chosen], minlength=batch.n_crystals) > 0
    known = torch.bincount(batch.frame_crystal[batch.frame_standard], minlength=batch.n_crystals) > 0
    return int((hit & known).sum()), int(known.sum())
