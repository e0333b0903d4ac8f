"""Literature tables to rows that models of experiments learn from: one a composition, with what is known of it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pymatgen.core import Composition, Element

from data.errors import UserError
from data.sources.literature.tables import ORDERS, STRUCTURES, TEMPERATURES, composition_key
from models.experiment.model import Formulas
from pipeline.features.formulas import described_formulas

TIER_WEIGHT = {"A": 1.0, "B": 0.7}  # several references that agree, or a handbook; one reference
ORDER_WEIGHT = {"A": 1.0}
OTHER_ORDER = 0.8
FOLDS = 5
FM_OR_FIM, AFM = "FM_or_FiM", "AFM"
_NUMBER = {Element.from_Z(z).symbol: z for z in range(1, 104)} | {"D": 1, "T": 1}


@dataclass(frozen=True, eq=False)
class ExperimentRows:
    """One row a composition; NaN where something is not known of it."""

    table: pd.DataFrame  # key, formula, chemsys, split, tc, tn (K), order (1: FM or FiM, 0: AFM) and a weight_* for each
    formulas: Formulas
    fold: NDArray[np.int64]  # (rows,) of its chemical system

    def take(self, rows: NDArray[np.int64]) -> ExperimentRows:
        """Some rows, in the order asked for."""
        return ExperimentRows(self.table.iloc[rows].reset_index(drop=True), self.formulas.take(rows), self.fold[rows])

    def target(self, task: str) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Rows where the task's answer is known, the answers, and their weights."""
        rows = np.flatnonzero(self.table[task].notna())
        return rows, self.table[task].to_numpy()[rows], self.table[f"weight_{task}"].to_numpy()[rows]


def read_rows(folder: Path) -> ExperimentRows:
    """The clean values of the tables of a folder (their schema: docs/how-to/literature.md).

    Text-mined orders (`FM_or_FiM?`) and contradictory ones (`mixed`) are not learned from.

    Raises:
        UserError: a table is missing or has not the columns.
    """
    try:
        temperatures, orders = pd.read_parquet(folder / TEMPERATURES), pd.read_parquet(folder / ORDERS)
        parts = [frame[["key", "formula", "composition", "chemsys", "split"]] for frame in (orders, temperatures)]
        table = pd.concat([*parts, _solved(folder)]).drop_duplicates("key").reset_index(drop=True)
        for task, kind in (("tc", "Tc"), ("tn", "TN")):
            clean = temperatures[temperatures["recommended"] & (temperatures["kind"] == kind)].set_index("key")
            table[task] = table["key"].map(clean["T_K"])
            table[f"weight_{task}"] = table["key"].map(clean["tier"].map(TIER_WEIGHT)).fillna(TIER_WEIGHT["B"])
        sure = orders[orders["exp_order"].isin([FM_OR_FIM, AFM])].set_index("key")
        table["order"] = table["key"].map((sure["exp_order"] == FM_OR_FIM).astype(float)).fillna(table["solved"])
        table["weight_order"] = table["key"].map(sure["tier"].map(ORDER_WEIGHT)).fillna(OTHER_ORDER)
    except (OSError, KeyError, ValueError) as fault:
        raise UserError(
            f"{folder} does not hold the literature tables ({fault}); docs/how-to/literature.md says what they are"
        ) from fault
    amounts = [{_NUMBER[s]: float(x) for s, x in json.loads(text).items()} for text in table["composition"]]
    return ExperimentRows(table, described_formulas(amounts), np.array([fold_of(c) for c in table["chemsys"]]))


def _solved(folder: Path) -> pd.DataFrame:
    """The compositions of solved magnetic structures; `solved` is 1 for FM, 0 for AFM, NaN for canted and ferrimagnetic ones."""
    if not (folder / STRUCTURES).is_file():
        return pd.DataFrame(columns=["key", "formula", "composition", "chemsys", "split", "solved"])
    table = pd.read_parquet(folder / STRUCTURES, columns=["formula", "chemsys", "order", "split"])
    amounts = [Composition(formula).fractional_composition.get_el_amt_dict() for formula in table["formula"]]
    table = table.assign(
        key=[composition_key(a) for a in amounts], composition=[json.dumps(a) for a in amounts],
        solved=table["order"].map({"FM": 1.0, "AFM": 0.0}),
    )  # fmt: skip
    return table.drop(columns="order").drop_duplicates("key")


def fold_of(chemsys: str) -> int:
    """The fold of a chemical system, `Fe-O`."""
    return int(hashlib.sha256(chemsys.encode()).hexdigest()[:8], 16) % FOLDS
