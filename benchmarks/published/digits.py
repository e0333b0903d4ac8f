"""Adapting a pretrained image network to quarter turns (arXiv 2310.01647), on scikit-learn's digits.

    python -m benchmarks.published.digits [--seeds 3] [--epochs 30] [--plot docs/published_digits.svg]

A small convolutional network learns upright digits. A light canonicalizer scores the four quarter turns of an image with one
network, so that its scores turn with the image (arXiv 2405.14089); the classifier then looks at the image turned back by the
best. The canonicalizer alone is trained, on upright images: by the task's loss through the frozen classifier, and with the prior
(cross-entropy of "upright") beside it. Gradients pass straight through the choice.

Test accuracy: upright and in random quarter turns before and after, the share of images whose four turns get one prediction, and
the share of upright images that are left upright (identity metric).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from benchmarks.smoke import arguments
from models.published.quarter_turns import EPOCHS, experiment
from pipeline.demos.figures import dots


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--plot", type=Path)
    options = arguments(parser, lambda made: ["--seeds", 1, "--epochs", 1])
    torch.set_num_threads(1)
    rows = [experiment(seed, options.epochs) for seed in range(options.seeds)]
    print("| |" + "".join(f" seed {k} |" for k in range(len(rows))) + "\n|---|" + "---|" * len(rows))
    for name in rows[0]:
        print(f"| {name} |" + "".join(f" {row[name]:.3f} |" for row in rows))
    if options.plot:
        shown = {
            name.replace(": ", ",\n"): [row[name] for row in rows] for name in rows[0] if "turned" in name or name == "upright"
        }
        options.plot.write_text(dots("Test accuracy on digits, upright and in quarter turns", "accuracy", shown))


if __name__ == "__main__":
    main()
