"""Finds duplicates among candidates, and candidates whose moment is known, as columns of the ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.symmetry import SymmetricCell
from pipeline.dedup.known import Known
from pipeline.dedup.matching import Bucket, Matched, match_bucket, nothing_matched
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Tick

SECONDS_PER_BUCKET = 120.0  # most take milliseconds; slower ones are not compared, but counted
Match = Callable[[Sequence[Bucket], Sequence[bool], int], Iterator[Matched]]  # buckets, which hold a licensed crystal, workers


@dataclass(frozen=True)
class Duplicates:
    """The columns duplicate_of, known_id, known_moment (µB/atom) and known_provenance, one row per candidate."""

    columns: pd.DataFrame
    not_compared: int  # candidates whose comparison failed or took too long


def match_buckets(buckets: Sequence[Bucket], licensed: Sequence[bool], workers: int) -> Iterator[Matched]:
    """The comparisons of buckets, in order, in worker processes; whether they are licensed does not matter here."""
    return map_in_order(match_bucket, buckets, min(workers, len(buckets)), nothing_matched, SECONDS_PER_BUCKET)


def find_duplicates(
    candidates: pd.DataFrame, take: Callable[[list[int]], list[SymmetricCell]], known: Known, workers: int, tick: Tick,
    match: Match = match_buckets,
) -> Duplicates:  # fmt: skip
    """Compare all crystals that share a fingerprint.

    Of equal candidates, the one whose (id, source file) comes first in alphabetical order is the original. The result therefore
    depends neither on the model nor on the order of reading.

    Args:
        candidates: candidate_id, source_file, fingerprint and, where there is one, licensed; the index is 0, 1, 2 ...
        take: returns the primitive cells of rows.
        known: crystals with a known moment.
        workers: number of processes.
        tick: called with the number of candidates done since its last call.
        match: compares the crystals of buckets.
    """
    known_of = defaultdict(list)
    for place, key in enumerate(known.fingerprints):
        known_of[key].append(place)
    ordered = candidates.sort_values(["candidate_id", "source_file"], kind="stable")
    alike = defaultdict(list)
    for row, key in zip(ordered.index.to_list(), ordered["fingerprint"].to_list(), strict=True):
        alike[key].append(row)
    groups = [(rows, known_of.get(key, [])) for key, rows in sorted(alike.items()) if len(rows) > 1 or key in known_of]
    tick(len(candidates) - sum(len(rows) for rows, _ in groups))
    wanted = [row for rows, _ in groups for row in rows]
    cells = dict(zip(wanted, take(wanted), strict=True))
    buckets = [Bucket([cells[row] for row in rows], [known.cells[place] for place in places]) for rows, places in groups]
    secret = candidates["licensed"].to_numpy(bool) if "licensed" in candidates else np.zeros(len(candidates), bool)
    licensed = [bool(secret[rows].any()) for rows, _ in groups]
    ids = candidates["candidate_id"].to_numpy()
    original, known_id, provenance = (np.full(len(candidates), "", dtype=object) for _ in range(3))
    moment, not_compared = np.full(len(candidates), np.nan), 0
    for (rows, places), matched in zip(groups, match(buckets, licensed, workers), strict=True):
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
