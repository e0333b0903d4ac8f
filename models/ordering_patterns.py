"""The patterns of signs that a cell's couplings allow, one of each orbit under the group, with their weights.

    weight of an orbit = sum over its patterns of exp(-E)

A cell with few spins has few patterns, and all of them are weighed: nothing is left to chance or to the order of the sites. In
larger cells seeded probes settle into the patterns that are weighed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.ising import EXACT, SignField, energy, patterns
from models.orbit import orbit_names

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


def find_orbits(field: SignField, coupling: Tensor, sites: Ints, group: Ints, settings: PatternSettings) -> Orbits:
    """The orderings of one crystal.

    Args:
        coupling: (n, n) in double precision.
        group: (g, n) the permutations as they act on the spins.
    """
    n = len(coupling)
    signs = patterns(n).double() if n <= settings.exact else settled(field, coupling, settings.probes)
    log_weight = -energy(coupling, signs).numpy()
    chosen, inverse = np.unique(orbit_names(signs.numpy().astype(np.int8), group), return_inverse=True)
    total = np.full(len(chosen), -np.inf)
    np.logaddexp.at(total, inverse, log_weight)
    if n > settings.exact:  # of an orbit probes meet some members only; all weigh the same
        total = log_weight[chosen] + np.log([_orbit_size(signs[c].numpy(), group) for c in chosen])
    order = np.argsort(-total, kind="stable")
    return Orbits(sites, signs.numpy()[chosen[order]], total[order])


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


def _orbit_size(signs: Floats, group: Ints) -> int:
    """Different images of a pattern; those that differ by time reversal count once."""
    images = signs[group]
    return len(np.unique(images * images[:, :1], axis=0))


def _seed(coupling: Tensor) -> int:
    """From the couplings alone, whatever the order of the sites: never from noise in the last digits."""
    numbers = np.sort(np.rint(coupling.numpy().ravel() * 1e3)).astype(np.int64)
    return int.from_bytes(hashlib.sha256(numbers.tobytes()).digest()[:7])
