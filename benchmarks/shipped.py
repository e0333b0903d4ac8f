"""How good a published ensemble is on its test rows, against its members and by source of the label.

    python -m benchmarks.shipped HOME/models/ID ../shared/data/mp_magnets.parquet

Reads the held-out predictions that training has left; nothing is trained or chosen here. Confidence intervals are a paired
bootstrap over chemical systems.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import spearmanr

from benchmarks.smoke import arguments
from data.labels import MAGNETIC_THRESHOLD
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.evaluation.metrics import coverage_by_bin, regression_metrics
from pipeline.registry.ensemble import Ensemble

FIGURES = ["n", "MAE", "magnetic", "R²", "AUROC", "precision", "held", "of magnetic", "held by predicted moment"]
_FACTS = ["material_id", "icsd", "label_tier", "suspect_false_nm"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("table", type=Path)
    options = arguments(parser, lambda made: [made.model(), made.magnets()])
    model = Ensemble(options.model)
    rows = model.held_out()
    facts = pq.read_table(options.table, columns=_FACTS).to_pandas().drop_duplicates("material_id")
    rows = rows.merge(facts, on="material_id", how="left", validate="many_to_one")
    print(members(rows, {m["name"]: m["weight"] for m in model.manifest["members"]}))
    print("\n" + subsets(rows))
    print("\n" + disagreement(rows))


def members(rows: pd.DataFrame, weights: dict[str, float]) -> str:
    """Each member beside the ensemble, and what the ensemble gains on it."""
    truth, said = (rows[name].to_numpy(np.float64) for name in ("moment_dft", "moment_muB_per_atom"))
    magnetic = truth > MAGNETIC_THRESHOLD
    error = np.abs(said - truth)
    body = [["**ensemble**", "", f"{error.mean():.4f}", f"{error[magnetic].mean():.4f}", "", ""]]
    names = [*weights, "plain mean", "median of the members"]
    of_members = np.stack([rows[f"member_{name}"].to_numpy(np.float64) for name in weights])
    for name, moment in zip(names, [*of_members, of_members.mean(axis=0), np.median(of_members, axis=0)], strict=True):
        other = np.abs(moment - truth)
        gain = cluster_bootstrap(other - error, rows["chemsys"].to_list())
        strong = cluster_bootstrap((other - error)[magnetic], rows["chemsys"][magnetic].to_list())
        share = f"{weights[name]:.2f}" if name in weights else ""
        body.append([name, share, f"{other.mean():.4f}", f"{other[magnetic].mean():.4f}", gain.text(), strong.text()])
    head = ["test rows, µB/atom", "weight", "MAE", "MAE, magnetic", "ensemble's gain [95 %]", "on magnetic rows [95 %]"]
    return markdown(head, body)


def subsets(rows: pd.DataFrame) -> str:
    """All rows, those that ICSD knows, those whose sources agree, and those that the table itself does not suspect."""
    parts = {
        "all": np.ones(len(rows), dtype=bool),
        "ICSD-flagged": rows["icsd"].eq(True).to_numpy(),
        "two sources agree, or nothing magnetic": (rows["label_tier"] == "A").to_numpy(),
        "one source": (rows["label_tier"] == "B").to_numpy(),
        "not suspected to be a false zero": rows["suspect_false_nm"].ne(True).to_numpy(),
    }
    body = [figures(name, rows[here]) for name, here in parts.items()]
    return markdown(["test rows", *FIGURES], body)


def figures(name: str, rows: pd.DataFrame) -> list[str]:
    """The cells of one line: errors of the predictions, and the share that their intervals hold."""
    truth, said, low, high = (
        rows[c].to_numpy(np.float64) for c in ("moment_dft", "moment_muB_per_atom", "moment_low", "moment_high")
    )
    scores = regression_metrics(truth, said, rows["p_magnetic"].to_numpy(np.float64))
    inside, magnetic = (truth >= low) & (truth <= high), truth > MAGNETIC_THRESHOLD
    bins = " ".join("-" if b["coverage"] is None else f"{b['coverage']:.3f}" for b in coverage_by_bin(truth, said, low, high))
    numbers = [scores["mae"], scores["mae_magnetic"], scores["r2"], scores["auroc"], scores["precision_at_k"]]
    shares = [float(inside.mean()), float(inside[magnetic].mean())]
    return [
        name,
        f"{len(rows):,}",
        *(_digits(n, 4) for n in numbers),
        *(f"{share:.3f}" for share in shares),
        bins,
    ]


def disagreement(rows: pd.DataFrame) -> str:
    """What the spread of the members alone knows of the error, and what calibration adds, on predicted-magnetic rows."""
    columns = [name for name in rows.columns if name.startswith("member_")]
    truth, said = (rows[name].to_numpy(np.float64) for name in ("moment_dft", "moment_muB_per_atom"))
    error, here = np.abs(said - truth), said > MAGNETIC_THRESHOLD
    spread = rows[columns].std(axis=1, ddof=0).to_numpy()
    body = []
    for name, stated in (("spread of the members", spread), ("calibrated", rows["moment_std"].to_numpy(np.float64))):
        inside = error <= 1.645 * stated if name != "calibrated" else _inside(rows)
        rank = float(spearmanr(stated[here], error[here])[0])
        magnetic = truth > MAGNETIC_THRESHOLD
        body.append([name, f"{inside.mean():.3f}", f"{inside[magnetic].mean():.3f}", f"{rank:.3f}"])
    return markdown(["90 % interval", "holds", "of magnetic rows", "Spearman, predicted magnetic"], body)


def _digits(number: float | None, digits: int) -> str:
    """Empty for a figure that so few rows do not have."""
    return "" if number is None else f"{number:.{digits}f}"


def _inside(rows: pd.DataFrame) -> np.ndarray:
    return ((rows["moment_dft"] >= rows["moment_low"]) & (rows["moment_dft"] <= rows["moment_high"])).to_numpy()


if __name__ == "__main__":
    main()
