"""Learned frames on the N-body task (arXiv 2211.06489): a plain graph network, and the same one in a learned pose.

    python -m benchmarks.published.nbody_frames [--seeds 3] [--seconds 120] [--plot docs/published_frames.svg]

The plain network sees positions and velocities as numbers. Wrapped, it sees them in the frame that a deep set of vector neurons
gives, and what it says is turned back: then it is equivariant under rotations, reflections and translations. Both learn the
motions as generated, with the same processor time on one core, and are judged on test motions in random orientations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.figures import dots
from benchmarks.published.nbody import PARTICLES, generate
from benchmarks.published.nbody_channels import judge, mse, pairs, train
from models.graphs.frames import VectorFrame, gram_schmidt, orthonormal
from models.networks.layers import mlp

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
    return torch.linalg.qr(torch.randn(n, 3, 3, generator=torch.Generator().manual_seed(seed)))[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    learn, choose, test = generate()
    errors: dict[str, list[float]] = {}
    turned = test.turned(random_turns(len(test), 0))
    print(f"copy x: {mse(test.x, test.later):.4f}; x + v: {mse(test.x + test.v, test.later):.4f}\n")
    print("| network | seed | test MSE | turned | epochs | parameters |\n|---|---|---|---|---|---|")
    for seed in range(options.seeds):
        for kind in LABELS:
            torch.manual_seed(seed)
            network = kind()
            epochs = train(network, learn, choose, seed, options.seconds)
            upright, error, count = judge(network, test), judge(network, turned), sum(p.numel() for p in network.parameters())
            errors.setdefault(LABELS[kind], []).append(error)
            print(f"| {LABELS[kind]} | {seed} | {upright:.5f} | {error:.5f} | {epochs} | {count:,} |", flush=True)
    if options.plot:
        options.plot.write_text(dots("Test error of turned motions, with and without a learned frame", "test MSE", errors))


if __name__ == "__main__":
    main()
