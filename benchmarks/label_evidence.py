"""Labels that newer calculations and measurements contradict, and whether a network learns better with less weight for them.

    python -m benchmarks.label_evidence ../shared/data [--shown 20] [--rows 6000] [--epochs 6] [--smoke]

The rule is that of pipeline.training.mended_labels; the sources are the tables of newer calculations, measured moments, orders
and site moments. A CGCNN learns from a part of the training rows (a quarter of them with contradicted labels, if there are so
many; all with a magnetic element), with labels as they are and with mended ones, and is judged on validation
rows whose labels two sources agree on (label_tier A) and that have a magnetic element. Test rows are not touched.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.measured_moments import read
from benchmarks.smoke import arguments
from data.crystal import symbol
from data.elements import STRONGLY_MAGNETIC
from data.labels import MAGNETIC_THRESHOLD
from models.contract import Examples, FitControl
from models.networks.cgcnn import CGCNN
from pipeline.demos.figures import markdown
from pipeline.evaluation.bootstrap import cluster_bootstrap
from pipeline.featurise import Needs, featurise
from pipeline.training.label_sources import LabelSources
from pipeline.training.mended_labels import REPLACED, mend_labels

COLUMNS = [
    "material_id", "formula", "chemsys", "split", "label_tier", "has_frozen_4f", "n_sites", "volume_A3", "cif", "icsd",
    "magnetization_muB_per_atom",
]  # fmt: skip
SEEDS = (0, 1)


def labels(data: Path) -> pd.DataFrame:
    """All rows with what the rule needs."""
    table = pd.read_parquet(data / "mp_magnets.parquet", columns=COLUMNS)
    return table.assign(moment_muB_per_atom=table["magnetization_muB_per_atom"])


def examples(rows: pd.DataFrame) -> tuple[Examples, pd.DataFrame]:
    """Graphs with moments, and the rows that have one."""
    crystals, kept = read(rows["cif"])
    found = featurise(crystals, Needs())
    there = rows.iloc[kept].iloc[found.kept].reset_index(drop=True)
    return replace(found.examples, moment=there["moment_muB_per_atom"].to_numpy(np.float64)), there


def _counted(verdict: str, rows: pd.DataFrame) -> list[str]:
    """A verdict, its rows in each part of the table, and those known from ICSD."""
    split = rows["split"]
    return [verdict, *(str((split == part).sum()) for part in ("train", "val", "test")), str(rows["icsd"].eq(True).sum())]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--shown", type=int, default=20)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=6)
    options = arguments(parser, lambda made: [made.measured(), "--epochs", 1, "--rows", 60])
    size, epochs = options.rows, options.epochs
    table = labels(options.data)
    mended = mend_labels(table, LabelSources.of([options.data / "literature", options.data]))
    found = mended.table.merge(table[["material_id", "split", "icsd"]], on="material_id")
    counted = [_counted(str(verdict), rows) for verdict, rows in found.groupby("verdict")]
    print(markdown(["verdict", "train", "val", "test", "ICSD-known"], counted))
    largest = found[(found["verdict"] == REPLACED) & (found["split"] != "test")].head(options.shown)
    lines = [
        [str(r.formula), str(r.material_id), str(r.split), f"{r.moment:.2f}", f"{r.learned:.2f}", str(r.sources)]
        for r in largest.itertuples()
    ]
    print("\n" + markdown(["formula", "id", "split", "label, µB/atom", "learned", "sources"], lines))
    magnetic = {symbol(z) for z in STRONGLY_MAGNETIC}
    table = table[table["chemsys"].map(lambda system: not magnetic.isdisjoint(system.split("-")))]
    wrong = table["material_id"].isin(found["material_id"])
    train = table[table["split"] == "train"].sample(frac=1.0, random_state=0)
    bad = wrong.loc[train.index]
    train = pd.concat([train[bad].head(size // 4), train[~bad]]).head(size)
    clean = table[(table["split"] == "val") & (table["label_tier"] == "A") & ~wrong].head(size)
    learned, rows = examples(train)
    judged, asked = examples(clean)
    ids = rows["material_id"].tolist()
    better = replace(learned, moment=mended.moment(ids, learned.targets()), weight=mended.weight(ids))
    changed = int(rows["material_id"].isin(found["material_id"]).sum())
    print(f"\n{len(learned)} training rows, {changed} mended; {len(judged)} validation rows")
    lines = []
    for seed in SEEDS:
        errors = []
        for given in (learned, better):
            network = CGCNN()
            network.fit(given, judged, FitControl(seed=seed, epochs=epochs))
            errors.append(np.abs(network.predict(judged).moment - judged.targets()))
        large = judged.targets() > MAGNETIC_THRESHOLD
        gain = cluster_bootstrap(errors[0] - errors[1], asked["chemsys"].tolist())
        lines.append([str(seed), *(f"{e.mean():.4f} ({e[large].mean():.4f})" for e in errors), gain.text()])
    print("\n" + markdown(["seed", "labels as they are, MAE (magnetic rows)", "mended labels", "gain [95 %]"], lines))


if __name__ == "__main__":
    main()
