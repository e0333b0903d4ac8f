"""Comparisons of crystals that share a fingerprint, kept between screens like the predictions of crystals."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from pipeline.dedup.duplicates import match_buckets
from pipeline.dedup.matching import Bucket, Matched
from pipeline.ops.row_store import RowStore, row_keys
from pipeline.screening.kept_rows import key_prefix, today
from pipeline.screening.predicted_cells import cell_bytes


def kept_matches(
    store: RowStore | None, buckets: Sequence[Bucket], licensed: Sequence[bool], workers: int
) -> Iterator[Matched]:  # fmt: skip
    """The comparisons of buckets, in order; those that are in the file are not made again.

    Args:
        store: the file; without one, everything is compared.
        buckets: what is to be compared.
        licensed: which of them hold a licensed crystal and are never kept.
        workers: number of processes.
    """
    if store is None:
        yield from match_buckets(buckets, licensed, workers)
        return
    keys = row_keys(key_prefix("matches"), map(_bytes, buckets))
    found = store.get([key for key, secret in zip(keys, licensed, strict=True) if not secret], today())
    missing = [k for k, key in enumerate(keys) if key not in found]
    computed = match_buckets([buckets[k] for k in missing], [licensed[k] for k in missing], workers)
    new: dict[bytes, bytes] = {}
    for key, secret in zip(keys, licensed, strict=True):
        if key in found:
            yield Matched(*json.loads(found[key]))
            continue
        matched = next(computed)
        if matched.compared and not secret:
            new[key] = json.dumps([matched.first, matched.known]).encode()
        yield matched
    store.put(new, today())


def _bytes(bucket: Bucket) -> bytes:
    """The cells of both lists, in their order; each cell's bytes tell where it ends."""
    cells = (*bucket.candidates, *bucket.known)
    return len(bucket.candidates).to_bytes(4, "little") + b"".join(map(cell_bytes, cells))
