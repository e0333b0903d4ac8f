"""The export: chosen candidates of a run as a folder that somebody can start calculations from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from data.crystal import Crystal
from data.errors import UserError
from data.store.artifact import make_folder, write_bytes, write_json
from data.symmetry import symmetrise
from pipeline.export.chosen import Chosen, choose, read_again
from pipeline.export.crystals import write_cif, write_poscar
from pipeline.export.espresso import read_espresso, write_espresso
from pipeline.export.folder import RESULT, claim_export, remove_export, written
from pipeline.export.formats import FORMATS as FORMATS
from pipeline.export.formats import parse_formats as parse_formats
from pipeline.export.readme import Part, readme
from pipeline.export.references import bibtex
from pipeline.export.vasp import frozen_4f, read_vasp, write_vasp
from pipeline.magnetism.competing_orderings import Ordering, orderings
from pipeline.ops.progress import Reporter
from pipeline.registry.order_models import order_ranker
from pipeline.screening.csvsafe import csv_safe
from pipeline.screening.screened import Screened

SAME_PLACE = 1e-6  # fractional; what is written must be read as this same crystal
_WITH_MOMENTS: dict[str, tuple[Callable[[Ordering, Path], None], Callable[[Path], Ordering]]] = {
    "vasp": (write_vasp, read_vasp),
    "qe": (write_espresso, read_espresso),
}


def export(
    run: Screened, top: int, ids: list[str], formats: list[str], out: Path, reporter: Reporter, force: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Write the folder and return its summary. Every file with moments is read again and held against what it was made of.

    With `force` the files of an earlier export in `out` are removed first, and all others stay.

    Raises:
        UserError: the run withholds its structures, `out` holds something already, an id is unknown, or the crystals cannot be
            read again.
    """
    manifest = run.manifest
    if manifest.get("withheld"):
        raise UserError(
            f"run {manifest['id']} withholds the structures of a licensed source; screen with --licensed-details to export them "
            "for your own use"
        )
    rows = choose(run.ranking(), top, ids)
    claim_export(out, force)
    chosen = read_again(manifest, rows)
    remove_export(make_folder(out))
    symprec = manifest["graph_settings"]["symprec_A"]
    parts = []
    with reporter.bar("Writing", len(chosen)) as tick:
        for candidate in chosen:
            parts.append(_write_candidate(candidate, symprec, formats, out / candidate.folder))
            tick(1)
    if "csv" in formats:
        write_bytes(out / "candidates.csv", csv_safe(rows).to_csv(index=False, float_format="%.6g").encode())
    if "bibtex" in formats:
        write_bytes(out / "references.bib", bibtex(manifest, [candidate.row for candidate in chosen]).encode())
    write_bytes(out / "README.md", readme(manifest, formats, parts).encode())
    summary = {
        "run": manifest["id"], "formats": formats, "order_ranker": order_ranker().id,
        "candidates": [_summary(part) for part in parts],
    }  # fmt: skip
    write_json(out / RESULT, {**summary, "files": written(out, (part.chosen.folder for part in parts))})
    return {**summary, "folder": str(out.resolve())}


def _write_candidate(candidate: Chosen, symprec_A: float, formats: list[str], folder: Path) -> Part:
    cell = symmetrise(candidate.crystal, symprec_A)
    primitive = Crystal(candidate.crystal.id, cell.lattice, cell.frac, cell.numbers).to_pymatgen()
    competing = orderings(cell) if set(formats) & set(_WITH_MOMENTS) else []
    if {"cif", "poscar"} & set(formats):
        make_folder(folder)
    if "cif" in formats:
        write_cif(primitive, folder / "crystal.cif")
    if "poscar" in formats:
        write_poscar(primitive, folder / "POSCAR")
    for name, (write, read) in _WITH_MOMENTS.items():
        for ordering in competing if name in formats else []:
            place = folder / name / ordering.name
            write(ordering, place)
            if not same(ordering, read(place)):
                raise RuntimeError(f"{place} does not read as the crystal and the moments that were written")
    return Part(candidate, len(cell.numbers), competing, frozen_4f(cell.numbers) if "vasp" in formats else ())


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


def _summary(part: Part) -> dict[str, Any]:
    row = part.chosen.row
    return {
        "folder": part.chosen.folder, "candidate_id": row["candidate_id"], "formula": row["formula"], "rank": int(row["rank"]),
        "orderings": {ordering.name: ordering.moments.tolist() for ordering in part.orderings},
    }  # fmt: skip
