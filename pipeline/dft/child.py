"""One calculation in a process of its own: `python -m pipeline.dft.child`, with the request as one line on standard input.

The parent keeps standard input open. When it closes, the parent has died and this process ends. All output is the log of the
calculation.
"""

from __future__ import annotations

import json
import math
import os
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import numpy as np

from data.calculation import Calculation, Job, Outcome, Status, write_calculation
from data.crystal import make_crystal
from pipeline.dft.codes import Code, find_code
from pipeline.dft.settings import DftSettings


def request(job: Job, folder: Path) -> str:
    """The line that requests a job; the process writes its result into `folder`."""
    cells = [{"id": c.id, "lattice": c.lattice.tolist(), "frac": c.frac.tolist(), "numbers": c.numbers.tolist()}
             for c in (job.crystal, job.cell)]  # fmt: skip
    rest = {"ordering": job.ordering, "orderings": job.orderings, "code": job.code, "settings": job.settings}
    return json.dumps({
        "crystal": cells[0], "cell": cells[1], **rest, "start": job.start.tolist(), "licensed": job.licensed,
        "geometry": job.geometry, "folder": str(folder.resolve()),
    })  # fmt: skip


def main() -> None:
    """Calculate the job of the first line and write the result; an error of the DFT code is a result as well."""
    asked = json.loads(sys.stdin.readline())
    threading.Thread(target=_follow_parent, daemon=True).start()
    folder = Path(asked.pop("folder"))
    crystal, cell = make_crystal(**asked.pop("crystal")), make_crystal(**asked.pop("cell"))
    start, names = np.array(asked.pop("start"), dtype=np.float64), tuple(asked.pop("orderings"))
    job = Job(crystal=crystal, cell=cell, start=start, orderings=names, **asked)
    write_calculation(folder, Calculation(job, calculate(job)))


def calculate(job: Job) -> Outcome:
    """Energy and moments of a job, in this process; every exception of the DFT code becomes an outcome."""
    began = time.monotonic()
    program, give_up = "", (Exception,)
    try:
        code = find_code(job.code)
        program, give_up = code.program, _unconverged(code)
        energy, total, sites = _energy_and_moments(job, code)
    except Exception as fault:  # a code may raise anything; the next calculation must still run
        traceback.print_exc()  # into the log
        status = Status.UNCONVERGED if program and isinstance(fault, give_up) else Status.FAILED
        return Outcome(status, f"{type(fault).__name__}: {fault}"[:500], program, seconds=_since(began))
    if not all(map(math.isfinite, (energy, total, *sites))):
        return Outcome(Status.FAILED, "an energy or a moment is not a number", program, seconds=_since(began))
    return Outcome(Status.DONE, "", program, energy, total, sites, _since(began))


def _energy_and_moments(job: Job, code: Code) -> tuple[float, float, tuple[float, ...]]:
    """Of the first of the code's calculators that converges."""
    unconverged = _unconverged(code)
    fault: Exception | None = None
    for calculator in code.calculators(DftSettings(**job.settings), job.cell.lattice):
        try:
            return _with(calculator, job)
        except unconverged as this:
            traceback.print_exc()
            fault = this
    assert fault is not None, f"{job.code} has no calculator"
    raise fault


def _with(calculator: Any, job: Job) -> tuple[float, float, tuple[float, ...]]:
    from ase import Atoms

    atoms = Atoms(numbers=job.cell.numbers, cell=job.cell.lattice, scaled_positions=job.cell.frac, pbc=True)
    atoms.set_initial_magnetic_moments(job.start)
    atoms.calc = calculator
    energy = float(atoms.get_potential_energy())
    return energy, float(atoms.get_magnetic_moment()), tuple(float(m) for m in atoms.get_magnetic_moments())


def _unconverged(code: Code) -> Any:
    from ase.calculators.calculator import SCFError

    return (SCFError, *code.unconverged)


def _since(began: float) -> float:
    return round(time.monotonic() - began, 1)


def _follow_parent() -> None:
    """End this process when its parent dies; otherwise it would use its core for hours."""
    while os.read(0, 4096):  # not through sys.stdin, whose lock this thread would hold when the interpreter ends
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
