"""Learned frames on the N-body task (arXiv 2211.06489): a plain graph network, and the same one in a learned pose.

    python -m benchmarks.published.nbody_frames [--seeds 3] [--seconds 120] [--plot docs/published_frames.svg]

The plain network sees positions and velocities as numbers. Wrapped, it sees them in the frame that a deep set of vector neurons
gives, and what it says is turned back: then it is equivariant under rotations, reflections and translations. Both learn the
motions as generated, with the same processor time on one core, and are tested on motions in random orientations.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.smoke import arguments
from models.published.nbody import COUNTS, generate
from models.published.nbody_channels import mean_error, mse, train
from models.published.nbody_frames import LABELS, random_turns
from pipeline.demos.figures import dots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--plot", type=Path)
    options = arguments(parser, lambda made: ["--seeds", 1, "--seconds", 1], COUNTS=(100, 50, 50))
    torch.set_num_threads(1)
    learn, choose, test = generate(counts=COUNTS)
    errors: dict[str, list[float]] = {}
    turned = test.turned(random_turns(len(test), 0))
    print(f"copy x: {mse(test.x, test.later):.4f}; x + v: {mse(test.x + test.v, test.later):.4f}\n")
    print("| network | seed | test MSE | turned | epochs | parameters |\n|---|---|---|---|---|---|")
    for seed in range(options.seeds):
        for kind in LABELS:
            torch.manual_seed(seed)
            network = kind()
            epochs = train(network, learn, choose, seed, options.seconds)
            upright, error, count = (
                mean_error(network, test),
                mean_error(network, turned),
                sum(p.numel() for p in network.parameters()),
            )
            errors.setdefault(LABELS[kind], []).append(error)
            print(f"| {LABELS[kind]} | {seed} | {upright:.5f} | {error:.5f} | {epochs} | {count:,} |", flush=True)
    if options.plot:
        options.plot.write_text(dots("Test error of turned motions, with and without a learned frame", "test MSE", errors))


if __name__ == "__main__":
    main()
