"""The candidates that a person takes further, and their crystals, read again from where the screen found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.errors import UserError
from data.sources.lookup import find_crystals
from data.sources.recipe import from_recipe
from data.symmetry import SymmetricCell, symmetrise
from pipeline.disorder.approximants import APPROXIMANT_CODE, Approximants
from pipeline.screening.csvsafe import as_given
from pipeline.screening.identity import original_ids
from pipeline.screening.screened import Screened
from pipeline.screening.structures import kept_cells_of, same_cell


@dataclass(frozen=True)
class Chosen:
    """A row of the ranking and its crystal, or one approximant of it."""

    row: dict[str, Any]
    crystal: Crystal
    approximant: int = 0  # 1, 2 ... of a disordered crystal
    share: float = 1.0  # of the atoms of the mean over its approximants

    @property
    def folder(self) -> str:
        """A folder's name, of rank and formula: an id is text of a source and never becomes a path."""
        name = f"{self.row['rank']:05d}-{''.join(c for c in self.row['formula'] if c.isascii() and c.isalnum())}"
        return f"{name}-approximant{self.approximant}" if self.approximant else name


@dataclass(frozen=True)
class LeftOut:
    """A row of the ranking of which nothing is written, and why."""

    row: dict[str, Any]
    why: str

    def facts(self) -> dict[str, Any]:
        """For a summary in JSON."""
        row = self.row
        return {"candidate_id": row["candidate_id"], "formula": row["formula"], "rank": int(row["rank"]), "why": self.why}


def named_ids(known: list[str], given: list[str]) -> list[str]:
    """The ids that a person means: each of `given` is an id, or several with commas between them; ids may hold commas, too.

    Raises:
        UserError: one that is not known.
    """
    there, found, missing = frozenset(known), [], []
    for text in given:
        parts = [text] if text in there else [part for part in text.split(",") if part.strip()]
        while parts:
            for many in range(len(parts), 0, -1):  # the longest id that it can be
                name = ",".join(parts[:many]).strip()
                plain = name if name in there else as_given(name)  # as ranking.csv writes it for spreadsheets
                if plain in there:
                    found.append(plain)
                    break
            else:
                many = 1
                missing.append(_like(parts[0].strip(), known))
            parts = parts[many:]
    if missing:
        raise UserError(f"not in the ranking: {', '.join(missing)}")
    if not found:
        raise UserError("--ids names no candidate")
    return found


def _like(name: str, known: list[str]) -> str:
    """The name, with the ids that end in it or begin with it: an id is a path below the screened folder."""
    near = [other for other in known if other.endswith(f"/{name}") or other.startswith((f"{name} in ", f"{name}#"))]
    return f"{name} (do you mean {' or '.join(near[:5])}?)" if near else name


def choose(ranking: pd.DataFrame, top: int, ids: list[str]) -> pd.DataFrame:
    """The rows that these ids name (see `named_ids`), else the first `top` that compete (none set aside by the profile), one of
    each set of duplicates.

    Raises:
        UserError: an id that is not in the ranking, or no row left to take.
    """
    if ids:
        return ranking[ranking["candidate_id"].isin(named_ids(ranking["candidate_id"].to_list(), ids))]
    competing = ranking[ranking["exclusion_reason"] == ""]
    chosen = competing[~originals(competing).duplicated()].head(top)
    if chosen.empty:
        raise UserError("the profile set all candidates aside; name some with --ids")
    return chosen


def originals(ranking: pd.DataFrame) -> pd.Series[str]:
    """(rows,) the id of the crystal that each row is: its own, or that of the candidate whose duplicate it is."""
    return ranking["duplicate_of"].where(ranking["duplicate_of"] != "", ranking["candidate_id"])


def withheld(manifest: dict[str, Any], rows: pd.DataFrame) -> list[LeftOut]:
    """Those of these rows whose structures the run withholds: licensed ones, or all where an older run does not say which."""
    if not manifest.get("withheld"):
        return []
    licensed = rows[rows["licensed"].astype(bool)] if "licensed" in rows else rows
    if "licensed_crystals" in manifest and "licensed" not in rows:
        licensed = rows.head(0)
    why = f"run {manifest['id']} withholds licensed structures; screen with --licensed-details to have them for your own use"
    return [LeftOut(_row(row), why) for row in licensed.to_dict("records")]


