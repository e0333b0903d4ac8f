"""How far predictions and stated bounds move where a crystal hardly changes.

    python -m benchmarks.continuity ../shared/data/mp_magnets.parquet [--crystals 500] [--model FOLDER]

Magnetic test rows are stretched by 0.1 % along one axis, and each of their sites is moved by 1 mÅ in a random direction. Neither
changes the moment of a real crystal by more than some 0.001 µB/atom. The seeds are fixed.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.measured_moments import read
from benchmarks.smoke import arguments
from data.crystal import Crystal
from data.labels import MAGNETIC_THRESHOLD
from pipeline.demos.figures import markdown
from pipeline.featurise import featurise
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.shipped import shipped_model

STRAIN = 1e-3
DISPLACEMENT_A = 1e-3
WANTED = 0.02  # µB/atom


def stretched(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    factors = np.ones(3)
    factors[rng.integers(3)] += STRAIN
    return replace(crystal, lattice=crystal.lattice * factors)


def displaced(crystal: Crystal, rng: np.random.Generator) -> Crystal:
    steps = rng.normal(size=(crystal.n_sites, 3))
    steps *= DISPLACEMENT_A / np.linalg.norm(steps, axis=1, keepdims=True)
    return replace(crystal, frac=crystal.frac + steps @ np.linalg.inv(crystal.lattice))


def said(model: Ensemble, crystals: list[Crystal]) -> dict[str, NDArray[np.float64]]:
    """Prediction, bounds and each member's prediction, µB/atom; NaN for a crystal without a graph."""
    read_in = featurise(crystals, model.needs)
    answer = model.predict(read_in.examples)
    columns = {"prediction": answer.moment, "lower bound": answer.low, "upper bound": answer.high, **answer.members}
    found = {name: np.full(len(crystals), np.nan) for name in columns}
    for name, values in columns.items():
        found[name][read_in.kept] = values
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--crystals", type=int, default=500)
    parser.add_argument("--model", type=Path, help="the folder of an ensemble; the shipped one where none is named")
    options = arguments(parser, lambda made: [made.magnets(), "--model", made.model(), "--crystals", 10])
    model = shipped_model() if options.model is None else Ensemble(options.model)
    if model is None:
        parser.error("this checkout ships no model; name one with --model")
    table = pd.read_parquet(options.table)
    rows = table[(table["split"] == "test") & (table["magnetization_muB_per_atom"] > MAGNETIC_THRESHOLD)]
    crystals, _ = read(rows.sample(min(options.crystals, len(rows)), random_state=0)["cif"])
    before = said(model, crystals)
    for what, change in ((f"stretched by {STRAIN:.1%}", stretched), (f"moved by {DISPLACEMENT_A * 1000:.0f} mÅ", displaced)):
        rng = np.random.default_rng(0)
        after = said(model, [change(crystal, rng) for crystal in crystals])
        lines = []
        for name, values in after.items():
            moved = np.abs(values - before[name])
            moved = moved[np.isfinite(moved)]
            share = f"{(moved > WANTED).mean():.1%}"
            lines.append([name, *(f"{x:.4f}" for x in (np.median(moved), np.quantile(moved, 0.99), moved.max())), share])
        print(f"\n{len(crystals)} crystals, {what}; change, µB/atom\n")
        print(markdown(["", "median", "99 %", "largest", f"above {WANTED:g}"], lines))


if __name__ == "__main__":
    main()
