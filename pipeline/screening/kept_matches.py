"""Comparisons of crystals that share a fingerprint, kept between screens like the predictions of crystals.

The result for a whole bucket is kept, and for each cell what StructureMatcher said of it and others of its bucket: where one
crystal of forty has changed, only that one is compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pipeline.dedup.duplicates import match_buckets
from pipeline.dedup.matching import Bucket, Matched
from pipeline.ops.row_store import RowStore, row_keys
from pipeline.screening.kept_rows import key_prefix, today
from pipeline.screening.predicted_cells import cell_bytes

_NAME_BYTES = 16  # of a hash that stands for a cell
_FEWEST = 4  # crystals of a bucket whose single comparisons are kept; those of a smaller one are soon made again


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
    secrets = [licensed[k] for k in missing]
    computed = match_buckets(_with_fits([buckets[k] for k in missing], secrets, store), secrets, workers)
    new: dict[bytes, bytes] = {}
    for bucket, key, secret in zip(buckets, keys, licensed, strict=True):
        if key in found:
            yield Matched(*json.loads(found[key]))
            continue
        matched = next(computed)
        if matched.compared and not secret:
            new[key] = json.dumps([matched.first, matched.known]).encode()
            new.update(_fits_rows(bucket, matched))
        yield matched
    store.put(new, today())


def _bytes(bucket: Bucket) -> bytes:
    """The cells of both lists, in their order; each cell's bytes tell where it ends."""
    cells = (*bucket.candidates, *bucket.known)
    return len(bucket.candidates).to_bytes(4, "little") + b"".join(map(cell_bytes, cells))


def _keeps_fits(bucket: Bucket) -> bool:
    return len(bucket.candidates) + len(bucket.known) >= _FEWEST


def _names(bucket: Bucket) -> list[bytes]:
    return [hashlib.blake2b(cell_bytes(c), digest_size=_NAME_BYTES).digest() for c in (*bucket.candidates, *bucket.known)]


def _with_fits(buckets: Sequence[Bucket], licensed: Sequence[bool], store: RowStore) -> list[Bucket]:
    """The buckets with what StructureMatcher said before of pairs of their cells."""
    names = [
        _names(bucket) if _keeps_fits(bucket) and not secret else [] for bucket, secret in zip(buckets, licensed, strict=True)
    ]
    prefix = key_prefix("fits")
    keys = [row_keys(prefix, of_bucket) for of_bucket in names]
    rows = store.get([key for of_bucket in keys for key in of_bucket], today())
    return [
        replace(bucket, fits=_fits(of_bucket, [rows.get(key, b"") for key in theirs]))
        for bucket, of_bucket, theirs in zip(buckets, names, keys, strict=True)
    ]


def _fits(names: list[bytes], rows: list[bytes]) -> dict[tuple[int, int], bool]:
    """The pairs of rows by the places of their cells; of cells that are not in the bucket any more nothing is needed."""
    place = {name: k for k, name in enumerate(names)}
    return {
        (j, place[name]): bool(row[start + _NAME_BYTES])
        for j, row in enumerate(rows)
        for start in range(0, len(row), _NAME_BYTES + 1)
        if (name := row[start : start + _NAME_BYTES]) in place
    }


def _fits_rows(bucket: Bucket, matched: Matched) -> dict[bytes, bytes]:
    """A row for each cell that was the first of a pair: of each such pair the second cell's name, and 1 for yes or 0 for no."""
    if not matched.fits or not _keeps_fits(bucket):  # most buckets need no StructureMatcher
        return {}
    names, rows = _names(bucket), dict[int, bytearray]()
    for (j, other), said in sorted(matched.fits.items()):
        rows.setdefault(j, bytearray()).extend((*names[other], said))
    return dict(zip(row_keys(key_prefix("fits"), [names[j] for j in rows]), map(bytes, rows.values()), strict=True))
