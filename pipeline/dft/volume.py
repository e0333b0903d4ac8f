"""At which volume the orderings of a candidate are calculated: the one that was given, or that of lowest energy.

The relaxed volume is that of the ferromagnet. Its energy is calculated at three volumes, and at up to two more where the lowest
of them is the first or the last. A parabola in V^(-2/3) through the lowest one and its two neighbours gives the volume: the
equation of state of Birch (Phys. Rev. 71, 809, 1947) in its second order, with which the starter set was made, too. The shape of
the cell and the fractional coordinates stay, and so does the k-point mesh within a scan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from data.calculation import AS_GIVEN, Calculation, Job
from data.crystal import Crystal
from pipeline.dft.calculations import Calculations
from pipeline.dft.plan import Plan
from pipeline.dft.queue import known
from pipeline.dft.settings import DftSettings
from pipeline.export.chosen import Chosen

SCANS = "volumes"  # subfolder of results: a ferromagnet alone is no label, and never mixes with those that are
STEP = 0.06  # of the volume, as in the starter set
FIRST = (1.0 - STEP, 1.0, 1.0 + STEP)
MORE = 2  # volumes beyond the first ones, on the side of the lowest
ROUGH_EV = 5e-3  # eV/atom; the relaxed ferromagnet may lie that much above the scan, whose k-point mesh can be another


@dataclass(frozen=True)
class Placed:
    """A candidate's calculations at the volume where they are made."""

    plan: Plan
    volume: dict[str, Any] | None = None  # facts of the scan; None: as it was given
    lacking: str = ""  # why there is no volume to calculate at
    scan_lowest_eV: float | None = None  # per atom

    def doubt(self, ferromagnet: Calculation | None) -> str:
        """Why the relaxed volume is not that of the ferromagnet's lowest energy; empty where nothing speaks against it."""
        if self.scan_lowest_eV is None or ferromagnet is None or not ferromagnet.done:
            return ""
        above = ferromagnet.energy_per_atom - self.scan_lowest_eV
        if above <= ROUGH_EV:
            return ""
        return (
            f"at the relaxed volume the ferromagnet is {1000 * above:.0f} meV/atom above one of the scanned volumes: "
            f"its energy is no parabola (two magnetic states?)"
        )


Replan = Callable[[Chosen, str], Plan]


class Geometry(Protocol):
    """Where the orderings are calculated."""

    def place(self, plans: list[Plan], replan: Replan, calculations: Calculations, out: Path) -> list[Placed]:
        """The plans to calculate.

        Args:
            plans: for the crystals as they were given.
            replan: plans a candidate with another crystal; the text says how that one relates to the given one.
            calculations: calculates what is needed for it.
            out: folder of results.
        """
        ...


class AsGiven:
    """The crystal of the candidate."""

    def place(self, plans: list[Plan], replan: Replan, calculations: Calculations, out: Path) -> list[Placed]:
        return [Placed(one) for one in plans]


class RelaxedVolume:
    """The crystal scaled to the volume at which its ferromagnet has the lowest energy."""

    def place(self, plans: list[Plan], replan: Replan, calculations: Calculations, out: Path) -> list[Placed]:
        folder, scans = out / SCANS, {k: Scan(one.jobs[0]) for k, one in enumerate(plans) if one.jobs}
        calculations.work([scan.at(factor) for scan in scans.values() for factor in FIRST], folder)
        for _ in range(MORE):
            calculations.work([job for scan in scans.values() if (job := scan.next(folder))], folder)
        return [_placed(one, scans[k], replan, folder) if k in scans else Placed(one) for k, one in enumerate(plans)]


