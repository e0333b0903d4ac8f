"""Energies of decorated 2×2×2 supercells (section 4 of arXiv 2211.15420 in miniature): does the sharing of weights pay?

    python -m benchmarks.published.lattice_task [--seeds 3] [--epochs 150] [--plot docs/published_lattice.svg]

Each sample puts a spin on every cell of a face-centred or body-centred supercell. The energy couples pairs of cells by the orbit
that they belong to, and cubes of the local fields by cell:

    E = sum_pq J[orbit(p, q)] s_p s_q + 0.1 sum_p (sum_q J[orbit(p, q)] s_q)³ s_p

The same stack of maps learns it with the orbits of the lattice, with those of the bare set of cells (all permutations), and with
none (64 free weights a channel pair). Test error relative to the spread of the energies, mean and range over seeds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks.smoke import arguments
from models.graphs.cell_orbits import cell_permutations, pair_orbits, set_orbits
from models.published.supercell_energies import FREE, LATTICES, TRAIN, run
from pipeline.demos.figures import Measured, curves
from pipeline.features.cell_kinds import holohedry


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--plot", type=Path)
    options = arguments(parser, lambda made: ["--seeds", 1, "--epochs", 1])
    drawn: dict[str, dict[float, Measured]] = {}
    torch.set_num_threads(1)
    print(f"relative test error, mean (least to most) of {options.seeds} seeds\n")
    print("| lattice | training samples | lattice orbits | set orbits | no sharing |\n|---|---|---|---|---|")
    for name, basis in LATTICES.items():
        orbits = pair_orbits(cell_permutations(holohedry(basis)))
        for count in TRAIN:
            cells = []
            for title, kind in (("lattice orbits", orbits), ("set orbits", set_orbits()), ("no sharing", FREE)):
                errors = [run(orbits, kind, count, options.epochs, seed) for seed in range(options.seeds)]
                if name == "fcc":
                    drawn.setdefault(title, {})[count] = Measured.of(errors)
                cells.append(f"{np.mean(errors):.3f} ({min(errors):.3f} to {max(errors):.3f})")
            print(f"| {name} | {count} | {' | '.join(cells)} |", flush=True)
    if options.plot:
        label = "Test error over training samples, face-centred cubic supercell"
        options.plot.write_text(curves(label, "training samples", "relative test error", drawn))


if __name__ == "__main__":
    main()
