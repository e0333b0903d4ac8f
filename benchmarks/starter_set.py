"""Calculate further compounds of the starter set with GPAW, check them, and write them as rows.

    OMP_NUM_THREADS=1 python -m benchmarks.starter_set calculate FOLDER --minutes 60
    python -m benchmarks.starter_set check FOLDER B3-CrAs           # with a denser mesh, and from 1 µB on every site
    python -m benchmarks.starter_set compare FOLDER bcc-Fe fcc-Al   # rows of the starter set, calculated again
    python -m benchmarks.starter_set rows FOLDER >> data/starter/starter.jsonl

The compounds are those of starter_compounds.csv, in its order, with a guessed edge of the cube. Each is scanned at three to five
volumes with the coarse settings. The minimum of the parabola gives the cell of one calculation with the fine settings. All start
ferromagnetic. FOLDER keeps one file for each calculation: the command can be started again and goes on where it ended.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Element

from benchmarks.smoke import SmokeData, arguments
from benchmarks.starter_cells import cell
from data.calculation import Calculation, Job, write_calculation
from data.crystal import Crystal, make_crystal, symbol
from data.sources.starter import STARTER_FILE
from data.store.artifact import make_folder
from pipeline.demos.figures import markdown
from pipeline.dft.child import calculate
from pipeline.dft.gpaw_code import Gpaw
from pipeline.dft.queue import known
from pipeline.dft.settings import DftSettings
from pipeline.dft.unsupported import unsupported
from pipeline.dft.volume import FIRST, Scan, scaled

COMPOUNDS = Path(__file__).with_name("starter_compounds.csv")
FINE = DftSettings()
COARSE = DftSettings(cutoff_eV=320.0, kpoint_density_A=20.0)
DENSE = DftSettings(kpoint_density_A=32.0)  # about twice the k-points
QUICK = DftSettings(cutoff_eV=200.0, kpoint_density_A=8.0)  # of a smoke run
USED: int | None = None  # compounds; None: all
EACH = 10  # one of so many compounds is checked where none is named
START_MUB = {
    "Fe": 2.5, "Co": 1.7, "Ni": 0.7, "Mn": 3.2, "Cr": 2.0, "V": 0.8, "Ti": 0.3, "Ru": 0.4, "Rh": 0.3, "Pd": 0.2, "Pt": 0.2,
}  # fmt: skip
OTHER_START_MUB = 1.0  # of every site in a check
CODE = "benchmarks.starter_set:QuickMixing"
CENTRES = 3  # scans, each around the lowest volume of the one before
ONE_STATE_MUB = 0.1  # per atom; the equilibrium's moment may lie that far outside those of the scanned volumes


class QuickMixing(Gpaw):
    """GPAW with quick mixing alone."""

    MIXINGS = (0.25,)


@dataclass(frozen=True)
class Compound:
    """A line of starter_compounds.csv."""

    prototype: str
    elements: tuple[str, ...]
    edge_A: float  # where the scan begins

    @property
    def crystal(self) -> Crystal:
        return cell(self.prototype, self.elements, self.edge_A)


@dataclass(frozen=True)
class Found:
    """A compound's calculations: the equilibrium, and the scanned volumes from the smallest."""

    compound: Compound
    equilibrium: Calculation
    scan: tuple[Calculation, ...]

    @property
    def fault(self) -> str:
        """Why the rows are not to be used; empty where nothing speaks against them."""
        moments = [one.moment_per_atom for one in self.scan]
        here = self.equilibrium.moment_per_atom
        if min(moments) - ONE_STATE_MUB <= here <= max(moments) + ONE_STATE_MUB:
            return ""
        return f"{here:.2f} µB/atom, but {min(moments):.2f} to {max(moments):.2f} along the scan: two magnetic states"


def compounds() -> list[Compound]:
    """All compounds of the list; PBE without +U is enough for each of them."""
    with COMPOUNDS.open() as lines:
        rows = list(csv.DictReader(lines))
    every = [Compound(row["prototype"], tuple(row["elements"].split()), float(row["edge_A"])) for row in rows]
    for one in every:
        assert not unsupported(one.crystal.numbers.tolist()), one
    return every


def ferromagnet(crystal: Crystal, settings: DftSettings, name: str = "fm") -> Job:
    """A calculation of the cell as it stands, started with the parallel moments of START_MUB."""
    start = np.array([START_MUB.get(symbol(int(z)), 0.0) for z in crystal.numbers])
    return Job(crystal, name, (name,), crystal, start, CODE, asdict(settings), licensed=False)


def find(compound: Compound, folder: Path, until: float) -> Found | None:
    """The compound's calculations. Those that the folder lacks are made.

    Args:
        compound: which.
        folder: of the results.
        until: monotonic time after which no calculation is begun; 0 makes none.

    Returns:
        None where a calculation is missing or has failed, or no minimum was found.
    """
    around = compound.crystal
    for _ in range(CENTRES):
        scan = Scan(ferromagnet(around, COARSE))
        todo = [scan.at(factor) for factor in FIRST]
        while todo:
            if not all(once(job, folder, until) for job in todo):
                return None
            todo = [more] if (more := scan.next(folder)) is not None else []
        energies, factor = scan.energies(folder), scan.factor(folder)
        if factor is not None:
            fine = once(ferromagnet(scaled(around, factor), FINE), folder, until)
            return None if fine is None else Found(compound, fine, tuple(energies.values()))
        around = scaled(around, min(energies, key=lambda at: energies[at].energy_per_atom))
    return None


