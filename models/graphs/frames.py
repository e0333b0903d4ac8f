"""Frames: orthonormal axes that turn with the input (Kaba et al., arXiv 2211.06489).

A frame F has its axes as rows. Rows of coordinates x become x F^T in it; where x turns to x Q^T, F turns to F Q^T, and x F^T
stays as it is, reflections included.
"""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

WIDTH, LAYERS = 16, 4  # channels and hidden layers of VectorFrame
_SIGNS = list(itertools.product((1.0, -1.0), repeat=3))
SIGNED_PERMUTATIONS: NDArray[np.float64] = np.array(
    [np.diag(signs)[list(order)] for order in itertools.permutations(range(3)) for signs in _SIGNS]
)  # (48, 3, 3) every order and direction of three axes
DEGENERATE = 1e-6  # of a vector's length; what is left of it after Gram and Schmidt must be more


class DegenerateFrame(ValueError):
    """The vectors do not span the space; a symmetric input gives no frame in this way."""


def gram_schmidt(vectors: Tensor) -> Tensor:
    """(..., 3, 3) vectors as rows to orthonormal rows; its handedness is theirs.

    Raises:
        DegenerateFrame: they are zero, parallel or in one plane, to rounding.
    """
    frames, defined = orthonormal(vectors)
    if not bool(defined.all()):
        raise DegenerateFrame("three vectors that do not span the space give no frame")
    return frames


def orthonormal(vectors: Tensor) -> tuple[Tensor, Tensor]:
    """`gram_schmidt` without a complaint: (..., 3, 3) rows, and (...) whether they are defined; else they mean nothing."""
    rows: list[Tensor] = []
    defined = torch.ones(vectors.shape[:-2], dtype=torch.bool, device=vectors.device)
    for k in range(3):
        v = vectors[..., k, :]
        rest = v
        for row in rows:
            rest = rest - (rest * row).sum(dim=-1, keepdim=True) * row
        length = rest.norm(dim=-1, keepdim=True)
        defined = defined & (length > DEGENERATE * v.norm(dim=-1, keepdim=True).clamp(min=DEGENERATE)).squeeze(-1)
        rows.append(rest / length)
    return torch.stack(rows, dim=-2), defined


def triads(first: Tensor, second: Tensor) -> Tensor:
    """(k, 3), (k, 3) vectors that are not parallel to (k, 3, 3) right-handed frames: along the first, in their plane, across."""
    u = first / first.norm(dim=1, keepdim=True)
    v = second - (second * u).sum(dim=1, keepdim=True) * u
    v = v / v.norm(dim=1, keepdim=True)
    return torch.stack([u, v, torch.linalg.cross(u, v)], dim=1)


class VectorLinear(nn.Module):
    """(..., points, 3, channels in) to (..., points, 3, channels out): mixes channels of each point, and of the mean over points.

    There is no bias: one added to the components of a vector would not turn with it.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.own = nn.Linear(channels_in, channels_out, bias=False)
        self.pooled = nn.Linear(channels_in, channels_out, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.own(x) + self.pooled(x.mean(dim=-3, keepdim=True))
        return y


class VectorReLU(nn.Module):
    """Cuts off what points against a learned direction (vector neurons): x - min(0, <x, k>) k / |k|²."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.direction = nn.Linear(channels, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        k = self.direction(x)
        against = (x * k).sum(dim=-2, keepdim=True).clamp(max=0.0)
        y: Tensor = x - against / ((k * k).sum(dim=-2, keepdim=True) + 1e-9) * k
        return y


class VectorFrame(nn.Module):
    """Point sets (..., points, 3, channels) to frames (..., 3, 3), by a deep set of vector neurons."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        for k in range(LAYERS):
            parts += [VectorLinear(channels if k == 0 else WIDTH, WIDTH), VectorReLU(WIDTH)]
        self.layers = nn.Sequential(*parts, VectorLinear(WIDTH, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Raises DegenerateFrame where the points' symmetry leaves no direction."""
        return gram_schmidt(self.vectors(x))

    def vectors(self, x: Tensor) -> Tensor:
        """(..., 3, 3) three vectors a set, as rows."""
        y: Tensor = self.layers(x).mean(dim=-3).transpose(-1, -2)
        return y