def _made_otherwise(manifest: dict[str, Any], rows: pd.DataFrame) -> list[LeftOut]:
    """The disordered ones of these rows, where another release made approximants that this one would not make again."""
    if APPROXIMANT_CODE in manifest.get("code", ()) or "n_approximants" not in rows:
        return []
    why = f"run {manifest['id']} predicted other approximants than this release makes; screen again"
    return [LeftOut(_row(row), why) for row in rows[rows["n_approximants"].notna()].to_dict("records")]


def read_again(run: Screened, rows: pd.DataFrame) -> tuple[list[Chosen], list[LeftOut]]:
    """The crystals of these rows, from the source that the run's manifest names, and the rows that cannot be read.

    Each crystal is compared with the cell that the run keeps of it: other files may be added or removed, and another release may
    read the same file otherwise. A run of a release that kept no cells is taken where its source has not changed.

    Raises:
        UserError: the source is gone.
    """
    manifest = run.manifest
    source = from_recipe(manifest.get("reading") or {})
    try:
        now = source.identity()
    except UserError as fault:
        words = f"the crystals of run {manifest['id']} cannot be read again: {fault}; put them back, or screen again"
        raise UserError(words) from fault
    left_out = withheld(manifest, rows)
    wanted = _without(rows, left_out)
    made_otherwise = _made_otherwise(manifest, wanted)
    left_out += made_otherwise
    wanted = _without(wanted, made_otherwise)
    names = [original_ids(*place) for place in zip(wanted["candidate_id"], wanted["source_file"], strict=True)]
    files = wanted["source_file"].to_list()
    found = find_crystals(source, {(name, file) for several, file in zip(names, files, strict=True) for name, _ in several})
    symprec_A, kept, touched = manifest["graph_settings"]["symprec_A"], kept_cells_of(run.folder), now != manifest["input"]
    chosen = []
    for row, several, file in zip(wanted.to_dict("records"), names, files, strict=True):
        same = [c for name, k in several for c in found.get((name, file), [])[k : k + 1] if _matches(c, row)]
        why = "" if same else f"{row['candidate_id']} ({row['formula']}) is no longer in {file} as run {manifest['id']} read it"
        if same:
            why = _changed(manifest["id"], row, same[0], kept.of_rank(row["rank"]), symprec_A, touched)
        if why:
            left_out.append(LeftOut(_row(row), f"{why}: screen again, then export"))
        else:
            chosen += _chosen(_row(row), same[0], symprec_A)
    return chosen, left_out


def _changed(
    run: str, row: dict[Any, Any], crystal: AnyCrystal, before: SymmetricCell | None, symprec_A: float, touched: bool
) -> str:  # fmt: skip
    """Why a crystal is not, or need not be, the one that was screened; empty where it is."""
    name = row["candidate_id"]
    if before is None:
        return f"the source has changed since run {run}, which keeps no cell of {name} to compare" if touched else ""
    if isinstance(crystal, Crystal):
        now, as_before = symmetrise(crystal, symprec_A), True
    else:
        now, as_before = Approximants(crystal, symprec_A=symprec_A).cell.symmetric, crystal.occupancies == row["occupancies"]
    if as_before and same_cell(before, now):
        return ""
    if touched:
        return f"{name} ({row['formula']}) has changed in {row['source_file']} since run {run} read it"
    return f"this release reads {name} ({row['formula']}) in {row['source_file']} otherwise than run {run} did"


def _without(rows: pd.DataFrame, left_out: list[LeftOut]) -> pd.DataFrame:
    return rows[~rows["candidate_id"].isin([one.row["candidate_id"] for one in left_out])]


def _chosen(row: dict[str, Any], crystal: AnyCrystal, symprec_A: float) -> list[Chosen]:
    """The crystal, or of a disordered one the approximants that the screen predicted, which are always made alike."""
    if isinstance(crystal, Crystal):
        return [Chosen(row, crystal)]
    made, number = Approximants(crystal, symprec_A=symprec_A), int(row["n_approximants"])
    crystals = made.make(number)
    shares = made.weights(number).tolist()
    return [Chosen(row, one, k, share) for k, (one, share) in enumerate(zip(crystals, shares, strict=True), start=1)]


def _matches(crystal: AnyCrystal, row: dict[Any, Any]) -> bool:
    """Whether it is the row's crystal, in whole primitive cells (which earlier releases did not count in `n_sites`)."""
    return bool(crystal.formula == row["formula"] and crystal.n_sites % row["n_sites"] == 0)


def _row(row: dict[Any, Any]) -> dict[str, Any]:
    return {str(k): v for k, v in row.items()}
