"""The two-part head: most crystals have no moment, so "is it magnetic" and "how large" are learned apart."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.contract import MAGNETIC_THRESHOLD
from models.graphs.crystal_graphs import GraphBatch
from models.networks.layers import mlp

SITES = 12.0  # how much site moments count beside total moments: of 1, 4 and 12 the best (docs/results/model-families.md)


@dataclass(frozen=True, eq=False)
class TwoPart:
    """What a network says of each crystal."""

    logit: Tensor  # (crystals,) of P(magnetic)
    size: Tensor  # (crystals,) µB/atom if it is magnetic, >= 0
    sites: Tensor | None = None  # (nodes,) size of each site's moment, µB; None of a network that does not learn them
    features: Tensor | None = None  # (crystals, width) what the heads read; None of a network that does not tell it

    @property
    def p_magnetic(self) -> Tensor:
        return torch.sigmoid(self.logit)

    @property
    def moment(self) -> Tensor:
        """(crystals,) µB/atom: probability times size."""
        return self.p_magnetic * self.size


class TwoPartHead(nn.Module):
    """(crystals, width) to a TwoPart."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = mlp(width, width, 2)

    def forward(self, pooled: Tensor) -> TwoPart:
        logit, size = self.layers(pooled).unbind(dim=1)
        return TwoPart(logit, functional.softplus(size))


def two_part_loss(predicted: TwoPart, moment: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy of "is it magnetic", the error of the size where it is (Kaba et al., arXiv 2111.14712), and the error
    of the product, which is what a prediction is.

    Args:
        predicted: the network's answer to a batch.
        moment: (crystals,) labels, µB/atom.
        weight: (crystals,) weights of the labels; None: all equal. Where all are zero the loss is zero.
    """
    magnetic = (moment > MAGNETIC_THRESHOLD).to(moment.dtype)
    if weight is not None:
        gates = functional.binary_cross_entropy_with_logits(predicted.logit, magnetic, reduction="none")
        each = gates + magnetic * (predicted.size - moment).abs() + (predicted.moment - moment).abs()
        return (weight * each).sum() / weight.sum().clamp(min=torch.finfo(weight.dtype).tiny)
    gate = functional.binary_cross_entropy_with_logits(predicted.logit, magnetic)
    size = (magnetic * (predicted.size - moment).abs()).mean()
    return gate + size + (predicted.moment - moment).abs().mean()


def site_loss(predicted: TwoPart, batch: GraphBatch) -> Tensor:
    """SITES times the mean error of the site moments that are known, µB/atom; a crystal without any counts as one without error.

    Args:
        predicted: the network's answer to the batch.
        batch: its labels are `site_moment`, its nodes count by `node_weight`.
    """
    if predicted.sites is None or batch.site_moment is None:
        return predicted.size.new_zeros(())
    known = torch.isfinite(batch.site_moment)
    wrong = (predicted.sites - torch.nan_to_num(batch.site_moment)).abs() * known * batch.node_weight
    return SITES * wrong.sum() / batch.n_crystals
