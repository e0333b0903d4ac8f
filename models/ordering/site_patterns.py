"""The patterns of signs that a cell allows, one of each orbit under the group, with their weights.

A cell with few spins has few patterns, and all of them are weighed: nothing is left to chance or to the order of the sites. In
larger cells seeded probes settle into the patterns that are weighed. The weights are those of models/ordering/pattern_trees.py;
an orbit has that of its likeliest pattern.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.ordering.configuration_features import SpinCell
from models.ordering.ising import EXACT, SignField, patterns
from models.ordering.pattern_trees import PatternTrees, balanced

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class PatternSettings:
    """How orderings are looked for."""

    exact: int = EXACT  # spins; up to so many every pattern is weighed
    probes: int = 256  # beyond it
    kept: int = 24  # orderings of a crystal that are reported; the rest is cut off


@dataclass(frozen=True, eq=False)
class Orbits:
    """Patterns that are no images of each other, most likely first."""

    sites: Ints  # (n,) of the crystal's sites, those with spins
    signs: Floats  # (m, n) +-1
    log_weight: Floats  # (m,)


def find_orbits(
    field: SignField, coupling: Tensor, trees: PatternTrees, cell: SpinCell, sites: Ints, size: Floats, settings: PatternSettings
) -> Orbits:  # fmt: skip
    """The orderings of one crystal.

    Args:
        coupling: (n, n) in double precision.
        cell: its spins.
        sites: (n,) where they are.
        size: (n,) of their moments, µB.
    """
    every = patterns(len(sites)).double() if len(sites) <= settings.exact else settled(field, coupling, settings.probes)
    signs = every.numpy()
    log_weight = np.empty(len(signs))
    for rivals in (zero := balanced(signs, size), ~zero):
        if rivals.any():
            log_weight[rivals] = trees.log_weight(cell, signs[rivals], size)
    names = cell.orbits(signs)
    order = np.lexsort([names, -log_weight])
    _, first = np.unique(names[order], return_index=True)
    best = order[np.sort(first)]
    return Orbits(sites, signs[best], log_weight[best])


def settled(field: SignField, coupling: Tensor, probes: int) -> Tensor:
    """(m, n) the ferromagnet and the distinct patterns that seeded probes settle into, the first sign +."""
    n = len(coupling)
    dtype = field.log_gain.dtype
    dice = torch.Generator().manual_seed(_seed(coupling))
    probe = torch.randn(1, probes, n, generator=dice, dtype=torch.float64)
    sigma = field(coupling[None].to(dtype), probe.to(dtype))[0].double()
    signs = torch.where(sigma < 0, -1.0, 1.0).double()
    found: Tensor = torch.unique(torch.cat([torch.ones(1, n, dtype=torch.float64), signs * signs[:, :1]]), dim=0)
    return found


def _seed(coupling: Tensor) -> int:
    """From the couplings alone, whatever the order of the sites: never from noise in the last digits."""
    numbers = np.sort(np.rint(coupling.numpy().ravel() * 1e3)).astype(np.int64)
    return int.from_bytes(hashlib.sha256(numbers.tobytes()).digest()[:7])
