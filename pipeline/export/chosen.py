"""The candidates that a person takes further, and their crystals, read again from where the screen found them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from data.crystal import Crystal
from data.errors import UserError
from data.sources.lookup import find_crystals
from data.sources.recipe import from_recipe


@dataclass(frozen=True)
class Chosen:
    """A row of the ranking and its crystal."""

    row: dict[str, Any]
    crystal: Crystal

    @property
    def folder(self) -> str:
        """A folder's name, of rank and formula: ids are anybody's text and never become paths."""
        return f"{self.row['rank']:05d}-{''.join(c for c in self.row['formula'] if c.isascii() and c.isalnum())}"


def choose(ranking: pd.DataFrame, top: int, ids: list[str]) -> pd.DataFrame:
    """The rows of these ids, else the first `top` that compete (none set aside by the profile), one of each set of duplicates.

    Raises:
        UserError: an id that is not in the ranking, or no row left to take.
    """
    if ids:
        missing = [name for name in ids if name not in set(ranking["candidate_id"])]
        if missing:
            raise UserError(f"not in the ranking: {', '.join(missing)}")
        return ranking[ranking["candidate_id"].isin(ids)]
    competing = ranking[ranking["set_aside"] == ""]
    original = competing["duplicate_of"].where(competing["duplicate_of"] != "", competing["candidate_id"])
    chosen = competing[~original.duplicated()].head(top)
    if chosen.empty:
        raise UserError("the profile set all candidates aside; name some with --ids")
    return chosen


def read_again(manifest: dict[str, Any], rows: pd.DataFrame) -> list[Chosen]:
    """The crystals of these rows, from the source that the run's manifest names.

    Raises:
        UserError: the source is gone, or no longer what it was when it was screened.
    """
    source, run = from_recipe(manifest.get("reading") or {}), manifest["id"]
    try:
        now = source.identity()
    except UserError as fault:
        raise UserError(f"the crystals of run {run} cannot be read again: {fault}; put them back, or screen again") from fault
    if now != manifest["input"]:
        raise UserError(f"{manifest['source']} has changed since run {run} screened it: screen again, then export")
    places = list(zip(rows["candidate_id"], rows["source_file"], strict=True))
    found = find_crystals(source, places)
    chosen = []
    for row, place in zip(rows.to_dict("records"), places, strict=True):
        same = [c for c in found.get(place, []) if (c.formula, c.n_sites) == (row["formula"], row["n_sites"])]
        if not same:
            raise UserError(f"{place[0]} ({row['formula']}) is no longer in {place[1]} as run {run} read it")
        chosen.append(Chosen({str(k): v for k, v in row.items()}, same[0]))
    return chosen
