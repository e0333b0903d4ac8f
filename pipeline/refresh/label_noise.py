"""Labels that contradict a model: magnets whose calculation lost its moment, antiferromagnets that started ferromagnetic.

They are listed and never dropped, because a confident model can be wrong.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.crystal import Crystal
from data.snapshot import Snapshot
from models.ordering.order_classifier import CLASSES
from pipeline.featurise import Needs, featurise
from pipeline.magnetism.moment_facts import LEAST_P
from pipeline.magnetism.order_descriptors import order_descriptors
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.shipped import shipped_model, shipped_of
from pipeline.training.label_noise import LARGE, false_zero

SURE_AFM = 0.6  # P(AFM), given moments, from which a large moment counts as label noise, as for MnO (0.80) and NiO (0.83)
PER_TASK = 512
COLUMNS = ["material_id", "formula", "moment", "expected", "probability", "reason"]
ANTIFERRO, FALSE_ZERO = "an antiferromagnet that started ferromagnetic?", "a magnet that lost its moment?"
Floats = NDArray[np.float64]


def find_label_noise(snapshot: Snapshot, workers: int, reporter: Reporter) -> pd.DataFrame:
    """The labels of a snapshot that contradict the shipped models.

    Args:
        snapshot: a snapshot with labels.
        workers: number of processes.
        reporter: receives the progress.

    Returns:
        COLUMNS, the most probable contradictions first. `expected` is the predicted moment (µB/atom), `probability` that of the
        contradiction.
    """
    table = snapshot.table(["material_id", "formula", "moment_muB_per_atom"]).to_pandas()
    crystals, parts = snapshot.crystals(), []
    tasks = iter(lambda: list(islice(crystals, PER_TASK)), [])
    with reporter.bar("Finding label noise", len(table)) as tick:
        for found in map_in_order(_examined, tasks, min(workers, -(-len(table) // PER_TASK))):
            parts.append(found)
            tick(len(found))
    columns = np.concatenate(parts).T if parts else np.zeros((3, 0))
    return contradictions(table, *columns)


def contradictions(table: pd.DataFrame, p_afm: Floats, p_magnetic: Floats, moment: Floats) -> pd.DataFrame:
    """The rows whose label contradicts a confident prediction.

    Args:
        table: `material_id`, `formula` and `moment_muB_per_atom` (the label, µB/atom), one row a crystal.
        p_afm: (rows,) probability of antiferromagnetic order, given moments; NaN where it could not be predicted.
        p_magnetic: (rows,) probability of having a moment.
        moment: (rows,) predicted moment, µB/atom.

    Returns:
        COLUMNS of those rows, the most probable contradictions first.
    """
    label = table["moment_muB_per_atom"].to_numpy(np.float64)
    kinds = (
        (ANTIFERRO, (label >= LARGE) & (p_afm >= SURE_AFM), np.zeros(len(label)), p_afm),
        (FALSE_ZERO, false_zero(label, p_magnetic, moment), moment, p_magnetic),
    )
    found = [
        pd.DataFrame(
            {
                "material_id": table["material_id"][where], "formula": table["formula"][where], "moment": label[where],
                "expected": expected[where], "probability": probability[where], "reason": reason,
            }
        )
        for reason, where, expected, probability in kinds
    ]  # fmt: skip
    order = ["probability", "material_id"]
    return pd.concat(found, ignore_index=True)[COLUMNS].sort_values(order, ascending=[False, True], ignore_index=True)


def _examined(crystals: list[Crystal]) -> Floats:
    """(crystals, 3) P(AFM), P(magnetic) and moment of each; NaN for one that has no graph."""
    model, classifier = _shipped()
    needs = Needs() if model is None else model.needs
    read = featurise(crystals, needs)
    found, kept = np.full((len(crystals), 3), np.nan), read.kept
    if len(kept):
        wanted = np.ones(len(kept), dtype=np.bool_)
        if model is not None:
            said = model.predict(read.examples)
            found[kept, 1], found[kept, 2], wanted = said.p_magnetic, said.moment, said.p_magnetic >= LEAST_P
        if classifier is not None:
            of_order = order_descriptors(read.cells, read.examples.descriptors, wanted, needs.graph)
            found[kept, 0] = classifier.predict(of_order)[:, CLASSES.index("AFM")]
    return found


@lru_cache(maxsize=1)
def _shipped() -> tuple[Ensemble | None, OrderClassifier | None]:
    """The shipped ensemble and order classifier, loaded once a process; None where there is none."""
    return shipped_model(), shipped_of(OrderClassifier)
