"""An element that only seems to decide: synthetic magnets, with and without spectral decoupling.

    python -m benchmarks.spurious_element [--seeds 3] [--epochs 10]

The data are SYNTHETIC: compounds AX as rock salt, zinc blende or caesium chloride, called ferromagnetic where the nearest A atoms
are more than 3.5 Å apart. A is Fe in 95 % of the ferromagnetic training crystals and in 5 % of the others, else one of five
metals; X is no cue. Validation crystals are drawn like those for training; the four groups, Fe or not and ferromagnetic or not,
have equally many test crystals. The network and its training are those of benchmarks/starvation.py, and so is the choice of c: by
the worst validation group, here of each seed by itself.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.smoke import arguments
from benchmarks.starvation import GROUPS, STRENGTHS, Magnets, accuracies, logits, train
from data.crystal import Crystal, make_crystal
from data.symmetry import symmetrise
from pipeline.demos.figures import Measured, markdown
from pipeline.features.neighbours import GraphSettings, build_graphs

TRAIN, VALIDATION, TEST = 800, 800, 800
AGREES = 0.95
SHORTEST_A, DECIDES_A, LONGEST_A = 2.5, 3.5, 4.5  # between nearest A atoms
IRON, METALS, ANIONS = 26, (12, 20, 30, 38, 48), (8, 16, 34, 52)  # Mg, Ca, Zn, Sr, Cd; O, S, Se, Te
FACE_CENTRED = (1 - np.eye(3)) / np.sqrt(2)  # lattice vectors over the distance of nearest A atoms
PROTOTYPES = ((FACE_CENTRED, 0.5), (FACE_CENTRED, 0.25), (np.eye(3), 0.5))  # and where on the diagonal X is


def magnets(ferromagnetic: NDArray[np.bool_], iron: NDArray[np.bool_], rng: np.random.Generator) -> Magnets:
    """Synthetic crystals with these labels, with and without iron."""
    crystals = [_crystal(bool(fm), bool(fe), rng) for fm, fe in zip(ferromagnetic, iron, strict=True)]
    graphs, _ = build_graphs([symmetrise(crystal) for crystal in crystals], GraphSettings())
    return Magnets(graphs, ferromagnetic, np.array([crystal.formula for crystal in crystals]))


def _crystal(ferromagnetic: bool, iron: bool, rng: np.random.Generator) -> Crystal:
    lattice, x = PROTOTYPES[rng.integers(len(PROTOTYPES))]
    apart = rng.uniform(DECIDES_A, LONGEST_A) if ferromagnetic else rng.uniform(SHORTEST_A, DECIDES_A)
    a = IRON if iron else rng.choice(METALS)
    return make_crystal("synthetic", apart * lattice, [[0.0] * 3, [x] * 3], [a, rng.choice(ANIONS)])


def drawn(count: int, rng: np.random.Generator) -> Magnets:
    """As for training: half of them ferromagnetic, iron mostly there."""
    ferromagnetic = rng.random(count) < 0.5
    return magnets(ferromagnetic, ferromagnetic ^ (rng.random(count) >= AGREES), rng)


@dataclass(frozen=True)
class GroupAccuracies:
    """What training with one c came to."""

    worst_validation: float
    test: list[float]  # group by group, then all
    more: dict[str, float] = field(default_factory=dict)  # further columns

    @property
    def worst(self) -> float:
        return min(self.test[:-1])


def experiment(seed: int, epochs: int) -> dict[float, GroupAccuracies]:
    """For every c."""
    rng = np.random.default_rng(seed)
    learn, choose = drawn(TRAIN, rng), drawn(VALIDATION, rng)
    group = np.arange(TEST) % len(GROUPS)
    test = magnets(group % 2 == 1, group >= 2, rng)
    found = {}
    for c in STRENGTHS:
        network, _ = train(learn.graphs, learn.ferromagnetic, c, seed, epochs)
        chosen_by, said = [accuracies(logits(network, p.graphs) > 0, p.ferromagnetic, p.group) for p in (choose, test)]
        found[c] = GroupAccuracies(min(chosen_by[:-1]), said)
    return found


def show(found: dict[int, dict[float, GroupAccuracies]], groups: Sequence[str]) -> None:
    """Print means over the seeds for every c, and of each seed the gain with the c that its validation chooses."""
    rows, every = [], list(found.values())
    for c in STRENGTHS:
        of_c = [of_seed[c] for of_seed in every]
        columns = [
            [j.worst_validation for j in of_c],
            *map(list, zip(*(j.test for j in of_c), strict=True)),
            [j.worst for j in of_c],
        ]
        columns += [[j.more[name] for j in of_c] for name in of_c[0].more]
        rows.append([f"{c:g}", *(Measured.of(column).text(3) for column in columns)])
    print(markdown(["c", "worst, validation", *groups, "all", "worst group", *every[0][0.0].more], rows))
    print("\n| seed | c chosen | worst group | with c = 0 | gain |\n|---|---|---|---|---|")
    for seed, of_seed in found.items():
        c = max(of_seed, key=lambda c: of_seed[c].worst_validation)
        chosen, plain = of_seed[c].worst, of_seed[0.0].worst
        print(f"| {seed} | {c:g} | {chosen:.3f} | {plain:.3f} | {chosen - plain:+.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    options = arguments(parser, lambda made: ["--seeds", 1, "--epochs", 1], TRAIN=80, VALIDATION=80, TEST=80)
    torch.set_num_threads(1)
    show({seed: experiment(seed, options.epochs) for seed in range(1, options.seeds + 1)}, GROUPS)


if __name__ == "__main__":
    main()
