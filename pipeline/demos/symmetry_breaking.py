"""Symmetry breaking and relaxed equivariance (arXiv 2312.09016): a relaxed layer, and antiferromagnets on known lattices."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray

from models.published.orbit_loss import orbit_minimum
from models.published.relaxed_equivariance import SharedLinear, matrices, stabiliser, transversal, weight_basis
from models.published.spin_lattices import KINDS, Lattice, experiment
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import dots
from pipeline.demos.spin_crystals import lattices

SAME, RELAXED, STRICT, BROKEN, INVARIANT, RIGHT = 1e-5, 1e-6, 1e-3, 0.1, 1e-9, 0.9
D4 = np.array([[(s * k + t) % 4 for k in range(4)] for s, t in itertools.product((1, -1), range(4))])
INPUT = np.array([1.0, 0.0, 0.5, 0.0])  # left alone by two of the eight operations


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Test the relaxed layer and the loss, then learn ground states on a ring, in rutile and in rock salt."""
    torch.set_num_threads(1)
    known = lattices()
    relaxed, strict = relaxed_errors(seed)
    widths = [len(weight_basis(m, m)) for m in (matrices(D4), matrices(D4[transversal(D4, stabiliser(D4, INPUT))]))]
    invariance = loss_change(known["rock salt, 2×2×2"], seed)
    chosen = dict(list(known.items())[:1]) if smoke else known
    rows, chance = [], 0.0
    right: dict[str, list[float]] = {kind: [] for kind in KINDS}
    spread: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for name, lattice in chosen.items():
        results = {kind: experiment(kind, lattice, seed, 3 if smoke else 100) for kind in KINDS}
        for kind, outcome in results.items():
            right[kind].append(outcome.right)
            spread[kind].append(outcome.spread)
        by_chance = results["noise"].chance
        chance = max(chance, by_chance)
        rows.append([name, f"{by_chance:.3f}", *(f"{found.right:.3f} ({found.energy:.3f})" for found in results.values())])
    same, different = max(spread["equivariant"]), min(min(spread["positional"]), min(spread["noise"]))
    equal = max(right["equivariant"])
    best = min(max(a, b) for a, b in zip(right["positional"], right["noise"], strict=True))
    checks = [
        Check("Curie: equivariant network, equivalent sites differ by < 1e-5", f"{same:.0e}", same < SAME),
        Check("symmetry-breaking networks: they differ by > 0.1", f"{different:.2f}", different > BROKEN),
        Check("relaxed layer, error up to the input's own symmetry, < 1e-6", f"{relaxed:.0e}", relaxed < RELAXED),
        Check("its strict error > 1e-3", f"{strict:.2f}", strict > STRICT),
        Check(
            "weights of the equivariant and the relaxed layer of D4 on four sites: 3 and 4",
            f"{widths[0]} and {widths[1]}",
            widths == [3, 4],
        ),
        Check(
            "orbit-minimum loss changes by < 1e-9 under the group and time reversal", f"{invariance:.0e}", invariance < INVARIANT
        ),
        Check("right patterns, equivariant network: not above chance", f"{equal:.3f}", None if smoke else equal <= chance),
        Check(
            "right patterns, symmetry-breaking network, every lattice: >= 0.9", f"{best:.3f}", None if smoke else best >= RIGHT
        ),
    ]
    figure = dots("Ground states found, a dot a lattice", "share of right patterns", right)
    head = ("lattice", "chance", *(f"{kind}: right (E/E0)" for kind in KINDS))
    return Demonstration("Antiferromagnets on known lattices (synthetic couplings)", head, rows, checks, figure)


def relaxed_errors(seed: int) -> tuple[float, float]:
    """Errors of a relaxed layer: the smallest over the coset of the input's own symmetry, and the strict one."""
    torch.manual_seed(seed)
    inside = D4[stabiliser(D4, INPUT)]
    layer = SharedLinear(D4[transversal(D4, stabiliser(D4, INPUT))])
    said = layer(torch.from_numpy(INPUT)).detach()
    relaxed = strict = 0.0
    for g in D4:
        other = layer(_images(torch.from_numpy(INPUT), g[None])[0]).detach()
        apart = (_images(said, np.array([g[h] for h in inside])) - other).abs().amax(dim=1)
        relaxed = max(relaxed, float(apart.min()))
        strict = max(strict, float((_images(said, g[None])[0] - other).abs().max()))
    return relaxed, strict


def loss_change(lattice: Lattice, seed: int) -> float:
    """By how much the orbit-minimum loss changes when the truth is replaced by an image or reversed, in float64."""
    rng = np.random.default_rng(seed)
    n = lattice.patterns.shape[1]
    said = torch.from_numpy(rng.normal(size=(1, 3, n)))
    truth = torch.from_numpy(rng.choice([-1.0, 1.0], n))[None]
    group = torch.from_numpy(lattice.group)[None]
    plain = orbit_minimum(said, truth, group)
    images = [
        sign * truth[:, torch.from_numpy(row)] for row in lattice.group[:: max(1, len(lattice.group) // 16)] for sign in (1, -1)
    ]
    return max(float((orbit_minimum(said, image, group) - plain).abs().max()) for image in images)


def _images(values: torch.Tensor, group: NDArray[np.int64]) -> torch.Tensor:
    """(g, n) of values (n,) under a group of permutations."""
    return torch.from_numpy(matrices(group)) @ values
