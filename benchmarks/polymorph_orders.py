"""How much the magnetic order of one crystal structure says of another structure of the same composition.

    python -m benchmarks.polymorph_orders mp_site_moments.parquet

Crystals that a calculation found to be FM, FiM or AFM, by reduced formula. Two of them are different structures if number of
sites or volume per atom differ. Every formula counts once. The share of FM or FiM among the others,
by the order of the one, is E_BY_OTHER of pipeline/magnetism/experiment.py.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.smoke import arguments
from pipeline.demos.figures import markdown

ORDERED = ("FM", "FiM", "AFM")
APART = 0.01  # of the volume per atom


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    options = arguments(parser, lambda made: [made.site_moments()])
    table = pd.read_parquet(options.table, columns=["formula", "n_sites", "volume_A3", "ordering"])
    counts = orders_of_pairs(table[table["ordering"].isin(ORDERED)])
    total = counts.to_numpy().sum()
    same = np.trace(counts.to_numpy()) / total if total else np.nan
    lines = [[str(name), *(f"{value:.1f}" for value in row), f"{row.iloc[0] / row.sum():.3f}"] for name, row in counts.iterrows()]
    print(markdown(["one \\ the other", *counts.columns, "share of FM or FiM"], lines))
    print(f"\n{total:,.0f} compositions with several structures; {same:.3f} of the pairs agree on AFM or not")


def orders_of_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """How often structures of one composition have which orders, (2, 2) over "FM or FiM" and "AFM"; a composition counts 1.

    Args:
        table: formula (reduced), n_sites, volume_A3, ordering of ORDERED.
    """
    counts = np.zeros((2, 2))
    for _, group in table.groupby("formula"):
        per_atom, sites = (group["volume_A3"] / group["n_sites"]).to_numpy(), group["n_sites"].to_numpy()
        afm = (group["ordering"] == "AFM").to_numpy(dtype=int)
        pairs = [
            (afm[a], afm[b]) for a, b in combinations(range(len(group)), 2)
            if sites[a] != sites[b] or abs(per_atom[a] / per_atom[b] - 1) > APART
        ]  # fmt: skip
        for one, other in pairs:
            counts[one, other] += 0.5 / len(pairs)
            counts[other, one] += 0.5 / len(pairs)
    names = ["FM or FiM", "AFM"]
    return pd.DataFrame(counts, index=names, columns=names)


if __name__ == "__main__":
    main()
