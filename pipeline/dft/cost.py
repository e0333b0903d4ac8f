"""How long a calculation takes: a stated model, to compare candidates, and the pace of this machine, to plan with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.calculation import Calculation, Damaged, Job, calculations, read_calculation
from pipeline.dft.settings import DftSettings

SECONDS = 4.2e-5  # of one core per k-point, valence electron and plane wave; docs/results/dft.md has the timings behind it
NOBLE_GASES = (2, 10, 18, 36, 54, 86)
_D_SHELL, _F_SHELL = 10, 14
_INVERSE_BOHR_PER_ROOT_EV = math.sqrt(2.0 / 27.211386) / 0.529177  # |k| in 1/Å of a plane wave of 1 eV


def core_seconds(job: Job) -> float:
    """Estimated seconds of one core: SECONDS × (k-points / 2) × valence electrons × plane waves of the cell.

    Time reversal halves the k-points. Other symmetry is not counted, because an ordering breaks most of it. The four timings of
    docs/results/dft.md lie within a factor of 2.5 of the model.
    """
    settings = DftSettings(**job.settings)
    points = math.prod(settings.mesh(job.cell.lattice)) / 2
    electrons = sum(valence_electrons(int(z)) for z in job.cell.numbers)
    volume = abs(float(np.linalg.det(job.cell.lattice)))
    waves = volume * (_INVERSE_BOHR_PER_ROOT_EV * math.sqrt(settings.cutoff_eV)) ** 3 / (6.0 * math.pi**2)
    return SECONDS * points * electrons * waves


def valence_electrons(z: int) -> int:
    """Electrons outside the noble gas core and outside full d and f shells below p electrons; at least one."""
    core = max((gas for gas in NOBLE_GASES if gas < z), default=0)
    left = z - core
    if core >= NOBLE_GASES[4] and left > _F_SHELL + 2:
        left -= _F_SHELL
    if core >= NOBLE_GASES[2] and left > _D_SHELL + 2:
        left -= _D_SHELL
    return max(left, 1)


@dataclass(frozen=True)
class Pace:
    """How many times as long as the model says calculations take here, by those that are done."""

    factor: float = 1.0
    measured: int = 0  # calculations behind it; none: the model is taken as it is

    def core_seconds(self, jobs: Iterable[Job]) -> float:
        """Estimated seconds of one core for all of them."""
        return self.factor * sum(core_seconds(job) for job in jobs)


def pace(folders: Iterable[Path], code: str) -> Pace:
    """The pace of the finished calculations in these folders: the median of the time that they took over what the model says.

    The time is that of a clock, so that a machine which is shared with other work is a slow one; the median, because a few
    calculations may have waited for hours.

    Args:
        folders: of results; those that do not exist are none.
        code: calculations of other codes do not count.
    """
    found: dict[str, Calculation] = {}
    for path in (path for folder in folders for path in calculations(folder)):
        with suppress(Damaged):
            found[path.stem] = read_calculation(path)
    timed = [one for one in found.values() if one.done and one.job.code == code and one.outcome.seconds > 0]
    if not timed:
        return Pace()
    return Pace(float(np.median([one.outcome.seconds / core_seconds(one.job) for one in timed])), len(timed))
