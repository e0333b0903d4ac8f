"""Magnetisation at a working temperature, and what a permanent magnet could make of it at most.

The shape of M(T) is Kuz'min's (Phys. Rev. Lett. 94, 107204, 2005): m(τ) = [1 - s τ^(3/2) - (1 - s) τ^p]^(1/3) with τ = T / Tc and
p = 5/2. The shape parameter s differs from magnet to magnet and is drawn from its known range.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Floats = NDArray[np.float64]
ROOM_TEMPERATURE_K = 300.0
EXPONENT = 2.5
SHAPE = 0.6  # of the typical magnet
SHAPE_RANGE = (0.1, 1.1)  # from cobalt (0.11) to compounds with a low Tc
VACUUM_PERMEABILITY = 4e-7 * np.pi  # T m/A
KJ_M3_PER_MGOE = 7.9577
SIGMAS_OF_90 = 1.6449  # half width of a normal distribution's central 90 %
DRAWS = 512
POINTS = Path(__file__).with_name("sobol_points.npy")  # scipy.stats.qmc.Sobol(3, scramble=True, rng=0).random(DRAWS)
_AT_ONCE = 1024  # rows; bounds the memory
FIRST_UNIAXIAL, FIRST_CUBIC = 75, 195  # space groups


@dataclass(frozen=True, eq=False)
class AtTemperature:
    """µ0·Ms in tesla, one a crystal, with its 90 % interval."""

    value: Floats
    low: Floats
    high: Floats


def kuzmin(tau: Floats, shape: Floats | float = SHAPE) -> Floats:
    """Reduced magnetisation at the reduced temperature `tau` = T / Tc; 0 at Tc and above, 1 at 0 K."""
    t = np.clip(tau, 0.0, 1.0)
    cube: Floats = 1.0 - shape * t**1.5 - (1.0 - shape) * t**EXPONENT
    return np.cbrt(np.maximum(cube, 0.0))


def magnetisation_at(
    temperature_K: float, saturation_T: Floats, saturation_low: Floats, saturation_high: Floats, tc_K: Floats, tc_low: Floats,
    tc_high: Floats,
) -> AtTemperature:  # fmt: skip
    """µ0·Ms(T) from the values at 0 K and the Curie temperatures, (crystals,) each with the ends of its 90 % interval.

    Both are drawn from two half normals with the stated ends, independently, never below zero; the draws are the same for
    every crystal (a Sobol sequence), so that the same input gives the same output.
    """
    parts = []
    of_moment, of_curie, of_shape = _draws()
    shape = SHAPE_RANGE[0] + (SHAPE_RANGE[1] - SHAPE_RANGE[0]) * ndtr(of_shape)
    for start in range(0, len(saturation_T), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        moment = _drawn(saturation_T[rows], saturation_low[rows], saturation_high[rows], of_moment)
        curie = _drawn(tc_K[rows], tc_low[rows], tc_high[rows], of_curie)
        there = moment * kuzmin(temperature_K / np.maximum(curie, 1e-9), shape)
        parts.append(np.quantile(there, [0.05, 0.95], axis=1))
    ends = np.concatenate(parts, axis=1) if parts else np.zeros((2, 0))
    value = saturation_T * kuzmin(temperature_K / np.maximum(tc_K, 1e-9))
    return AtTemperature(value, np.minimum(ends[0], value), np.maximum(ends[1], value))


def largest_energy_product(saturation_T: Floats) -> tuple[Floats, Floats]:
    """(kJ/m³, MGOe) the upper bound (µ0·Ms)² / (4 µ0) of (BH)max, which only a square loop of enough coercivity reaches."""
    energy = saturation_T**2 / (4.0 * VACUUM_PERMEABILITY) / 1e3
    return energy, energy / KJ_M3_PER_MGOE


def anisotropy_needed(saturation_T: Floats) -> Floats:
    """K1 in MJ/m³ of a hardness κ = sqrt(K1 / µ0·Ms²) of one: what a magnet of any shape needs (Skomski and Coey 2016).

    Whether the crystal has it, no model here says: public data do not carry K1.
    """
    needed: Floats = saturation_T**2 / VACUUM_PERMEABILITY / 1e6
    return needed


def uniaxial_possible(space_group: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the lattice has one axis of three-, four- or sixfold symmetry: tetragonal, trigonal, hexagonal."""
    found: NDArray[np.bool_] = (space_group >= FIRST_UNIAXIAL) & (space_group < FIRST_CUBIC)
    return found


def _drawn(value: Floats, low: Floats, high: Floats, normal: Floats) -> Floats:
    """(crystals, draws) from two half normals around the value."""
    up, down = np.maximum(high - value, 0.0)[:, None], np.maximum(value - low, 0.0)[:, None]
    step = normal[None, :] / SIGMAS_OF_90
    drawn: Floats = np.maximum(value[:, None] + np.where(step > 0, up, down) * step, 0.0)
    return drawn


def _draws() -> Floats:
    """(3, DRAWS) normal deviates from points of a scrambled Sobol sequence.

    They lie in a file, because scipy.stats, which makes them, takes longer to import than a crystal takes to predict.
    """
    points = np.load(POINTS, allow_pickle=False)
    deviates: Floats = ndtri(points).T  # no point lies at 0 or 1
    return deviates