@dataclass(frozen=True)
class Scan:
    """Energies of one ferromagnet over the volume."""

    ferromagnet: Job

    def at(self, factor: float) -> Job:
        """The calculation at `factor` times the volume, with the k-point mesh of the given one."""
        job, edge = self.ferromagnet, factor ** (1 / 3)
        settings = DftSettings(**job.settings)
        same_mesh = replace(settings, kpoint_density_A=settings.kpoint_density_A * edge)
        return replace(
            job, crystal=scaled(job.crystal, factor), cell=scaled(job.cell, factor), ordering=f"fm-volume-{factor:.2f}",
            settings=asdict(same_mesh), geometry=f"volume scaled by {factor:.2f}",
        )  # fmt: skip

    def energies(self, folder: Path) -> dict[float, Calculation]:
        """The finished calculations by their factor, in order."""
        every = [round(1.0 + STEP * k, 2) for k in range(-1 - MORE, 2 + MORE)]
        found = {factor: known(folder, self.at(factor)) for factor in every}
        return {factor: one for factor, one in found.items() if one is not None and one.done}

    def next(self, folder: Path) -> Job | None:
        """One volume more; None where the lowest is between two others, where one of the first has no result, or after MORE."""
        done = self.energies(folder)
        if any(factor not in done for factor in FIRST) or len(done) == len(FIRST) + MORE:
            return None
        side = _side(done)
        return self.at(round((max if side > 0 else min)(done) + side * STEP, 2)) if side else None

    def factor(self, folder: Path) -> float | None:
        """The volume of lowest energy as a multiple of the given one; None where the scan has no minimum."""
        done = self.energies(folder)
        if any(factor not in done for factor in FIRST) or _side(done):
            return None
        factors = np.array(list(done))
        energies = np.array([one.energy_per_atom for one in done.values()])
        lowest = int(np.argmin(energies))
        near = slice(lowest - 1, lowest + 2)
        second, first, _ = np.polyfit(factors[near] ** (-2 / 3), energies[near], 2)
        return float((-first / (2 * second)) ** (-3 / 2))

    def facts(self, folder: Path, factor: float | None) -> dict[str, Any]:
        """For the summary: volumes in Å³/atom, energies in eV/atom, moments in µB/atom."""
        given = self.ferromagnet.crystal.volume / self.ferromagnet.crystal.n_sites
        points = [
            {"volume_A3": given * at, "energy_eV": one.energy_per_atom, "moment_muB": one.moment_per_atom}
            for at, one in self.energies(folder).items()
        ]
        return {"given_A3": given, "relaxed_A3": None if factor is None else given * factor, "scan": points}


def scaled(crystal: Crystal, factor: float) -> Crystal:
    """The crystal at `factor` times its volume."""
    return replace(crystal, lattice=crystal.lattice * factor ** (1 / 3))


def _side(done: dict[float, Calculation]) -> int:
    """Where the lowest energy may be: -1 below the smallest volume, 1 above the largest, 0 between."""
    lowest = min(done, key=lambda factor: done[factor].energy_per_atom)
    return -1 if lowest == min(done) else 1 if lowest == max(done) else 0


def _placed(one: Plan, scan: Scan, replan: Replan, folder: Path) -> Placed:
    factor, done = scan.factor(folder), scan.energies(folder)
    facts = scan.facts(folder, factor)
    if factor is None:
        return Placed(replace(one, jobs=()), facts, _why_none(done))
    told = f"{AS_GIVEN}, but scaled to {factor:.4f} times its volume, where a scan of the ferromagnet has its minimum"
    relaxed = replan(replace(one.chosen, crystal=scaled(one.chosen.crystal, factor)), told)
    return Placed(relaxed, facts, scan_lowest_eV=min(calculation.energy_per_atom for calculation in done.values()))


def _why_none(done: dict[float, Calculation]) -> str:
    if missing := [factor for factor in FIRST if factor not in done]:
        return f"no relaxed volume: no result at {', '.join(f'{factor:.2f}' for factor in missing)} times the given one"
    return f"no relaxed volume: the energy has no minimum from {min(done):.2f} to {max(done):.2f} times the given one"
