"""Gradient starvation on two moons (arXiv 2011.09468, figure 1): a straight line does, and so the bend is never learned.

    python -m benchmarks.published.moons [--seeds 4] [--epochs 4000]

The upper moon lies above zero in the easy coordinate and the lower one below, but for noise. A shift Delta moves each moon away
from zero (+0.1, the gap that a line can use) or across it (-0.1, where the bend is needed). A ReLU network learns all 300 points
at once by gradient descent, from cross-entropy alone, with spectral decoupling, or with weight decay.

R is the mean of |df/dx_hard| over that of |df/dx_easy|, at the training points. The accuracy is that on other points of the
overlapping moons; the last columns hold the training points' mean |f| against the margin m*(c) at which training must end.
"""

from __future__ import annotations

import argparse

import torch

from benchmarks.smoke import arguments
from models.published.spectral_decoupling import fixed_margin
from models.published.two_moons import EPOCHS, RUNS, measure
from pipeline.demos.figures import Measured, markdown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    options = arguments(parser, lambda made: ["--seeds", 1, "--epochs", 3])
    torch.set_num_threads(1)
    seeds = range(1, options.seeds + 1)
    found = {run: [measure(run, seed, options.epochs) for seed in seeds] for run in RUNS}
    rows = []
    for run, lines in found.items():
        columns = [Measured.of([line[name] for line in lines]).text(3) for name in ("R", "accuracy", "margin")]
        rows.append([run.name, *columns, f"{fixed_margin(run.strength):.3f}" if run.strength else ""])
    print(markdown(["run", "R", "accuracy, overlap", "mean abs(f)", "m*(c)"], rows))
    starved = [line["R"] for line in found[RUNS[1]]]
    decayed = [line["R"] for line in found[RUNS[4]]]
    print("\n| seed |" + "".join(f" {k} |" for k in seeds) + "\n|---|" + "---|" * len(seeds))
    for run in RUNS[2:4]:
        gains = (line["R"] / r for line, r in zip(found[run], starved, strict=True))
        print(f"| R({run.name}) / R(cross-entropy, gap) |" + "".join(f" {gain:.1f} |" for gain in gains))
        off = (line["margin"] / fixed_margin(run.strength) - 1 for line in found[run])
        print(f"| mean abs(f) / m* - 1, {run.name} |" + "".join(f" {share:+.1%} |" for share in off))
    print("| R(weight decay .01, gap) |" + "".join(f" {r:.3f} |" for r in decayed))


if __name__ == "__main__":
    main()
