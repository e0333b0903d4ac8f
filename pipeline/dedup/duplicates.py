"""Finds duplicates among candidates, and candidates whose moment is known, as columns of the ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import numpy as np
import pandas as pd

from data.symmetry import SymmetricCell
from pipeline.dedup.fingerprint import site_kinds
from pipeline.dedup.known import Known
from pipeline.dedup.matching import Bucket, Matched, match_bucket, nothing_matched
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Tick

SECONDS_PER_BUCKET = 120.0  # most take milliseconds; slower ones are not compared, but counted
CRYSTALS_AT_ONCE = 64  # go to a worker together, since a small bucket takes less time than its way there
ROWS_AT_ONCE = 16_384  # candidates whose cells are in memory together
T = TypeVar("T")
Match = Callable[[Sequence[Bucket], Sequence[bool], int], Iterator[Matched]]  # buckets, which hold a licensed crystal, workers


@dataclass(frozen=True)
class Duplicates:
    """The columns duplicate_of, known_id, known_moment (µB/atom) and known_provenance, one row per candidate."""

    columns: pd.DataFrame
    not_compared: int  # candidates whose comparison failed or took too long


def match_buckets(buckets: Sequence[Bucket], licensed: Sequence[bool], workers: int) -> Iterator[Matched]:
    """The comparisons of buckets, in order, in worker processes; whether they are licensed does not matter here."""
    batches = list(_cut(buckets, CRYSTALS_AT_ONCE, lambda bucket: len(bucket.candidates) + len(bucket.known)))
    for matched in map_in_order(
        partial(_match_each, match_bucket), batches, min(workers, len(batches)), _match_apart, SECONDS_PER_BUCKET
    ):
        yield from matched


def _match_each(match: Callable[[Bucket], Matched], batch: list[Bucket]) -> list[Matched]:
    return [match(bucket) for bucket in batch]


def _match_apart(batch: list[Bucket]) -> list[Matched]:
    """The comparisons of a batch whose worker died or took too long: without the bucket that did it."""
    if len(batch) == 1:
        return [nothing_matched(batch[0])]
    return list(map_in_order(match_bucket, batch, 1, nothing_matched, SECONDS_PER_BUCKET))


def _cut(items: Iterable[T], most: int, size: Callable[[T], int]) -> Iterator[list[T]]:
    """Consecutive items in lists of at most `most` in total size; a larger item comes by itself."""
    part, total = list[T](), 0
    for item in items:
        if part and total + size(item) > most:
            yield part
            part, total = [], 0
        part.append(item)
        total += size(item)
    if part:
        yield part


def _told_apart(cell: SymmetricCell, key: str) -> SymmetricCell:
    """The cell with a number for each kind of site in place of the atomic numbers, if these do not tell its sites apart."""
    kinds = site_kinds(cell, key)
    return cell if kinds is cell.numbers else replace(cell, numbers=kinds)


def find_duplicates(
    candidates: pd.DataFrame, take: Callable[[list[int]], Sequence[SymmetricCell]], known: Known, workers: int, tick: Tick,
    match: Match = match_buckets,
) -> Duplicates:  # fmt: skip
    """Compare all crystals that share a fingerprint.

    Of equal candidates, the one whose (id, source file) comes first in alphabetical order is the original. The result therefore
    depends neither on the model nor on the order of reading.

    Args:
        candidates: candidate_id, source_file, fingerprint and, where there is one, licensed; the index is 0, 1, 2 ...
        take: returns the primitive cells of rows; each is asked for once.
        known: crystals with a known moment.
        workers: number of processes.
        tick: called with the number of candidates done since its last call.
        match: compares the crystals of buckets.
    """
    known_of = defaultdict(list)
    for place, key in enumerate(known.fingerprints):
        known_of[key].append(place)
    ordered = candidates[["candidate_id", "source_file"]].sort_values(["candidate_id", "source_file"], kind="stable").index
    alike = defaultdict(list)
    for row, key in zip(ordered.to_list(), candidates["fingerprint"].loc[ordered].to_list(), strict=True):
        alike[key].append(row)
    groups = [(key, rows, known_of.get(key, [])) for key, rows in sorted(alike.items()) if len(rows) > 1 or key in known_of]
    tick(len(candidates) - sum(len(rows) for _, rows, _ in groups))
    cells = iter(take([row for _, rows, _ in groups for row in rows]))
    secret = candidates["licensed"].to_numpy(bool) if "licensed" in candidates else np.zeros(len(candidates), bool)
    ids = candidates["candidate_id"].to_numpy()
    original, known_id, provenance = (np.full(len(candidates), "", dtype=object) for _ in range(3))
    moment, not_compared = np.full(len(candidates), np.nan), 0
    for part in _cut(groups, ROWS_AT_ONCE, lambda group: len(group[1])):
        buckets = [
            Bucket([_told_apart(next(cells), key) for _ in rows], [known.cells[place] for place in places])
            for key, rows, places in part
        ]
        licensed = [bool(secret[rows].any()) for _, rows, _ in part]
        for (_, rows, places), matched in zip(part, match(buckets, licensed, workers), strict=True):
            for row, first, equal in zip(rows, matched.first, matched.known, strict=True):
                if first is not None:
                    original[row] = ids[rows[first]]
                if equal is not None:
                    place = places[equal]
                    known_id[row], moment[row], provenance[row] = known.ids[place], known.moments[place], known.provenances[place]
            not_compared += 0 if matched.compared else len(rows)
            tick(len(rows))
    columns = {"duplicate_of": original, "known_id": known_id, "known_moment": moment, "known_provenance": provenance}
    return Duplicates(pd.DataFrame(columns, index=candidates.index), not_compared)
