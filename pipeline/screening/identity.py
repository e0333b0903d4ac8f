"""One id a candidate: what happens where two crystals of a screen call themselves alike.

A file without a database code is known by its path, so that this concerns codes that two files state, tables that repeat an id,
folders of several paths on one command line, and files that differ in their ending only. All bearers of a repeated id are named
with their file: `12345 in A/12345.cif`; what a file holds twice is counted: `12345 (2)`, or `12345 (02)` where
another crystal is called `12345 (2)` itself. `original_ids` undoes all of this.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_COUNTED = re.compile(r" \((\d+)\)$")


def distinct_ids(predictions: pd.DataFrame, rejected: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables of a screen (candidate_id, source_file ...) with ids that stand for one crystal each.

    Rejections keep one id for one file, since their table names the block.
    """
    filled = [frame for frame in (predictions, rejected) if len(frame)]
    if not filled:  # a source may hold nothing, such as a fetch that found no crystal
        return predictions, rejected
    both = pd.concat([frame[["candidate_id", "source_file"]] for frame in filled])
    files = both.drop_duplicates().groupby("candidate_id")["source_file"].size()
    shared = frozenset(files[files > 1].index)
    found = []
    for frame in (predictions, rejected):
        if len(frame):
            repeated = frame["candidate_id"].isin(shared)
            named = frame["candidate_id"].where(~repeated, frame["candidate_id"] + " in " + frame["source_file"])
            frame = frame.assign(candidate_id=named)
        found.append(frame)
    return _counted(*found), found[1]


def _counted(table: pd.DataFrame, rejected: pd.DataFrame) -> pd.DataFrame:
    if table.empty:
        return table
    copy = table.groupby("candidate_id").cumcount().to_numpy()
    ids = table["candidate_id"].to_numpy(dtype=object).copy()
    again = np.flatnonzero(copy)
    taken = {*ids, *(rejected["candidate_id"] if len(rejected) else ())} if len(again) else set()
    for k in again:
        ids[k] = _free(ids[k], str(copy[k] + 1), taken)
        taken.add(ids[k])
    return table.assign(candidate_id=ids)


def _free(name: str, count: str, taken: set[str]) -> str:
    """The name with its count, which zeros lengthen until no crystal is called so; a higher count would name another bearer."""
    while (counted := f"{name} ({count})") in taken:
        count = f"0{count}"
    return counted


def original_ids(identifier: str, source_file: str) -> list[tuple[str, int]]:
    """What the source may call a candidate, and which of its bearers in that file it is (from 0); the likeliest first."""
    counted = _COUNTED.search(identifier)
    found = [(identifier, 0)]
    if counted:
        found.append((identifier[: counted.start()], int(counted[1]) - 1))
    suffix = f" in {source_file}"
    return [*found, *((name.removesuffix(suffix), k) for name, k in found if name.endswith(suffix))]


def same_candidate(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two pairs of (id, source file) of two screens can mean one candidate, though the ids differ.

    So it is where one id is the other with more of its path or with its file: earlier versions knew a candidate by its file's
    stem alone, an id gets its file where another crystal bears it, and a path is longer where a folder above was screened.
    """
    return _further(one[1], other[1]) and any(_further(a, b) for a, _ in original_ids(*one) for b, _ in original_ids(*other))


def _further(one: str, other: str) -> bool:
    return one == other or one.endswith(f"/{other}") or other.endswith(f"/{one}")
