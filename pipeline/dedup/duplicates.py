"""Finds duplicates among candidates, and candidates whose moment is known, as columns of the ranking."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from data.symmetry import SymmetricCell
from pipeline.dedup.known import Known
from pipeline.dedup.matching import Bucket, match_bucket, nothing_matched
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Tick

SECONDS_PER_BUCKET = 120.0  # most take milliseconds; slower ones are not compared, but counted


@dataclass(frozen=True)
class Duplicates:
    """The columns duplicate_of, known_id, known_moment (µB/atom) and known_provenance, one row per candidate."""

    columns: pd.DataFrame
    not_compared: int  # candidates whose comparison failed or took too long


def find_duplicates(
    candidates: pd.DataFrame, take: Callable[[list[int]], list[SymmetricCell]], known: Known, workers: int, tick: Tick
) -> Duplicates:
    """Compare all crystals that share a fingerprint.

    Of equal candidates, the one whose (id, source file) comes first in alphabetical order is the original. The result therefore
    depends neither on the model nor on the order of reading.

    Args:
        candidates: candidate_id, source_file and fingerprint; the index is 0, 1, 2 ...
        take: returns the primitive cells of rows.
        known: crystals with a known moment.
        workers: number of processes.
        tick: called with the number of candidates done since its last call.
    """
    known_of = defaultdict(list)
    for place, key in enumerate(known.fingerprints):
        known_of[key].append(place)
    ordered = candidates.sort_values(["candidate_id", "source_file"], kind="stable")
    groups = [
        (rows.index.to_list(), known_of.get(str(key), []))
        for key, rows in ordered.groupby("fingerprint", sort=True)
        if len(rows) > 1 or key in known_of
    ]
    tick(len(candidates) - sum(len(rows) for rows, _ in groups))
    wanted = [row for rows, _ in groups for row in rows]
    cells = dict(zip(wanted, take(wanted), strict=True))
    buckets = (Bucket([cells[row] for row in rows], [known.cells[place] for place in places]) for rows, places in groups)
    ids = candidates["candidate_id"].to_numpy()
    original, known_id, provenance = (np.full(len(candidates), "", dtype=object) for _ in range(3))
    moment, not_compared = np.full(len(candidates), np.nan), 0
    found = map_in_order(match_bucket, buckets, min(workers, len(groups)), nothing_matched, SECONDS_PER_BUCKET)
    for (rows, places), matched in zip(groups, found, strict=True):
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
