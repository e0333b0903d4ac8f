"""Site moments of CHGNet (Deng et al., Nature Machine Intelligence 5, 1031, 2023), a column beside those of measured_moments.

    pip install chgnet nvidia-ml-py3      # the wheel holds the weights; it is no dependency of this project
    python -m benchmarks.chgnet_moments ../shared/data [--smoke]

CHGNet learned the sizes of site moments of calculations of the Materials Project, without signs. Their sum over the sites is what
it says of a net moment. Rows, classes and other columns are those of benchmarks.measured_moments; antiferromagnets are left out.
"""

from __future__ import annotations

import argparse
import importlib.util
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.measured_moments import CLASSES, compare, kind_of, papers, read, solved, with_orders
from benchmarks.smoke import arguments
from data.crystal import Crystal

LARGEST = 120  # sites; larger cells take seconds each


def sums(cifs: pd.Series) -> pd.Series:
    """µB/atom: the sum of CHGNet's site moments of each CIF text; NaN where it takes none or the cell is too large."""
    from chgnet.model import CHGNet

    model = CHGNet.load(use_device="cpu", verbose=False)
    crystals, kept = read(cifs)
    found = np.full(len(cifs), np.nan)
    for row, crystal in zip(kept, crystals, strict=True):
        if crystal.n_sites <= LARGEST:
            found[row] = _sum(model, crystal)
    return pd.Series(found, cifs.index)


def _sum(model: Any, crystal: Crystal) -> float:
    try:
        said = model.predict_structure(crystal.to_pymatgen(), task="em")
    except (ValueError, KeyError, IndexError):  # an isolated atom, or an element that it does not know
        return float("nan")
    return float(np.abs(said["m"]).mean())


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = arguments(parser, lambda made: [made.measured()])
    missing = [name for name in ("chgnet", "nvidia_smi") if importlib.util.find_spec(name) is None]
    if missing:
        print(f"skipped: no {' and no '.join(missing)} here (pip install chgnet nvidia-ml-py3)")
        return
    warnings.filterwarnings("ignore")
    columns = {
        "moment_if_fm_or_fim": "given FM or FiM", "moment_muB_per_atom": "DFT forecast", "chgnet": "CHGNet, sum of sizes",
    }  # fmt: skip
    of_papers = with_chgnet(papers(options.data, keep_cif=True))
    kinds = of_papers.apply(kind_of, axis=1)
    print("## Papers\n\n" + compare(of_papers, {kind: kinds == kind for kind in CLASSES}, columns))
    structures = solved(options.data, keep_cif=True)
    structures = with_chgnet(structures[~structures["order"].eq("AFM") & structures["sensible"]].reset_index(drop=True))
    groups = {kind: structures["order"].eq(kind) for kind in ("FM", "FiM/canted")}
    print("\n## Solved structures\n\n" + compare(structures, groups, columns))


def with_chgnet(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of which CHGNet says a moment, with `chgnet` and the columns of a ranking."""
    rows = rows.assign(chgnet=sums(rows["cif"]))
    print(f"{int(rows['chgnet'].isna().sum())} of {len(rows)} rows without a moment of CHGNet\n")
    return with_orders(rows[rows["chgnet"].notna()].reset_index(drop=True))


if __name__ == "__main__":
    main()
