"""De-duplication: how many crystals a minute, and whether planted duplicates are found.

    python -m benchmarks.dedup CANDIDATES.parquet KNOWN.parquet [--workers 2]

Two runs. "as they are": the candidates against themselves and against the labelled table. "planted": the same candidates, each
with a copy that was rotated, moved to another origin, doubled, re-ordered and scaled by 2 % in length; and the labelled table's
first rows as further candidates, so that all crystals have a partner. Timed is what a screen adds to its predictions:
fingerprints, known crystals of the same formulas symmetrised, comparisons. Reading CIF and symmetrising the candidates is not
timed: a screen does it anyway.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.smoke import arguments
from data.crystal import Crystal
from data.snapshot import Snapshot, publish_snapshot
from data.sources import Record
from data.sources.parquet import ParquetSource
from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup.duplicates import Duplicates, find_duplicates
from pipeline.dedup.fingerprint import fingerprint
from pipeline.dedup.known import known_crystals

SYMPREC_A = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("candidates", type=Path)
    parser.add_argument("known", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    options = arguments(parser, lambda made: [made.candidates(), made.magnets(), "--workers", 1])
    crystals = read(options.candidates)
    with tempfile.TemporaryDirectory() as folder:
        snapshot = publish_snapshot(Path(folder), ParquetSource(options.known, labelled=True))
        measure("as they are", crystals, snapshot, options.workers)
        copies = [copied(crystal, k) for k, crystal in enumerate(crystals)]
        first = [replace(c, id=f"known {c.id}") for c in snapshot.crystals(0, len(crystals))]
        found, rows = measure("planted", [*crystals, *copies, *first], snapshot, options.workers)
    together = found.columns.assign(candidate_id=rows["candidate_id"]).set_index("candidate_id")
    original = together["duplicate_of"].where(together["duplicate_of"] != "", together.index)
    pairs = sum(original[c.id] == original[f"copy {c.id}"] for c in crystals)
    partner = together["known_id"]
    known = sum(f"known {partner[c.id]}" == c.id for c in first)
    marked = sum(partner[c.id] != "" for c in first)
    print(f"planted copies found: {pairs} of {len(crystals)}")
    print(f"labelled rows found: {marked} of {len(first)}, {known} of them by their own id")


def read(path: Path) -> list[Crystal]:
    """The crystals of a table."""
    source = ParquetSource(path, labelled=False)
    records = [item for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    return [record.crystal for record in records if isinstance(record.crystal, Crystal)]


def copied(crystal: Crystal, seed: int) -> Crystal:
    """The same crystal, described otherwise."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(3, 3)))[0]
    frac = np.concatenate([crystal.frac, crystal.frac + np.array([0, 0, 1])]) / [1, 1, 2] + random.uniform(size=3)
    order = random.permutation(len(frac))
    lattice = crystal.lattice * np.array([[1], [1], [2]]) @ turn * 1.02
    return Crystal(f"copy {crystal.id}", lattice, frac[order], np.tile(crystal.numbers, 2)[order])


def measure(title: str, crystals: list[Crystal], snapshot: Snapshot, workers: int) -> tuple[Duplicates, pd.DataFrame]:
    cells = [symmetrise(crystal, SYMPREC_A) for crystal in crystals]
    formulas = [crystal.formula for crystal in crystals]
    started = time.perf_counter()
    rows = pd.DataFrame({"candidate_id": [c.id for c in crystals], "source_file": "", "formula": formulas})
    rows = rows.assign(fingerprint=[fingerprint(cell) for cell in cells])
    marked = time.perf_counter()
    known = known_crystals(snapshot, rows["formula"], SYMPREC_A, workers)
    looked = time.perf_counter()

    def take(wanted: list[int]) -> list[SymmetricCell]:
        return [cells[k] for k in wanted]

    found = find_duplicates(rows, take, known, workers, lambda n: None)
    ended = time.perf_counter()
    columns = found.columns
    print(
        f"{title}: {len(crystals)} crystals in {ended - started:.1f} s with {workers} workers "
        f"= {60 * len(crystals) / (ended - started):,.0f} a minute (fingerprints {marked - started:.1f} s, "
        f"{len(known.ids)} known of the same formulas {looked - marked:.1f} s, comparing {ended - looked:.1f} s); "
        f"{(columns['duplicate_of'] != '').sum()} duplicates, {(columns['known_id'] != '').sum()} known, "
        f"{found.not_compared} not compared"
    )
    return found, rows


if __name__ == "__main__":
    main()
