"""Antiferromagnets that no equivariant network can say: rings, rutile, rock salt (arXiv 2312.09016, 2503.21985).

    python -m benchmarks.published.symmetry_breaking [--seeds 3] [--steps 100]

The data are SYNTHETIC: spins on known lattices with Heisenberg couplings (collinear), J1 between nearest and J2 between next
nearest neighbours, drawn at random; the label is a ground state, found by looking at every pattern. Three networks of one form,
sigma <- tanh(a sigma + b A1 sigma + c A2 sigma) with a, b, c learned functions of J1 and J2, differ in what they start from:

* equivariant: the same number on every site, learned;
* positional: a vector with one fixed number for each site, taken through a random element of the group (SymPE's g v);
* noise: independent normal numbers.

The loss is the orbit minimum over group and time reversal, of the best of K starts. Tested on couplings not seen before, K starts
each: the answer is the one of lowest energy, right if its signs are a ground state; sites without a sign count as wrong. E/E0 is
the mean energy of the answers over that of the ground state; chance is a compensated pattern drawn at random.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch

from benchmarks.smoke import arguments
from models.published.spin_lattices import KINDS, experiment
from pipeline.demos.figures import Measured
from pipeline.demos.spin_crystals import lattices


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100)
    options = arguments(parser, lambda made: ["--seeds", 1, "--steps", 1])
    torch.set_num_threads(1)
    print("| lattice | chance | " + " | ".join(f"{kind}: right | E/E0" for kind in KINDS) + " |\n|---" + "|---" * 7 + "|")
    for name, lattice in lattices().items():
        cells, chance = [], 0.0
        for kind in KINDS:
            runs = [experiment(kind, lattice, seed, options.steps) for seed in range(options.seeds)]
            cells += [Measured.of([run[k] for run in runs]).text(3) for k in (0, 1)]
            chance = float(np.mean([run[2] for run in runs]))
        print(f"| {name} | {chance:.3f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
