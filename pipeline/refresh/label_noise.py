"""Labels that contradict a model: magnets whose calculation lost its moment, antiferromagnets that started ferromagnetic.

They are listed and never dropped, because a confident model can be wrong.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.crystal import Crystal, symbol
from data.elements import STRONGLY_MAGNETIC
from data.errors import UserError
from data.labels import MAGNETIC_THRESHOLD
from data.snapshot import Snapshot
from data.sources.literature.tables import amounts_of, composition_key
from models.ordering.order_classifier import CLASSES
from pipeline.featurise import Needs, featurise
from pipeline.ops.parallel import map_in_order
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import order_classifier
from pipeline.registry.shipped import shipped_model
from pipeline.training.label_noise import LARGE, WEIGHT, false_zero

SURE_AFM = 0.6  # P(AFM), given moments, from which a large moment counts as label noise, as for MnO (0.65) and NiO (0.77)
PER_TASK = 512
MOST = 8.0  # µB, of one atom: gadolinium with what the conduction electrons add
COLUMNS = ["material_id", "formula", "moment", "expected", "probability", "reason"]
OTHERS_MAGNETIC = "zero, but every other source of the composition has a moment"
OTHERS_NOT = "a moment, but no other source of the composition has one"
CALCULATED_TABLE, MEASURED_TABLE = "dft_magnetisation_by_composition.parquet", "measured_moments.parquet"
FROZEN_4F = (59, 60, 62, *range(65, 71))  # shells that the calculation of a label leaves out
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


def contradicted_by_sources(labels: pd.DataFrame, sources: pd.DataFrame) -> pd.DataFrame:
    """The labels that other calculations or measurements of the same composition contradict.

    The rule: a label of at most MAGNETIC_THRESHOLD µB/atom is a false zero if every crystal of its composition in the table has
    such a label, and every source gives at least LARGE; a label of at least LARGE is a false moment if no crystal of its
    composition has a smaller one, and every source gives at most MAGNETIC_THRESHOLD. A source knows no polymorphs, so
    compositions with both kinds of labels are left alone, and so are crystals with frozen 4f shells, whose moments a label
    cannot have. A source that states more than MOST for each atom that may carry a moment is wrong itself and does not count.

    Args:
        labels: material_id, formula, key (of the composition), moment_muB_per_atom, volume_per_atom (Å³), frozen_4f (whether),
            magnetic_share (of atoms that may carry a moment).
        sources: key, source (a name), and muB_per_A3 or, where that is NaN, muB_per_atom.

    Returns:
        material_id, formula, moment (the label), expected (the median of the sources, µB/atom), sources (their names) and reason,
        the largest differences first.
    """
    rows = labels[~labels["frozen_4f"]].merge(sources, on="key")
    told = (rows["muB_per_A3"] * rows["volume_per_atom"]).fillna(rows["muB_per_atom"])
    rows = rows.assign(told=told).dropna(subset=["told", "moment_muB_per_atom"])
    rows = rows[rows["told"] <= MOST * rows["magnetic_share"] + MAGNETIC_THRESHOLD]
    of_key = labels.groupby("key")["moment_muB_per_atom"].agg(["min", "max"])
    each = rows.groupby("material_id").agg(
        formula=("formula", "first"), key=("key", "first"), moment=("moment_muB_per_atom", "first"), least=("told", "min"),
        most=("told", "max"), expected=("told", "median"), sources=("source", lambda names: ", ".join(sorted(set(names)))),
    )  # fmt: skip
    each = each.join(of_key, on="key")
    zero = (each["max"] <= MAGNETIC_THRESHOLD) & (each["least"] >= LARGE)
    moment = (each["min"] >= LARGE) & (each["most"] <= MAGNETIC_THRESHOLD)
    found = each.assign(reason=np.select([zero, moment], [OTHERS_MAGNETIC, OTHERS_NOT], "")).reset_index()
    found = found[found["reason"] != ""].assign(off=lambda rows: (rows["moment"] - rows["expected"]).abs())
    found = found.sort_values(["off", "material_id"], ascending=[False, True], ignore_index=True)
    return found[["material_id", "formula", "moment", "expected", "sources", "reason"]]


def described_labels(table: pd.DataFrame) -> pd.DataFrame:
    """The labels as `contradicted_by_sources` wants them.

    Args:
        table: material_id, formula, moment_muB_per_atom, volume_A3 and n_sites, as a snapshot has them.
    """
    amounts = {formula: amounts_of(formula) or {} for formula in table["formula"].unique()}
    magnetic, frozen = ({symbol(z) for z in numbers} for numbers in (STRONGLY_MAGNETIC, FROZEN_4F))
    share = {f: sum(mix.get(name, 0.0) for name in magnetic) / max(sum(mix.values()), 1e-9) for f, mix in amounts.items()}
    return table.assign(
        key=table["formula"].map({f: composition_key(mix) if mix else "" for f, mix in amounts.items()}),
        volume_per_atom=table["volume_A3"] / table["n_sites"], magnetic_share=table["formula"].map(share),
        frozen_4f=table["formula"].map({f: not frozen.isdisjoint(mix) for f, mix in amounts.items()}),
    )  # fmt: skip


def read_sources(folder: Path) -> pd.DataFrame:
    """What other sources say of compositions: key, source, muB_per_A3, muB_per_atom.

    Args:
        folder: literature tables; CALCULATED_TABLE, MEASURED_TABLE or both.

    Raises:
        UserError: it has neither.
    """
    parts = []
    if (folder / CALCULATED_TABLE).is_file():
        newer = pd.read_parquet(folder / CALCULATED_TABLE, columns=["key", "set", "muB_per_A3"])
        parts.append(newer.rename(columns={"set": "source"}).assign(muB_per_atom=np.nan))
    if (folder / MEASURED_TABLE).is_file():
        measured = pd.read_parquet(folder / MEASURED_TABLE, columns=["key", "muB_per_atom"])
        parts.append(measured.assign(source="measured", muB_per_A3=np.nan))
    if not parts:
        raise UserError(f"{folder}: neither {CALCULATED_TABLE} nor {MEASURED_TABLE} is there")
    return pd.concat(parts, ignore_index=True)


def source_weights(table: pd.DataFrame, sources: pd.DataFrame) -> Floats:
    """(rows,) weights in training: WEIGHT where every other source contradicts the label, else 1.

    Args:
        table: as for `described_labels`, all training rows: a composition counts as contradicted only if all its
            rows agree.
        sources: `read_sources`.
    """
    found = contradicted_by_sources(described_labels(table), sources)
    return np.where(table["material_id"].isin(found["material_id"]), WEIGHT, 1.0)


def _examined(crystals: list[Crystal]) -> Floats:
    """(crystals, 3) P(AFM), P(magnetic) and moment of each; NaN for one that has no graph."""
    model = _shipped()
    read = featurise(crystals, Needs() if model is None else model.needs)
    found, kept = np.full((len(crystals), 3), np.nan), read.kept
    if len(kept):
        found[kept, 0] = order_classifier().predict(read.examples.descriptors)[:, CLASSES.index("AFM")]
        if model is not None:
            said = model.predict(read.examples)
            found[kept, 1], found[kept, 2] = said.p_magnetic, said.moment
    return found


@lru_cache(maxsize=1)
def _shipped() -> Ensemble | None:
    """The shipped ensemble, loaded once a process; None where there is none."""
    return shipped_model()
