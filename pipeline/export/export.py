"""The export: chosen candidates of a run as a folder of inputs for DFT calculations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from data.crystal import Crystal
from data.errors import UserError
from data.store.artifact import make_folder, write_bytes, write_json
from data.symmetry import symmetrise
from pipeline.export.chosen import Chosen, LeftOut, choose, read_again, withheld
from pipeline.export.crystals import write_cif, write_poscar
from pipeline.export.espresso import read_espresso, write_espresso
from pipeline.export.folder import RESULT, all_at_once, claim_export, written
from pipeline.export.formats import FORMATS as FORMATS
from pipeline.export.formats import TABLES
from pipeline.export.formats import parse_formats as parse_formats
from pipeline.export.four_f import four_f_states
from pipeline.export.magnetic import FOLDER as MCIF
from pipeline.export.magnetic import magnetic_symmetries
from pipeline.export.potentials import gap
from pipeline.export.readme import Part, readme
from pipeline.export.references import bibtex
from pipeline.export.vasp import frozen_4f, read_vasp, write_vasp
from pipeline.magnetism.competing_orderings import Ordering, orderings
from pipeline.ops.progress import Reporter
from pipeline.registry.order_models import order_ranker
from pipeline.screening.csvsafe import csv_safe
from pipeline.screening.screened import Screened

SAME_PLACE = 1e-6  # fractional; what is written must be read as this same crystal
_WITH_MOMENTS: dict[str, tuple[Callable[[Sequence[Ordering], Path], None], Callable[[Path], Ordering]]] = {
    "vasp": (write_vasp, read_vasp),
    "qe": (write_espresso, read_espresso),
}


def export(
    run: Screened, top: int, ids: list[str], formats: list[str], out: Path, reporter: Reporter, force: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Write the folder and return its summary. Every file with moments is read again and held against what it was made of.

    A candidate that cannot be written is listed with its reason in README.md and export.json, and the others are written.
    The files come to `out` all at once, at the end. With `force` they replace those of an earlier export, and all others stay.

    Raises:
        UserError: the run withholds the structures of all that is asked for, `out` holds something already or cannot be written
            to, an id is unknown, the crystals cannot be read again, or the formats can hold none of them.
    """
    manifest = run.manifest
    rows = choose(run.ranking(), top, ids)
    if len(refused := withheld(manifest, rows)) == len(rows):
        raise UserError(refused[0].why)
    claim_export(out, force)
    chosen, left_out = read_again(run, rows)
    if not chosen:
        raise UserError("; ".join(dict.fromkeys(one.why for one in left_out)))
    with all_at_once(out) as work:
        parts, failed = _write(chosen, manifest["graph_settings"]["symprec_A"], formats, work, reporter)
        left_out = sorted([*left_out, *failed], key=lambda one: int(one.row["rank"]))
        told = rows[rows["candidate_id"].isin([part.chosen.row["candidate_id"] for part in parts])]
        if "csv" in formats:
            write_bytes(work / "candidates.csv", csv_safe(told).to_csv(index=False, float_format="%.6g").encode())
        if "bibtex" in formats:
            write_bytes(work / "references.bib", bibtex(manifest, [part.chosen.row for part in parts]).encode())
        write_bytes(work / "README.md", readme(manifest, formats, parts, left_out).encode())
        folders = [part.chosen.folder for part in parts if (work / part.chosen.folder).is_dir()]
        summary = {
            "run": manifest["id"], "formats": formats, "order_ranker": order_ranker().id,
            "candidates": [_summary(part, part.chosen.folder in folders) for part in parts],
            "left_out": [one.facts() for one in left_out],
        }  # fmt: skip
        write_json(work / RESULT, {**summary, "files": written(work, folders)})
    if not parts:
        raise RuntimeError(f"no candidate could be written: {left_out[0].why}; {out / 'README.md'} has them all")
    if not folders and not set(TABLES) & set(formats):
        first = f"{parts[0].chosen.row['candidate_id']}: {'; '.join(parts[0].gaps)}"
        raise UserError(f"no candidate can be written as {', '.join(formats)} ({first}); choose another --format")
    return {**summary, "folder": str(out.resolve())}


