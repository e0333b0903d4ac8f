"""Labels that a model doubts: magnets that fell into a non-magnetic solution, antiferromagnets that started ferromagnetic.

They are listed, never dropped: a model that is sure can be wrong, and the list is where a person looks first.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.crystal import Crystal
from data.labels import MAGNETIC_THRESHOLD
from data.snapshot import Snapshot
from data.symmetry import symmetrise
from models.contract import Examples, Model, Prediction
from models.families import family, reads_descriptors
from models.ordering_classes import CLASSES
from pipeline.features.descriptors import descriptors
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.learning.ordering_shelf import ordering_classes
from pipeline.learning.shipped import shipped_model
from pipeline.parallel import map_in_order
from pipeline.progress import Reporter

SURE_AFM = 0.6  # P(AFM), given moments, from which a large moment is doubted: the labels of MnO (0.65) and NiO (0.77) are
SURE_MOMENT = 0.85  # P(magnetic) from which a moment of zero is
LARGE = 0.25  # µB/atom; smaller moments are not worth a look
PER_TASK = 512
COLUMNS = ["material_id", "formula", "moment", "expected", "probability", "doubt"]
ANTIFERRO, FALSE_ZERO = "an antiferromagnet that started ferromagnetic?", "a magnet that lost its moment?"
Floats = NDArray[np.float64]


def find_doubts(snapshot: Snapshot, workers: int, reporter: Reporter) -> pd.DataFrame:
    """COLUMNS, the surest doubts first: `expected` is the moment that a model says (µB/atom), `probability` that of the doubt."""
    table = snapshot.table(["material_id", "formula", "moment_muB_per_atom"]).to_pandas()
    crystals = list(snapshot.crystals())
    tasks = [crystals[k : k + PER_TASK] for k in range(0, len(crystals), PER_TASK)]
    parts = []
    with reporter.bar("Doubting labels", len(crystals)) as tick:
        for task, found in zip(tasks, map_in_order(_examined, tasks, min(workers, len(tasks))), strict=True):
            parts.append(found)
            tick(len(task))
    columns = np.concatenate(parts).T if parts else np.zeros((3, 0))
    return doubted(table, *columns)


def doubted(table: pd.DataFrame, p_afm: Floats, p_magnetic: Floats, moment: Floats) -> pd.DataFrame:
    """COLUMNS of the rows (material_id, formula, moment_muB_per_atom) whose label contradicts what a model is sure of.

    Args:
        p_afm: of being an antiferromagnet, given moments; NaN where nothing can be said.
        p_magnetic, moment: of having a moment, and its expected size, µB/atom.
    """
    label = table["moment_muB_per_atom"].to_numpy(np.float64)
    kinds = (
        (ANTIFERRO, (label >= LARGE) & (p_afm >= SURE_AFM), np.zeros(len(label)), p_afm),
        (FALSE_ZERO, (label <= MAGNETIC_THRESHOLD) & (p_magnetic >= SURE_MOMENT) & (moment >= LARGE), moment, p_magnetic),
    )
    found = [
        pd.DataFrame(
            {
                "material_id": table["material_id"][where], "formula": table["formula"][where], "moment": label[where],
                "expected": expected[where], "probability": probability[where], "doubt": doubt,
            }
        )
        for doubt, where, expected, probability in kinds
    ]  # fmt: skip
    order = ["probability", "material_id"]
    return pd.concat(found, ignore_index=True)[COLUMNS].sort_values(order, ascending=[False, True], ignore_index=True)


def _examined(crystals: list[Crystal]) -> Floats:
    """(crystals, 3) P(AFM), P(magnetic) and moment of each; NaN for one that has no graph."""
    settings = GraphSettings()
    graphs, kept = build_graphs([symmetrise(crystal, settings.symprec_A) for crystal in crystals], settings)
    found = np.full((len(crystals), 3), np.nan)
    if len(kept):
        columns = descriptors(graphs)
        said = _trees_say(Examples(graphs, columns))
        found[kept, 0] = ordering_classes().predict(columns)[:, CLASSES.index("AFM")]
        if said is not None:
            found[kept, 1], found[kept, 2] = said.p_magnetic, said.moment
    return found


def _trees_say(examples: Examples) -> Prediction | None:
    """The word of the shipped model's trees, the only member that needs no time; None where there are none."""
    model = shipped_model()
    names = [] if model is None else [m["family"] for m in model.manifest["members"] if reads_descriptors(m["family"])]
    if model is None or not names:
        return None
    member: Model = family(names[0]).load(model.member_folder(names[0]))
    return member.predict(examples)
