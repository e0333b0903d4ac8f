"""The charged N-body task of EGNN and MC-EGNN (arXiv 2309.03139), generated here.

Five particles with charges ±1 in free space, x ~ N(0, 1)³, |v| = 0.5; force q_i q_j r / |r|³, summed over the others and
clipped to ±100 a component; symplectic Euler with steps of 1e-3. Given positions and velocities after 3,100 steps, say the
positions 1,000 steps later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

PARTICLES = 5
STEP, FROM, TO = 1e-3, 3100, 4100
CLIP = 100.0
SEED = 43
SPEED = 0.5
COUNTS = (3000, 2000, 2000)  # training, validation, test


@dataclass(frozen=True)
class Motions:
    """Trajectories as tensors."""

    charge: Tensor  # (n, 5, 1)
    x: Tensor  # (n, 5, 3)
    v: Tensor  # (n, 5, 3)
    later: Tensor  # (n, 5, 3)

    def __len__(self) -> int:
        return len(self.x)

    def take(self, index: slice | Tensor) -> Motions:
        return Motions(self.charge[index], self.x[index], self.v[index], self.later[index])

    def turned(self, turns: Tensor) -> Motions:
        """Each motion turned by its own (n, 3, 3) orthogonal matrix."""
        return Motions(self.charge, *(a @ turns.transpose(1, 2) for a in (self.x, self.v, self.later)))


def generate(counts: tuple[int, int, int]) -> tuple[Motions, Motions, Motions]:
    """So many training, validation and test motions; a minute for COUNTS."""
    rng = np.random.default_rng(SEED)
    total = sum(counts)
    charge = rng.choice([-1.0, 1.0], size=(total, PARTICLES, 1))
    x = rng.normal(size=(total, PARTICLES, 3))
    v = rng.normal(size=(total, PARTICLES, 3))
    v *= SPEED / np.linalg.norm(v, axis=2, keepdims=True)
    v = v + STEP * force(charge, x)
    start = None
    for step in range(1, TO + 1):
        x = x + STEP * v
        if step == FROM:
            start = (x.copy(), v.copy())
        v = v + STEP * force(charge, x)
    assert start is not None
    whole = Motions(*(torch.from_numpy(a).float() for a in (charge, *start, x)))
    ends = np.cumsum(counts)
    return whole.take(slice(0, ends[0])), whole.take(slice(ends[0], ends[1])), whole.take(slice(ends[1], ends[2]))


def force(charge: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    apart = x[:, :, None] - x[:, None]
    square = (apart**2).sum(axis=3) + np.eye(PARTICLES)  # a particle's zero vector over one
    strength = charge * charge.transpose(0, 2, 1) / square**1.5
    return np.asarray(np.clip(np.einsum("nij,nijk->nik", strength, apart), -CLIP, CLIP))
