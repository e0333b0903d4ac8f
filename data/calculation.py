"""One calculation of one magnetic ordering: what was asked, how, and what came of it. One JSON file each."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal, make_crystal
from data.store.artifact import text_hash, write_json

FORMAT = 1
NO_DIRECTION_MUB = 0.1  # µB of a site; a smaller moment points nowhere
SAME_ENERGY_EV = 1e-3  # eV/atom; less is within the settings' own error
DIGITS = 6  # decimals of Å and of fractions that make two cells the same one
KEY_LENGTH = 32
AS_GIVEN = "geometry as it was given"

Floats = NDArray[np.float64]


class Status(StrEnum):
    """How a calculation came to its end."""

    DONE = "done"
    UNCONVERGED = "unconverged"  # the code gave up within its own number of steps
    FAILED = "failed"  # the code refused, and said why
    LOST = "lost"  # the process died
    TIMEOUT = "timeout"  # the process was ended, having taken too long


class Ended(StrEnum):
    """The order of the moments that were left."""

    FERROMAGNET = "ferromagnet"  # all parallel
    AS_STARTED = "as started"
    OTHER = "another ordering"
    NONMAGNETIC = "no moments"


@dataclass(frozen=True, eq=False)
class Job:
    """What is asked of a code. Cells and moments in Å and µB."""

    crystal: Crystal  # the primitive cell, under the candidate's id
    ordering: str
    orderings: tuple[str, ...]  # all that compete with each other, those that were left out among them
    cell: Crystal  # the cell that is calculated: the primitive one, or one twice as large
    start: Floats  # (n,) µB, sites of `cell`
    code: str  # which code, as `module:class`
    settings: dict[str, Any]
    licensed: bool  # whether the crystal may not be passed on
    geometry: str = AS_GIVEN  # how the crystal relates to the candidate's

    @property
    def key(self) -> str:
        """The same for the same cell, moments, code and settings, whatever the candidate is called."""
        return text_hash(self.code, _plain(self.settings), _written(self.cell), _plain(self.start.tolist()))[:KEY_LENGTH]

    @property
    def comparison(self) -> str:
        """The same for all whose energies may be compared: orderings of one crystal by one code with one set of settings."""
        return text_hash(self.code, _plain(self.settings), _written(self.crystal))[:KEY_LENGTH]


@dataclass(frozen=True)
class Outcome:
    """What came of a job; energies and moments are there if it is done."""

    status: Status
    detail: str = ""  # why there is no result
    program: str = ""  # the code and its version
    energy_eV: float = math.nan  # of the calculated cell
    total_muB: float = math.nan  # of the calculated cell
    site_muB: tuple[float, ...] = ()
    seconds: float = 0.0  # for a timeout, the limit


@dataclass(frozen=True, eq=False)
class Calculation:
    """A job and its outcome."""

    job: Job
    outcome: Outcome

    @property
    def done(self) -> bool:
        return self.outcome.status is Status.DONE

    @property
    def energy_per_atom(self) -> float:
        """eV."""
        return self.outcome.energy_eV / self.job.cell.n_sites

    @property
    def moment_per_atom(self) -> float:
        """µB, its size: the sign of a total is a convention."""
        return abs(self.outcome.total_muB) / self.job.cell.n_sites

    @property
    def ended(self) -> Ended:
        """By the sites that started with a moment: what others carry is induced by them."""
        magnetic = self.job.start != 0.0
        left, began = np.array(self.outcome.site_muB)[magnetic], self.job.start[magnetic]
        large = np.abs(left) >= NO_DIRECTION_MUB
        if not large.any():
            return Ended.NONMAGNETIC
        signs = np.sign(left[large])
        if (signs == signs[0]).all():
            return Ended.FERROMAGNET
        kept = signs * np.sign(began[large])
        return Ended.AS_STARTED if (kept == kept[0]).all() else Ended.OTHER


class Damaged(ValueError):
    """A file that is no calculation of this format."""


def calculation_file(folder: Path, key: str) -> Path:
    """The file of a calculation, whether it is there or not."""
    return folder / f"{key}.json"


def calculations(folder: Path) -> list[Path]:
    """The files of all calculations in a folder, by name."""
    return sorted(path for path in folder.glob("*.json") if len(path.stem) == KEY_LENGTH)


def write_calculation(folder: Path, calculation: Calculation) -> None:
    """Write it, whole or not at all.

    Raises:
        UserError: the folder cannot be written to, or the disk is full.
    """
    job, outcome = calculation.job, calculation.outcome
    content: dict[str, Any] = {
        "format": FORMAT, "id": job.crystal.id, "formula": job.crystal.formula, "ordering": job.ordering,
        "orderings": list(job.orderings), "code": job.code, "settings": job.settings, "licensed": job.licensed,
        "crystal": _cell(job.crystal), "cell": _cell(job.cell), "start_muB": job.start.tolist(),
        "geometry": job.geometry,
        "status": str(outcome.status), "detail": outcome.detail, "program": outcome.program, "seconds": outcome.seconds,
    }  # fmt: skip
    if calculation.done:
        content |= {
            "energy_eV": outcome.energy_eV, "total_magnetization_muB": outcome.total_muB,
            "site_moments_muB": list(outcome.site_muB),
        }  # fmt: skip
    write_json(calculation_file(folder, job.key), content)


def read_calculation(path: Path) -> Calculation:
    """A calculation from its file.

    Raises:
        Damaged: it cannot be read, is of another format, or is not what its name says.
    """
    try:
        content = json.loads(path.read_text())
        if content["format"] != FORMAT:
            raise ValueError(f"of format {content['format']!r}, not {FORMAT}")
        calculation = _calculation(content)
        if calculation.job.key != path.stem:
            raise ValueError("it holds another calculation than its name says")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Damaged(f"not the file of a calculation ({type(fault).__name__}: {fault!s:.120})") from fault
    return calculation


def _calculation(content: dict[str, Any]) -> Calculation:
    crystal, cell = _crystal(str(content["id"]), content["crystal"]), _crystal("", content["cell"])
    start = np.array(content["start_muB"], dtype=np.float64)
    if start.shape != (cell.n_sites,):
        raise ValueError(f"{start.shape} moments for {cell.n_sites} sites")
    job = Job(
        crystal, str(content["ordering"]), tuple(map(str, content["orderings"])), cell, start, str(content["code"]),
        dict(content["settings"]), bool(content["licensed"]), str(content.get("geometry", AS_GIVEN)),
    )  # fmt: skip
    status, facts = Status(content["status"]), (str(content["detail"]), str(content["program"]))
    if status is not Status.DONE:
        return Calculation(job, Outcome(status, *facts, seconds=float(content["seconds"])))
    energy, total = float(content["energy_eV"]), float(content["total_magnetization_muB"])
    sites = tuple(float(moment) for moment in content["site_moments_muB"])
    if len(sites) != cell.n_sites or not all(map(math.isfinite, (energy, total, *sites))):
        raise ValueError("an energy or a moment is missing or no number")
    return Calculation(job, Outcome(status, *facts, energy, total, sites, float(content["seconds"])))


def _cell(crystal: Crystal) -> dict[str, Any]:
    return {"lattice_A": crystal.lattice.tolist(), "frac": crystal.frac.tolist(), "numbers": crystal.numbers.tolist()}


def _crystal(identifier: str, written: dict[str, Any]) -> Crystal:
    return make_crystal(identifier, written["lattice_A"], written["frac"], written["numbers"])


def _written(crystal: Crystal) -> str:
    rounded = [(np.round(values, DIGITS) + 0.0).tolist() for values in (crystal.lattice, crystal.frac)]  # -0.0 becomes 0.0
    return _plain([*rounded, crystal.numbers.tolist()])


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
