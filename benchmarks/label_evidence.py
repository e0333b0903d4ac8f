"""Labels that newer calculations and measurements contradict, and whether a network learns better with less weight for them.

    python -m benchmarks.label_evidence ../shared/data [--shown 20] [--rows 6000] [--epochs 6] [--smoke]

The rule is pipeline.refresh.label_noise.contradicted_by_sources; sources are dft_magnetisation_by_composition and
measured_moments. A CGCNN learns from a part of the training rows (a quarter of them with contradicted labels, if there are so
many; all with a magnetic element), with equal weights and with WEIGHT for the contradicted ones, and is judged on validation
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
from pipeline.refresh.label_noise import contradicted_by_sources, described_labels, read_sources
from pipeline.training.label_noise import WEIGHT

COLUMNS = [
    "material_id", "formula", "chemsys", "split", "label_tier", "has_frozen_4f", "n_sites", "volume_A3", "cif", "icsd",
    "magnetization_muB_per_atom",
]  # fmt: skip
SEEDS = (0, 1)


def labels(data: Path) -> pd.DataFrame:
    """All rows with what the rule needs."""
    table = pd.read_parquet(data / "mp_magnets.parquet", columns=COLUMNS)
    return described_labels(table.assign(moment_muB_per_atom=table["magnetization_muB_per_atom"]))


def examples(rows: pd.DataFrame) -> tuple[Examples, pd.DataFrame]:
    """Graphs with moments, and the rows that have one."""
    crystals, kept = read(rows["cif"])
    found = featurise(crystals, Needs())
    there = rows.iloc[kept].iloc[found.kept].reset_index(drop=True)
    return replace(found.examples, moment=there["moment_muB_per_atom"].to_numpy(np.float64)), there


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--shown", type=int, default=20)
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--epochs", type=int, default=6)
    options = arguments(parser, lambda made: [made.measured(), "--epochs", 1, "--rows", 60])
    size, epochs = options.rows, options.epochs
    table = labels(options.data)
    found = contradicted_by_sources(table, read_sources(options.data / "literature"))
    for reason, rows in found.groupby("reason"):
        shown = ", ".join(f"{row.formula} {row.moment:.2f} ({row.expected:.2f})" for row in rows.head(options.shown).itertuples())
        known = table[table["material_id"].isin(rows["material_id"]) & table["icsd"].eq(True)]
        print(f"\n{len(rows)} labels, {len(known)} of them of ICSD-known crystals: {reason}. Label (sources), µB/atom: {shown}")
    magnetic = {symbol(z) for z in STRONGLY_MAGNETIC}
    table = table[table["chemsys"].map(lambda system: not magnetic.isdisjoint(system.split("-")))]
    wrong = table["material_id"].isin(found["material_id"])
    train = table[table["split"] == "train"].sample(frac=1.0, random_state=0)
    bad = wrong.loc[train.index]
    train = pd.concat([train[bad].head(size // 4), train[~bad]]).head(size)
    clean = table[(table["split"] == "val") & (table["label_tier"] == "A") & ~wrong].head(size)
    learned, rows = examples(train)
    judged, asked = examples(clean)
    weight = np.where(rows["material_id"].isin(found["material_id"]), WEIGHT, 1.0)
    print(f"\n{len(learned)} training rows, {int((weight < 1).sum())} with less weight; {len(judged)} validation rows")
    lines = []
    for seed in SEEDS:
        errors = []
        for given in (None, weight):
            network = CGCNN()
            network.fit(replace(learned, weight=given), judged, FitControl(seed=seed, epochs=epochs))
            errors.append(np.abs(network.predict(judged).moment - judged.targets()))
        large = judged.targets() > MAGNETIC_THRESHOLD
        gain = cluster_bootstrap(errors[0] - errors[1], asked["chemsys"].tolist())
        lines.append([str(seed), *(f"{e.mean():.4f} ({e[large].mean():.4f})" for e in errors), gain.text()])
    print("\n" + markdown(["seed", "equal weights, MAE (magnetic rows)", f"weight {WEIGHT:g}", "gain [95 %]"], lines))


if __name__ == "__main__":
    main()
