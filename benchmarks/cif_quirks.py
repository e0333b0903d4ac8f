"""What becomes of troublesome CIF files here and in pymatgen, file by file.

    python -m benchmarks.cif_quirks TABLE.parquet

TABLE has the columns `cif` and `origin_path`. Prints a table of outcomes, and every file on which the two disagree about the
sites.
"""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from data.cif import read_cif
from data.crystal import Crystal
from pipeline.parallel import default_workers, map_in_order

SECONDS_PER_FILE = 60.0


def main() -> None:
    table = pq.read_table(Path(sys.argv[1])).to_pydict()
    texts = [t.decode("utf-8", "replace") if isinstance(t, bytes) else t for t in table["cif"]]
    ours = [outcome(text) for text in texts]
    theirs = list(map_in_order(pymatgen_outcome, texts, default_workers(), lambda text: ("died or hung", None), SECONDS_PER_FILE))
    pairs = Counter((a[0], b[0]) for a, b in zip(ours, theirs, strict=True))
    print(f"{'ferroscreen':<22} {'pymatgen':<22} files")
    for (here, there), count in sorted(pairs.items(), key=lambda item: -item[1]):
        print(f"{here:<22} {there:<22} {count:>5}")
    print("\nread by both, other sites:")
    for name, a, b in zip(table["origin_path"], ours, theirs, strict=True):
        if a[1] is not None and b[1] is not None and not same_crystal(a[1], b[1]):
            print(f"  {name}: {a[1].formula} {a[1].n_sites} sites here, {b[1].formula} {b[1].n_sites} there")


def outcome(text: str) -> tuple[str, Crystal | None]:
    """The fate of the file's first crystal, or the reason of its first rejection."""
    items = list(read_cif(text, "file", "x"))
    crystals = [item for item in items if isinstance(item, Crystal)]
    return ("crystal", crystals[0]) if crystals else (items[0].reason.value, None)  # type: ignore[union-attr]


def pymatgen_outcome(text: str) -> tuple[str, Crystal | None]:
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            structure = CifParser.from_str(text).parse_structures(primitive=False)[0]
        except Exception as fault:
            return type(fault).__name__, None
    if not structure.is_ordered:
        return "disordered structure", None
    try:
        return "crystal", Crystal.from_pymatgen(structure, "x")
    except Exception as fault:
        return f"crystal, then {type(fault).__name__}", None


def same_crystal(a: Crystal, b: Crystal) -> bool:
    """Same cell, and the same elements on the same places (0.01 Å)."""
    if a.n_sites != b.n_sites or not np.allclose(np.sort(a.numbers), np.sort(b.numbers)) or abs(a.volume / b.volume - 1) > 1e-3:
        return False
    difference = a.frac[:, None] - b.frac[None]
    difference -= np.rint(difference)
    near = (np.linalg.norm(difference @ a.lattice, axis=2) < 1e-2) & (a.numbers[:, None] == b.numbers[None])
    return bool((near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all())


if __name__ == "__main__":
    main()
