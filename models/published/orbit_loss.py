"""A loss that is right up to symmetry: the error to the nearest image of the truth (arXiv 2312.09016).

Without spin-orbit coupling the operations of a crystal only permute its collinear moments, and time reversal turns them all
round. All configurations of one orbit under {permutations} x {1, theta} are one answer.
"""

from __future__ import annotations

import torch
from torch import Tensor


def orbit_minimum(predicted: Tensor, truth: Tensor, permutations: Tensor) -> Tensor:
    """(..., k) mean squared error of k answers to the nearest image of the truth.

        min over g and the sign of  mean_i (p_i -+ t_{g(i)})² = <p²> + <t²> - 2 max_g |<p t_g>|,  p predicted, t true

    Args:
        predicted: (..., k, n) answers.
        truth: (..., n), in the same unit.
        permutations: (..., g, n) int64, a group; rows may occur more than once.
    """
    images = torch.gather(truth[..., None, :].expand(*permutations.shape), -1, permutations)
    overlap = (predicted @ images.transpose(-1, -2)).abs().amax(dim=-1) / truth.shape[-1]
    return (predicted * predicted).mean(dim=-1) + (truth * truth).mean(dim=-1)[..., None] - 2.0 * overlap
