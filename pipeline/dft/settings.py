"""The settings that determine a calculation's result, and the limits of time, which do not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class DftSettings:
    """Settings of a spin-polarised plane-wave calculation without relaxation.

    The defaults are those of the starter set's equilibrium rows and reproduce its moments.
    """

    functional: str = "PBE"
    cutoff_eV: float = 400.0
    kpoint_density_A: float = 26.0  # points along a reciprocal vector for each Å⁻¹ of its length (1/d, without 2π)
    smearing_eV: float = 0.08  # Fermi-Dirac
    energy_tolerance_eV: float = 2e-4  # for each valence electron
    density_tolerance: float = 2e-4  # electrons, for each valence electron
    state_tolerance_eV2: float = 4e-6  # residual of the wave functions, for each valence electron
    max_steps: int = 150  # of self-consistency

    def mesh(self, lattice: NDArray[np.float64]) -> tuple[int, int, int]:
        """K-points along each reciprocal vector, at least 2, Γ among them.

        Args:
            lattice: (3, 3) vectors as rows, Å.
        """
        reciprocal = np.linalg.inv(lattice).T
        # minus 1e-9: the same cell in another orientation must not get another mesh by rounding
        a, b, c = (max(2, int(np.ceil(self.kpoint_density_A * np.linalg.norm(vector) - 1e-9))) for vector in reciprocal)
        return a, b, c


@dataclass(frozen=True)
class Limits:
    """Limits of time."""

    each_s: float  # for one calculation
    whole_s: float | None  # for all of them together; None: no limit
    at_once: int = 1  # calculations that run side by side, on one core each