def _write(
    chosen: list[Chosen], symprec_A: float, formats: list[str], out: Path, reporter: Reporter
) -> tuple[list[Part], list[LeftOut]]:
    """Each candidate on its own: one that fails, however, never takes the others down, and leaves no half of itself.

    Raises:
        UserError: the folder cannot be written to, which is no fault of a candidate.
    """
    parts, failed = [], []
    with reporter.bar("Writing", len(chosen)) as tick:
        for candidate in chosen:
            try:
                parts.append(_write_candidate(candidate, symprec_A, formats, out / candidate.folder))
            except UserError:
                raise
            except OSError as fault:
                raise UserError(f"cannot write {out / candidate.folder}: {fault.strerror or fault}") from fault
            except Exception as fault:
                shutil.rmtree(out / candidate.folder, ignore_errors=True)
                failed.append(LeftOut(candidate.row, f"{type(fault).__name__}: {fault}"))
            tick(1)
    return parts, failed


def _write_candidate(candidate: Chosen, symprec_A: float, formats: list[str], folder: Path) -> Part:
    cell = symmetrise(candidate.crystal, symprec_A)
    primitive = Crystal(candidate.crystal.id, cell.lattice, cell.frac, cell.numbers).to_pymatgen()
    why_no_vasp = gap(site.specie.symbol for site in primitive) if "vasp" in formats else ""
    possible = [name for name in formats if name != "vasp" or not why_no_vasp]
    competing = orderings(cell) if set(possible) & {*_WITH_MOMENTS, MCIF} else []
    make_folder(folder)
    if "cif" in possible:
        write_cif(primitive, folder / "crystal.cif")
    if "poscar" in possible:
        write_poscar(primitive, folder / "POSCAR")
    for name, (write, read) in _WITH_MOMENTS.items():
        if name not in possible:
            continue
        write(competing, folder / name)
        for ordering in competing:
            if not same(ordering, read(folder / name / ordering.name)):
                raise RuntimeError(f"{name}/{ordering.name} does not read as the crystal and the moments that were written")
    symmetries, gaps = magnetic_symmetries(competing, folder / MCIF if MCIF in possible else None)
    if not any(folder.iterdir()):
        folder.rmdir()  # of tables only
    with_vasp = "vasp" in possible
    return Part(
        candidate, len(cell.numbers), competing, frozen_4f(cell.numbers) if with_vasp else (),
        ((f"no VASP input: {why_no_vasp}",) if why_no_vasp else ()) + tuple(gaps), tuple(symmetries),
        four_f_states(cell.numbers) if with_vasp else (),
    )  # fmt: skip


def same(one: Ordering, other: Ordering) -> bool:
    """The same cell, sites and moments, but for the order of the sites."""
    if len(one.structure) != len(other.structure) or not np.allclose(
        one.structure.lattice.matrix, other.structure.lattice.matrix, rtol=0, atol=1e-6
    ):
        return False
    apart = one.structure.frac_coords[:, None] - other.structure.frac_coords[None]
    near = (np.abs(apart - np.round(apart)) < SAME_PLACE).all(axis=-1)
    return bool(
        (near.sum(axis=0) == 1).all()
        and (near.sum(axis=1) == 1).all()
        and all(
            a.specie.symbol == other.structure[k].specie.symbol
            and a.properties["magmom"] == other.structure[k].properties["magmom"]
            for a, k in zip(one.structure, near.argmax(axis=1).tolist(), strict=True)
        )
    )


def _summary(part: Part, has_folder: bool) -> dict[str, Any]:
    row = part.chosen.row
    return {
        "folder": part.chosen.folder if has_folder else None, "candidate_id": row["candidate_id"],
        "formula": row["formula"], "rank": int(row["rank"]),
        **({"approximant": part.chosen.approximant, "share": part.chosen.share} if part.chosen.approximant else {}),
        "orderings": {ordering.name: ordering.moments.tolist() for ordering in part.orderings}, "gaps": list(part.gaps),
        "magnetic_space_groups": {one.ordering: one.facts() for one in part.symmetries},
        "measured": part.measured.facts() if part.measured else None, "four_f": [one.facts() for one in part.four_f],
    }  # fmt: skip
