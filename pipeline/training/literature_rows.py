"""A literature snapshot to the rows that models of experiments learn from.

Curated tables decide on the compositions that they hold. Other compositions, of a user's own tables say, come from the snapshot's
sound values: their median temperature, and their order unless the references contradict each other.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pymatgen.core import Element

from data.errors import UserError
from data.sources.literature.compositions import ANTIFERRO, FERRO
from data.sources.literature.snapshot import LiteratureSnapshot
from data.sources.literature.tables import amounts_of
from models.experiment.composition_network import TASKS
from models.experiment.model import Formulas
from pipeline.features.formulas import described_formulas
from pipeline.training.experiment_rows import FOLDS, TIER_WEIGHT, ExperimentRows, fold_of, read_rows

AGREE = 0.05  # of the value; within it, two references make a value sure
FEWEST_ROWS = 50  # of each target in all folds but one
TARGET = {"tc": "Curie temperatures", "tn": "Néel temperatures", "order": "orders"}


def literature_rows(snapshot: LiteratureSnapshot) -> ExperimentRows:
    """The rows of a snapshot.

    Raises:
        UserError: a file of it is damaged, or it holds too little to learn from.
    """
    folder = snapshot.curated()
    curated = None if folder is None else read_rows(folder)
    own = _own_table(snapshot, curated)
    rows = _described(own) if curated is None else _joined(curated, own)
    _check(rows, snapshot)
    return rows


def _own_table(snapshot: LiteratureSnapshot, curated: ExperimentRows | None) -> pd.DataFrame:
    """The table of `ExperimentRows` of the compositions that the curated tables do not hold."""
    known, values = snapshot.compositions(), snapshot.values()
    if curated is not None:
        listed = values["key"].isin(curated.table["key"]) | values["given_key"].isin(curated.table["key"])
        known = known[known["key"].isin(values.loc[~listed, "key"])]
    systems = ["-".join(sorted(amounts_of(formula) or {})) for formula in known["formula"]]
    sure = np.where(_is_sure(known, values), TIER_WEIGHT["A"], TIER_WEIGHT["B"])
    order = known["order"].map({FERRO: 1.0, ANTIFERRO: 0.0})
    table = pd.DataFrame(
        {
            "key": known["key"], "formula": known["formula"], "chemsys": systems,
            "tc": known["tc_K"].where(order == 1.0), "tn": known["tn_K"].where(order == 0.0), "order": order,
            "weight_tc": sure, "weight_tn": sure, "weight_order": sure,
        }
    )  # fmt: skip
    return table.reset_index(drop=True)


def _is_sure(known: pd.DataFrame, values: pd.DataFrame) -> NDArray[np.bool_]:
    """Whether a composition's values are a handbook's, or those of several references that agree."""
    handbook = known["key"].isin(values.loc[values["manual"], "key"]).to_numpy()
    value = known["tc_K"].where(known["order"] == FERRO, known["tn_K"])
    agree: NDArray[np.bool_] = ((known["references"] > 1) & (known["spread_K"] <= AGREE * value)).to_numpy(dtype=bool)
    return handbook | agree


def _described(table: pd.DataFrame) -> ExperimentRows:
    amounts = [{Element(s).Z: x for s, x in (amounts_of(formula) or {}).items()} for formula in table["formula"]]
    return ExperimentRows(table, described_formulas(amounts), np.array([fold_of(c) for c in table["chemsys"]], dtype=np.int64))


def _joined(curated: ExperimentRows, own: pd.DataFrame) -> ExperimentRows:
    if own.empty:
        return curated
    more = _described(own)
    a, b = curated.formulas, more.formulas
    formulas = Formulas(
        np.concatenate([a.columns, b.columns]), np.concatenate([a.numbers, b.numbers]),
        np.concatenate([a.fractions, b.fractions]), np.concatenate([a.start, b.start + len(a.numbers)]),
    )  # fmt: skip
    table = pd.concat([curated.table, own], ignore_index=True)
    return ExperimentRows(table, formulas, np.concatenate([curated.fold, more.fold]))


def _check(rows: ExperimentRows, snapshot: LiteratureSnapshot) -> None:
    """Raises UserError where members for a fold would have too few rows of a target, one order only, or equal values only."""
    for task in TASKS:
        known, truth, _ = rows.target(task)
        fold = rows.fold[known]
        least = min(int((fold != k).sum()) for k in range(FOLDS))
        if least < FEWEST_ROWS:
            raise UserError(
                f"literature snapshot {snapshot.id} holds too few {TARGET[task]} to learn from: {len(known)} compositions"
            )
        if task == "order" and any(len(np.unique(truth[fold != k])) < 2 for k in range(FOLDS)):
            raise UserError(f"literature snapshot {snapshot.id} does not hold both orders in enough chemical systems")
        if np.ptp(truth) == 0:
            raise UserError(f"literature snapshot {snapshot.id}: all {len(known)} {TARGET[task]} are {truth[0]:g} K")