def once(job: Job, folder: Path, until: float) -> Calculation | None:
    """The finished calculation, made if the folder lacks it and there is time; None where there is none."""
    found = known(folder, job)
    if found is None and time.monotonic() < until:
        with (folder / "gpaw.log").open("w") as log, redirect_stdout(log):
            found = Calculation(job, calculate(job))
        write_calculation(folder, found)
        end = found.outcome
        said = f"{job.crystal.id} {job.ordering} {end.status} {end.seconds:.0f} s {end.energy_eV:.5f} eV {end.total_muB:.3f} µB"
        print(said, file=sys.stderr, flush=True)
    return found if found is not None and found.done else None


def rows(found: Found) -> Iterator[dict[str, Any]]:
    """Rows of starter.jsonl, the equilibrium first."""
    name = found.equilibrium.job.crystal.id
    for k, one in enumerate((found.equilibrium, *found.scan)):
        crystal, settings = one.job.cell, DftSettings(**one.job.settings)
        yield {
            "compound": name, "prototype": found.compound.prototype, "formula": crystal.formula,
            "species": [symbol(int(z)) for z in crystal.numbers], "frac": crystal.frac.tolist(),
            "id": f"{name}-v{k - 1}" if k else name, "kind": "scan" if k else "equilibrium", "cell_A": crystal.lattice.tolist(),
            "energy_eV": one.outcome.energy_eV, "total_magnetization_muB": one.outcome.total_muB,
            "site_moments_muB": list(one.outcome.site_muB), "kpts": list(settings.mesh(crystal.lattice)),
            "ecut_eV": int(settings.cutoff_eV), "program": one.outcome.program,
        }  # fmt: skip


def checked(found: Found, folder: Path, until: float) -> list[str] | None:
    """A line of the table of checks: the equilibrium, with a denser mesh, and from another start; None if there is no time."""
    here, crystal = found.equilibrium, found.equilibrium.job.crystal
    mesh = once(ferromagnet(crystal, DENSE, "denser mesh"), folder, until)
    other = replace(ferromagnet(crystal, FINE, "other start"), start=np.full(crystal.n_sites, OTHER_START_MUB))
    start = once(other, folder, until)
    if mesh is None or start is None:
        return None
    moments = [f"{one.moment_per_atom:.3f}" for one in (here, mesh, start)]
    return [crystal.id, *moments, *(f"{_above(here.energy_per_atom, other):.1f}" for other in (mesh, start))]


def repeated(name: str, folder: Path, until: float) -> list[str] | None:
    """A line of the table of rows that are calculated again; None if there is no time."""
    row = {row["id"]: row for row in map(json.loads, STARTER_FILE.read_text().splitlines())}[name]
    crystal = make_crystal(name, row["cell_A"], row["frac"], [Element(s).Z for s in row["species"]])
    again = once(ferromagnet(crystal, FINE), folder, until)
    if again is None:
        return None
    moments = (abs(row["total_magnetization_muB"]) / crystal.n_sites, again.moment_per_atom)
    sites = (row["site_moments_muB"], again.outcome.site_muB)
    told = [" ".join(f"{moment:.3f}" for moment in some) for some in sites]
    return [name, *(f"{one:.3f}" for one in moments), f"{_above(row['energy_eV'] / crystal.n_sites, again):.1f}", *told]


def _above(energy_per_atom: float, other: Calculation) -> float:
    """meV/atom."""
    return 1000 * (other.energy_per_atom - energy_per_atom)


def _arguments(data: SmokeData) -> list[str]:
    return ["calculate", str(data.folder / "starter"), "--minutes", "5"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("calculate", "check", "compare", "rows"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("ids", nargs="*", help="rows to compare, or compounds to check (default: every tenth)")
    parser.add_argument("--minutes", type=float, default=60.0, help="no calculation is begun later")
    options = arguments(parser, _arguments, USED=1, FINE=QUICK, COARSE=QUICK)
    make_folder(options.folder)
    until = time.monotonic() + 60.0 * options.minutes
    COMMANDS[options.what](options, until)


def _calculate(options: argparse.Namespace, until: float) -> None:
    every = compounds()[:USED]
    found = [one for one in every if find(one, options.folder, until) is not None]
    print(f"{len(found)} of {len(every)} compounds are finished")


def _finished(options: argparse.Namespace) -> list[Found]:
    return [found for one in compounds() if (found := find(one, options.folder, 0.0)) is not None]


def _check(options: argparse.Namespace, until: float) -> None:
    finished = _finished(options)
    named = [found for found in finished if found.equilibrium.job.crystal.id in options.ids]
    lines = [checked(found, options.folder, until) for found in named or finished[::EACH]]
    head = ("compound", "µB/atom", "denser mesh", "other start", "denser mesh, meV/atom", "other start, meV/atom")
    print(markdown(head, [line for line in lines if line is not None]))


def _compare(options: argparse.Namespace, until: float) -> None:
    lines = [repeated(name, options.folder, until) for name in options.ids]
    head = ("row", "µB/atom", "again", "energy again, meV/atom", "sites, µB", "again")
    print(markdown(head, [line for line in lines if line is not None]))


def _rows(options: argparse.Namespace, until: float) -> None:
    known_rows = {json.loads(line)["id"] for line in STARTER_FILE.read_text().splitlines()}
    for found in _finished(options):
        if found.fault:
            print(f"{found.equilibrium.job.crystal.id} is left out: {found.fault}", file=sys.stderr)
        elif found.equilibrium.job.crystal.id not in known_rows:
            for row in rows(found):
                print(json.dumps(row))


COMMANDS = {"calculate": _calculate, "check": _check, "compare": _compare, "rows": _rows}


if __name__ == "__main__":
    main()
