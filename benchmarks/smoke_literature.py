"""Literature tables for a smoke run: made-up orders and temperatures in the schema of docs/how-to/literature.md."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.sources.literature.tables import ORDERS, TEMPERATURES, amounts_of, composition_key
from pipeline.training.experiment_rows import AFM, FM_OR_FIM

MAGNETIC = ("Cr", "Mn", "Fe", "Co", "Ni")
OTHERS = ("Al", "Si", "Ga", "Ge", "Sn", "Pd", "Pt", "Rh", "O", "N")
AMOUNTS = ("{0}{1}", "{0}2{1}", "{0}3{1}", "{0}{1}2")


def write_literature(folder: Path) -> Path:
    """Write the two tables that a model of experiments needs; returns the folder."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    orders: list[dict[str, Any]] = []
    temperatures: list[dict[str, Any]] = []
    for pair in itertools.product(MAGNETIC, OTHERS):
        for form in AMOUNTS:
            formula = form.format(*pair)
            amounts = amounts_of(formula) or {}
            told: dict[str, Any] = {"key": composition_key(amounts), "formula": formula, "composition": json.dumps(amounts),
                    "chemsys": "-".join(sorted(pair)), "split": "train", "tier": "A"}  # fmt: skip
            ferro = (pair[0] in ("Fe", "Co", "Ni") and pair[1] != "O") ^ (rng.random() < 0.1)
            references = {"Tc_n_refs": 1.0 + len(orders) % 3, "TN_n_refs": np.nan}
            orders.append(told | references | {"exp_order": FM_OR_FIM if ferro else AFM, "Tc_K": 500.0, "TN_K": 100.0})
            kelvin = 200.0 + 400.0 * amounts[pair[0]] / sum(amounts.values()) + rng.normal(0.0, 20.0)
            temperatures.append(told | {"kind": "Tc" if ferro else "TN", "T_K": kelvin, "recommended": True, "basis": "measured"})
    pd.DataFrame(orders).to_parquet(folder / ORDERS)
    pd.DataFrame(temperatures).to_parquet(folder / TEMPERATURES)
    return folder
