"""Which rows of two rankings are one candidate."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd

from pipeline.screening.identity import same_candidate


def common_key(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.Series[str], pd.Series[str]]:
    """A key for each row of two rankings: equal, and unique in each, where both have the same candidate.

    Rows are paired by (id, source file), then by ids of which one is the longer form of the other in the same file (see
    `same_candidate`), then by id alone where each ranking has it once among what is left: a file may have been moved or renamed.
    """
    one, other = (list(zip(table["candidate_id"], table["source_file"], strict=True)) for table in (old, new))
    partner: dict[int, int] = {}
    free = _exactly(one, other, partner)
    formulas = tuple(table["formula"].to_list() for table in (old, new))
    free = _by_name(one, other, partner, free, formulas[0], formulas[1])
    _by_id(one, other, partner, free)
    keys = [f"old {k}" for k in range(len(other))]
    for mine, theirs in partner.items():
        keys[theirs] = f"both {mine}"
    return (
        pd.Series([f"both {k}" if k in partner else f"gone {k}" for k in range(len(one))], index=old.index, dtype=object),
        pd.Series([key.replace("old", "new", 1) for key in keys], index=new.index, dtype=object),
    )


Names = list[tuple[str, str]]
Free = tuple[list[int], list[int]]


def _exactly(one: Names, other: Names, partner: dict[int, int]) -> Free:
    """The k-th bearer of a pair with the k-th."""
    waiting = defaultdict(list)
    for k, name in enumerate(other):
        waiting[name].append(k)
    for k, name in enumerate(one):
        if waiting[name]:
            partner[k] = waiting[name].pop(0)
    taken = set(partner.values())
    return [k for k in range(len(one)) if k not in partner], [k for k in range(len(other)) if k not in taken]


def _by_name(one: Names, other: Names, partner: dict[int, int], free: Free, mine: list[str], theirs: list[str]) -> Free:
    """One form of a name with the other, where that is the only way to pair them; in another folder it must be of one formula."""

    def _fit(k: int, j: int) -> bool:
        return (one[k][1] == other[j][1] or mine[k] == theirs[j]) and same_candidate(one[k], other[j])

    waiting = defaultdict(list)
    for k in free[1]:
        waiting[_last(other[k][1])].append(k)
    fits = {k: [j for j in waiting[_last(one[k][1])] if _fit(k, j)] for k in free[0]}
    for file_first in (True, False):  # of several, the one in the very same file
        wanted: dict[int, list[int]] = defaultdict(list)
        for k, places in fits.items():
            for j in places:
                if not file_first or one[k][1] == other[j][1]:
                    wanted[j].append(k)
        chosen = [(k, j) for j, bearers in wanted.items() if len(bearers) == 1 for k in bearers]
        counts: dict[int, int] = defaultdict(int)
        for k, _ in chosen:
            counts[k] += 1
        paired = {k: j for k, j in chosen if counts[k] == 1}
        partner |= paired
        taken = set(paired.values())
        fits = {k: [j for j in places if j not in taken] for k, places in fits.items() if k not in paired}
    taken = set(partner.values())
    return [k for k in free[0] if k not in partner], [k for k in free[1] if k not in taken]


def _by_id(one: Names, other: Names, partner: dict[int, int], free: Free) -> None:
    first: dict[str, list[int]] = defaultdict(list)
    second: dict[str, list[int]] = defaultdict(list)
    for names, places, found in ((one, free[0], first), (other, free[1], second)):
        for k in places:
            found[names[k][0]].append(k)
    for name, places in first.items():
        if len(places) == 1 and len(second.get(name, [])) == 1:
            partner[places[0]] = second[name][0]


def _last(path: str) -> str:
    return path.rpartition("/")[2]
