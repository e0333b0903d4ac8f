"""Real crystals written by pymatgen with their symmetry operations: our reader beside pymatgen's, file by file.

    python -m benchmarks.cif_symmetrised TABLE.parquet [--crystals N]

TABLE has a column `cif`; N rows are taken evenly through it, all of them by default. Prints how many files both read alike, and
every other file with the explanation of the difference. The exit code is 1 where a difference has none.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from rich.progress import track

from benchmarks.cif_compare import (
    SECONDS_PER_FILE,
    difference,
    foreign_translation,
    has_stated_formula,
    our_outcome,
    pymatgen_outcome,
)
from benchmarks.smoke import arguments
from pipeline.ops.parallel import default_workers, map_in_order

SYMPREC_A = 0.01
SAME = "the same crystal"
TRANSLATION = "the writer gave an operation a translation that no space group has; turned away as unknown_symmetry"
APART = "the writer left a site beside its special position; pymatgen counts its images several times, ours are the formula's"
UNWRITTEN = "pymatgen could not write the file"
LOST = "died or hung"
UNEXPLAINED = "UNEXPLAINED"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--crystals", type=int)
    options = arguments(parser, lambda made: [made.candidates(), "--crystals", 6])
    texts = pq.read_table(options.table, columns=["cif"])["cif"].to_pylist()
    rows = np.unique(np.linspace(0, len(texts) - 1, min(options.crystals or len(texts), len(texts))).astype(int)).tolist()
    found = map_in_order(
        compare_row, [texts[row] for row in rows], default_workers(), lambda _: (LOST, "", ""), timeout_s=SECONDS_PER_FILE
    )
    kinds: Counter[str] = Counter()
    others = []
    for row, (kind, here, there) in zip(rows, track(found, total=len(rows), description="comparing"), strict=True):
        kinds[kind] += 1
        if kind != SAME:
            others.append(f"row {row}: {here} here, {there} in pymatgen: {kind}")
    for kind, count in kinds.most_common():
        print(f"{count:>7}  {kind}")
    print("\n".join(others))
    sys.exit(1 if kinds[UNEXPLAINED] or kinds[LOST] else 0)


def compare_row(text: str) -> tuple[str, str, str]:
    """(SAME or why not, what came out here, and in pymatgen) for one crystal, symmetrised."""
    written = symmetrised_cif(text)
    return compare(written) if written else (UNWRITTEN, "", "")


def symmetrised_cif(text: str) -> str:
    """The crystal of a CIF text again, as an asymmetric unit with symmetry operations; empty where pymatgen fails at that."""
    from pymatgen.core import Structure
    from pymatgen.io.cif import CifWriter

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return str(CifWriter(Structure.from_str(text, fmt="cif"), symprec=SYMPREC_A))
        except Exception:
            return ""


def compare(written: str) -> tuple[str, str, str]:
    """(SAME or why not, what came out here, and in pymatgen) for one symmetrised file."""
    (here, ours), (there, theirs) = our_outcome(written), pymatgen_outcome(written)
    if ours is None:
        explained = here == "unknown_symmetry" and bool(foreign_translation(written))
        return (TRANSLATION if explained else UNEXPLAINED), here, there
    if theirs is None:
        return UNEXPLAINED, here, there
    differs = difference(ours, theirs)
    counts = f"{ours.formula}, {ours.n_sites} sites", f"{theirs.formula}, {theirs.n_sites} sites"
    if not differs:
        return SAME, *counts
    explained = differs == "elements" and has_stated_formula(written, ours) and not has_stated_formula(written, theirs)
    return (APART if explained else UNEXPLAINED), *counts


if __name__ == "__main__":
    main()
