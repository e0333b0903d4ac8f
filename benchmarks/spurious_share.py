"""Two moons of crystals: two cues that both decide, an easy and a hard one, with and without spectral decoupling.

    python -m benchmarks.spurious_share [--seeds 3] [--steps 160]

The data are SYNTHETIC, compounds AX with eight atoms A in a cell of rock salt, zinc blende or caesium chloride. For training they
are ferromagnetic where the nearest A atoms are more than 3.5 Å apart, never within 0.3 Å of it: the hard cue. The easy one is
spurious: iron is more than half of the A atoms of every ferromagnet, less than half of every other crystal. Both separate the
training crystals, as both coordinates of the moons with a gap do (benchmarks/published/moons.py), and as there all of them make
one batch and nothing but c decays. In validation and test the easy cue tells nothing: three or five iron atoms, the label decided
by the distance alone; that makes four groups of equal size. c is chosen by the worst group of validation, of each seed by itself.

benchmarks/spurious_element.py has a cue that is wrong for some training crystals; those teach the hard cue whatever c is.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.smoke import arguments
from benchmarks.spurious_element import ANIONS, DECIDES_A, IRON, LONGEST_A, METALS, PROTOTYPES, SHORTEST_A, GroupAccuracies, show
from benchmarks.starvation import STRENGTHS, Classifier, accuracies, logits
from data.crystal import Crystal, make_crystal
from data.symmetry import symmetrise
from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.published.spectral_decoupling import binary_loss
from pipeline.features.neighbours import GraphSettings, build_graphs

TRAIN, VALIDATION, TEST = 600, 200, 400
GAP_A, RATE = 0.3, 1e-3
COPIES = np.array(list(product(range(2), repeat=3)))  # primitive cells: eight A atoms
FEW, MANY = (0, 1, 2, 3), (5, 6, 7, 8)  # iron atoms
_JUST = (3, 5)  # where the easy cue is weakest
GROUPS = ("rest, little iron", "FM, little iron", "rest, much iron", "FM, much iron")  # number: 2 * much + ferromagnetic

Flags = NDArray[np.bool_]


def crystals(ferromagnetic: Flags, iron: NDArray[np.int64], rng: np.random.Generator) -> CrystalGraphs:
    """Graphs of synthetic crystals with these labels and numbers of iron atoms."""
    made = [_crystal(bool(fm), int(n), rng) for fm, n in zip(ferromagnetic, iron, strict=True)]
    graphs, _ = build_graphs([symmetrise(crystal) for crystal in made], GraphSettings())
    return graphs


def _crystal(ferromagnetic: bool, iron: int, rng: np.random.Generator) -> Crystal:
    lattice, x = PROTOTYPES[rng.integers(len(PROTOTYPES))]
    apart = rng.uniform(DECIDES_A + GAP_A, LONGEST_A) if ferromagnetic else rng.uniform(SHORTEST_A, DECIDES_A - GAP_A)
    a = np.full(len(COPIES), rng.choice(METALS))
    a[rng.permutation(len(a))[:iron]] = IRON
    frac = np.concatenate([COPIES, COPIES + x]) / 2
    return make_crystal("synthetic", 2 * apart * lattice, frac.tolist(), [*a.tolist(), *[int(rng.choice(ANIONS))] * len(a)])


def separable(count: int, rng: np.random.Generator) -> tuple[CrystalGraphs, Flags]:
    """For training: half of them ferromagnetic, iron as the label says."""
    ferromagnetic = rng.random(count) < 0.5
    iron = np.where(ferromagnetic, rng.choice(MANY, count), rng.choice(FEW, count))
    return crystals(ferromagnetic, iron, rng), ferromagnetic


def four_groups(count: int, rng: np.random.Generator) -> tuple[CrystalGraphs, Flags, NDArray[np.int64]]:
    """To test: the label and "mostly iron" independent of each other."""
    group = np.arange(count) % len(GROUPS)
    ferromagnetic = group % 2 == 1
    return crystals(ferromagnetic, np.where(group >= 2, *reversed(_JUST)), rng), ferromagnetic, group


def trained(graphs: CrystalGraphs, ferromagnetic: Flags, strength: float, seed: int, steps: int) -> Classifier:
    """Full-batch Adam without weight decay, so that the margins end where the penalty alone puts them."""
    torch.manual_seed(seed)
    network = Classifier()
    batch, label = GraphBatch.collate(graphs, np.arange(len(graphs))), torch.from_numpy(ferromagnetic).float()
    optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
    network.train()
    for _ in range(steps):
        loss = binary_loss(network(batch), label, strength)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimiser.step()
    return network


def experiment(seed: int, steps: int) -> dict[float, GroupAccuracies]:
    """For every c."""
    rng = np.random.default_rng(seed)
    learn, label = separable(TRAIN, rng)
    choose, test = four_groups(VALIDATION, rng), four_groups(TEST, rng)
    found = {}
    for c in STRENGTHS:
        network = trained(learn, label, c, seed, steps)
        chosen_by, said = [accuracies(logits(network, g) > 0, fm, group) for g, fm, group in (choose, test)]
        size = float(np.abs(logits(network, learn)).mean())
        found[c] = GroupAccuracies(min(chosen_by[:-1]), said, {"mean abs(f), training": size})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=160)
    options = arguments(parser, lambda made: ["--seeds", 1, "--steps", 2], TRAIN=60, VALIDATION=40, TEST=40)
    torch.set_num_threads(1)
    show({seed: experiment(seed, options.steps) for seed in range(1, options.seeds + 1)}, GROUPS)


if __name__ == "__main__":
    main()
