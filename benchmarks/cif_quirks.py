"""What becomes of troublesome CIF files here and in pymatgen, file by file.

    python -m benchmarks.cif_quirks TABLE.parquet

TABLE has the columns `cif` and `origin_path`. Prints a table of outcomes, and every file on which the two disagree about the
sites.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.cif_compare import LOST, SECONDS_PER_FILE, difference, our_outcome, pymatgen_outcome
from benchmarks.smoke import arguments
from pipeline.ops.parallel import default_workers, map_in_order

SITE_TOLERANCE_A = 1e-2
METRIC_TOLERANCE_A2 = 1e-2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    options = arguments(parser, lambda made: [made.cif_table()])
    table = pq.read_table(options.table).to_pydict()
    texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in table["cif"]]
    ours = [our_outcome(text) for text in texts]
    theirs = list(map_in_order(pymatgen_outcome, texts, default_workers(), lambda _: LOST, SECONDS_PER_FILE))
    pairs = Counter((a[0], b[0]) for a, b in zip(ours, theirs, strict=True))
    print(f"{'ferroscreen':<22} {'pymatgen':<22} files")
    for (here, there), count in sorted(pairs.items(), key=lambda item: -item[1]):
        print(f"{here:<22} {there:<22} {count:>5}")
    print("\nread by both, other sites:")
    for name, (_, a), (_, b) in zip(table["origin_path"], ours, theirs, strict=True):
        if a is not None and b is not None and (what := difference(a, b, SITE_TOLERANCE_A, METRIC_TOLERANCE_A2)):
            print(f"  {name}: {a.formula} {a.n_sites} sites here, {b.formula} {b.n_sites} there ({what})")


if __name__ == "__main__":
    main()
