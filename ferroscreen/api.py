"""Screens and orderings from Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ferroscreen.inputs import StructureLike, crystals_of

if TYPE_CHECKING:
    from pymatgen.core import Structure

    from flows.jobs.screening import ScreenJob
    from pipeline.screening.screened import Screened


def screen(
    paths: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], out: str | os.PathLike[str] | None = None, **options: Any
) -> Screened:
    """Rank the crystals in files and folders, as `ferroscreen screen` does.

    Args:
        paths: CIF files, folders, zips, ICSD exports, fetched folders or Parquet tables, or one of these.
        out: folder of the results; None: below the home.
        options: fields of `flows.jobs.screening.ScreenJob` (model, profile, disorder, runner, force and others); `disorder` and
            `runner` by their names, such as "majority" and "threads".

    Returns:
        The finished run: `ranking()` and `rejected()` are DataFrames, `folder` holds the files and the report, `manifest`
        says what was done. `fresh` is False where the same screen was finished before and is taken as it is.

    Raises:
        TypeError: an option of another name, or paths that are none.
        RuntimeError: in a worker process that imports a script without `if __name__ == "__main__":`.
        data.errors.UserError: options or input that cannot be used.
    """
    _refuse_in_worker()
    from flows.console import show_progress
    from flows.jobs.outlet import InProcess
    from flows.jobs.screening import ScreenJob
    from flows.jobs.screening import screen as run_job
    from pipeline.screening.screened import Screened

    job = _typed(ScreenJob(_paths(paths), out=None if out is None else os.fspath(out), **options))
    job.check()
    show_progress(quiet=False)  # bars on a terminal, nothing elsewhere
    done = run_job(job, InProcess())
    folder, fresh = Path(done["folder"]), done["fresh"]
    return Screened(folder, {k: v for k, v in done.items() if k not in ("folder", "report", "top", "fresh")}, fresh)


def _refuse_in_worker() -> None:
    """Raises RuntimeError in a worker process that is importing the script which started it, as Python's own processes do: the
    screen would begin again in each worker, and the one that waits for them would take their files for unreadable."""
    import multiprocessing

    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise RuntimeError(
            "this worker process runs the whole script again, and with it this call: in a script, put the call of "
            "ferroscreen.screen below `if __name__ == '__main__':`"
        )


def _paths(paths: Any) -> list[str]:
    """The paths as text. Raises TypeError where one is none, such as a structure, whose parts are its sites."""
    one = isinstance(paths, (str, bytes, os.PathLike)) or hasattr(paths, "sites") or not isinstance(paths, Iterable)
    several = [paths] if one else list(paths)
    wrong = [type(path).__name__ for path in several if not isinstance(path, (str, os.PathLike))]
    if wrong:
        raise TypeError(f"screen takes paths of files and folders, not a {wrong[0]}; predict takes structures")
    return [os.fspath(path) for path in several]


def _typed(job: ScreenJob) -> ScreenJob:
    """A job whose fields have their types: a name becomes the member of its enumeration, as on a server and in the command line.

    Raises:
        UserError: a value that is none of its field's type.
    """
    from pydantic import TypeAdapter, ValidationError

    from data.errors import UserError

    try:
        return TypeAdapter(type(job)).validate_python(vars(job))
    except ValidationError as fault:
        wrong = [f"{'.'.join(map(str, e['loc']))} is {e['input']!r}: {e['msg'][0].lower()}{e['msg'][1:]}" for e in fault.errors()]
        raise UserError("; ".join(wrong)) from fault


def competing_orderings(structure: StructureLike) -> list[tuple[str, Structure]]:
    """The ferromagnet and the likeliest collinear orderings that compete with it, as `ferroscreen export` writes them.

    Args:
        structure: a pymatgen Structure, ASE Atoms, or the path of a CIF file with one crystal.

    Returns:
        (name, structure) of up to six orderings. Each structure has the site property `magmom`, in µB. Where no element is
        magnetic, every site starts with a small moment, so that a calculation can find out.

    Raises:
        ValueError: the crystal cannot be used: it is rejected, disordered, or not the only one in its file.
    """
    from data.disordered import DisorderedCrystal
    from data.rejection import Rejection
    from data.symmetry import symmetrise
    from pipeline.magnetism.competing_orderings import orderings

    read = crystals_of([structure])
    if len(read) != 1:
        raise ValueError(f"one crystal is needed, not {len(read)}")
    item = read[0][1]
    if isinstance(item, Rejection):
        raise ValueError(f"{item.reason}: {item.detail}")
    if isinstance(item, DisorderedCrystal):
        raise ValueError("a disordered crystal: take an ordered approximant of it, such as `ferroscreen export` writes")
    return [(found.name, found.structure) for found in orderings(symmetrise(item))]
