"""Learned frames on the N-body task (arXiv 2211.06489): a plain graph network, and the same one in a learned pose.

The plain network sees positions and velocities as numbers. Wrapped, it sees them in the frame that a deep set of vector neurons
gives, and what it says is turned back: then it is equivariant under rotations, reflections and translations. Both learn the
motions as generated, with the same processor time on one core, and are tested on motions in random orientations.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from models.graphs.frames import VectorFrame, gram_schmidt, orthonormal
from models.networks.layers import mlp
from models.published.nbody import PARTICLES
from models.published.nbody_channels import pairs

WIDTH, LAYERS = 32, 4


class PlainNBody(nn.Module):
    """Message passing on raw coordinates (systems, particles, 3): the change of position, as if axes meant something."""

    def __init__(self) -> None:
        super().__init__()
        self.first = mlp(7, WIDTH, WIDTH)
        self.messages = nn.ModuleList(mlp(2 * WIDTH + 1, WIDTH, WIDTH) for _ in range(LAYERS))
        self.updates = nn.ModuleList(mlp(2 * WIDTH, WIDTH, WIDTH) for _ in range(LAYERS))
        self.last = mlp(WIDTH, WIDTH, 3)

    def forward(self, charge: Tensor, x: Tensor, v: Tensor) -> Tensor:
        source, target = pairs(len(x))
        q = charge.flatten(0, 1)
        h = self.first(torch.cat([x, v, charge], dim=2).flatten(0, 1))
        for message, update in zip(self.messages, self.updates, strict=True):
            m = message(torch.cat([h[target], h[source], q[source] * q[target]], dim=1))
            h = h + update(torch.cat([h, torch.zeros_like(h).index_add(0, target, m)], dim=1))
        change: Tensor = self.last(h)
        return x + change.view(-1, PARTICLES, 3)


class FramedNBody(nn.Module):
    """The plain network in a learned frame; the origin is the particles' mean.

    Now and then the three learned vectors of one motion of thousands come to lie in a plane, to rounding. Such a motion gets its
    frame from the mean velocity, the dipole moment, and the vector across.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.frame = PlainNBody(), VectorFrame(channels=3)

    def forward(self, charge: Tensor, x: Tensor, v: Tensor) -> Tensor:
        origin = x.mean(dim=1, keepdim=True)
        points = torch.stack([x - origin, v, charge * (x - origin)], dim=3)
        learned, (_, velocity, dipole) = self.frame.vectors(points), points.mean(dim=1).unbind(dim=2)
        plain = torch.stack([velocity, dipole, torch.linalg.cross(velocity, dipole)], dim=1)
        frame = gram_schmidt(torch.where(orthonormal(learned)[1][:, None, None], learned, plain))
        into = frame.transpose(1, 2)
        said: Tensor = self.inner(charge, (x - origin) @ into, v @ into)
        return said @ frame + origin


LABELS: dict[type[nn.Module], str] = {PlainNBody: "plain", FramedNBody: "in a learned frame"}


def random_turns(n: int, seed: int) -> Tensor:
    """(n, 3, 3) orthogonal matrices of either handedness."""
    turns: Tensor = torch.linalg.qr(torch.randn(n, 3, 3, generator=torch.Generator().manual_seed(seed)))[0]
    return turns
