"""MC-EGNN on the N-body task: do more vectors a node pay? (arXiv 2309.03139)

    python -m benchmarks.published.nbody_channels [--channels 1,4,8] [--seeds 3] [--seconds 240]
        [--plot docs/published_channels.svg]

Every run has the same processor time on one core, Adam at 1e-3, batches of 100, norm_diff and gradients clipped to 1, and is
tested with the weights of its best validation epoch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.smoke import arguments
from models.published.nbody import COUNTS, generate
from models.published.nbody_channels import ChannelNBody, mean_error, mse, train
from pipeline.demos.figures import dots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", default="1,4,8")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--plot", type=Path)
    options = arguments(parser, lambda made: ["--channels", "1", "--seeds", 1, "--seconds", 1], COUNTS=(100, 50, 50))
    torch.set_num_threads(1)
    errors: dict[str, list[float]] = {}
    parts = generate(counts=COUNTS)
    test = parts[2]
    print(f"copy x: {mse(test.x, test.later):.4f}; x + v: {mse(test.x + test.v, test.later):.4f}\n")
    print("| channels | seed | test MSE | epochs | parameters |\n|---|---|---|---|---|")
    for channels in map(int, options.channels.split(",")):
        for seed in range(options.seeds):
            torch.manual_seed(seed)
            network = ChannelNBody(channels)
            epochs = train(network, parts[0], parts[1], seed, options.seconds)
            count = sum(p.numel() for p in network.parameters())
            error = mean_error(network, test)
            errors.setdefault(f"{channels}", []).append(error)
            print(f"| {channels} | {seed} | {error:.5f} | {epochs} | {count:,} |", flush=True)
    if options.plot:
        options.plot.write_text(dots("Test error over vectors a node, N-body task", "test MSE", errors))


if __name__ == "__main__":
    main()
