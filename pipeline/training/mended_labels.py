"""Labels that other sources contradict: replaced where two of them, or a measured moment, say what is right, else weighed down.

The rule, for a label of no moment (at most MAGNETIC_THRESHOLD):
- The sources contradict it if each one that states a moment gives at least LARGE, and all crystals of the composition in the
  table have such a label. A composition does not tell polymorphs apart; site moments are those of the crystal itself.
- It is replaced by the median of the calculations (of the measured moments where there is none) if two independent sources
  contradict it, or a measured moment does, and the largest of the stated moments is at most AGREE times the smallest. A measured
  ferromagnet counts as a source, but states no moment. Beside frozen 4f shells one above BEYOND_4F_K contradicts a zero alone:
  the d moments order.
- Otherwise, and where experiments found an antiferromagnet, it keeps its value with the weight WEIGHT.
For a label with a moment, of a ferromagnet in the embedded handbook that is alone of its composition: it is replaced by the
calculations if these and the handbook lie on one side of it, both by more than APART, and within CLOSE of each other. A
calculation within REPEATED of the label is the label's own and does not count.
Labels of validation and test rows stay, so that errors can be compared with those of other models.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.labels import MAGNETIC_THRESHOLD
from pipeline.training.label_noise import LARGE, WEIGHT
from pipeline.training.label_sources import (
    ANTIFERROMAGNET,
    CALCULATED,
    FERROMAGNET,
    HANDBOOK,
    MEASURED,
    LabelSources,
    described_labels,
)

MEND_CODE = "mend-4"  # raise it whenever the same labels and sources would be mended otherwise
AGREE, APART, CLOSE, REPEATED = 1.5, 0.10, 0.10, 0.01
REPLACED = "replaced"
ONE_SOURCE, DISAGREE = "weighed down: one source", "weighed down: sources disagree"
AFM = "weighed down: a measured antiferromagnet"
COLUMNS = ["material_id", "formula", "moment", "learned", "weight", "verdict", "sources"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MendedLabels:
    """The contradicted labels: COLUMNS (`moment` is the label, `learned` what stands in its place, µB/atom)."""

    table: pd.DataFrame

    def moment(self, material_ids: list[str], label: Floats) -> Floats:
        """(rows,) what to learn, µB/atom, for rows with some ids and labels."""
        learned = self.table.set_index("material_id")["learned"]
        return pd.Series(material_ids).map(learned).fillna(pd.Series(label)).to_numpy(np.float64)

    def weight(self, material_ids: list[str]) -> Floats:
        """(rows,) weights in training."""
        weight = self.table.set_index("material_id")["weight"]
        return pd.Series(material_ids).map(weight).fillna(1.0).to_numpy(np.float64)

    def only(self, material_ids: list[str]) -> MendedLabels:
        """Those of some crystals."""
        return MendedLabels(self.table[self.table["material_id"].isin(material_ids)].reset_index(drop=True))

    def counts(self) -> dict[str, int]:
        """How many labels got each verdict."""
        return {str(verdict): int(n) for verdict, n in self.table["verdict"].value_counts().sort_index().items()}


def mend_labels(table: pd.DataFrame, sources: LabelSources) -> MendedLabels:
    """Apply the rule of this module.

    Args:
        table: material_id, formula, moment_muB_per_atom, volume_A3 and n_sites of all training rows.
        sources: tables of other sources.

    Returns:
        The largest changes first.
    """
    labels = described_labels(table).dropna(subset=["moment_muB_per_atom"])
    of_label = labels[["material_id", "formula", "key", "moment_muB_per_atom", "frozen_4f"]]
    evidence = sources.evidence(labels).merge(of_label, on="material_id")
    of_key = labels.groupby("key")["moment_muB_per_atom"]
    found = pd.concat([_zeros(evidence, of_key.max()), _sizes(evidence, of_key.size())], ignore_index=True)
    listed = evidence[evidence["material_id"].isin(found["material_id"])]
    words = listed["source"] + listed["told"].map(lambda told: "" if np.isnan(told) else f" {told:.2f}")
    said = words.groupby(listed["material_id"]).agg("; ".join)
    found = found.assign(sources=found["material_id"].map(said), weight=np.where(found["verdict"] == REPLACED, 1.0, WEIGHT))
    off = (found["learned"] - found["moment"]).abs()
    found = found.assign(off=off).sort_values(["off", "material_id"], ascending=[False, True], ignore_index=True)
    return MendedLabels(found[COLUMNS])


def _zeros(evidence: pd.DataFrame, largest: pd.Series[float]) -> pd.DataFrame:
    """Verdicts on labels of no moment.

    Args:
        evidence: what the sources say of each crystal, with its label.
        largest: the largest label by composition.
    """
    rows = evidence[evidence["moment_muB_per_atom"] <= MAGNETIC_THRESHOLD]
    of_crystal = rows["source"].str.startswith("site moments")
    rows = rows[of_crystal | (rows["key"].map(largest) <= MAGNETIC_THRESHOLD)]
    each = _summary(rows)
    ordered = each["frozen_4f"] & (each["told"] == 0) & (each["ferromagnet"] > 0)
    each = each[(each["least"] >= LARGE) | ordered]
    several = (each["told"] + each["ferromagnet"] >= 2) | (each["measured"] > 0)
    agreed = each["most"] <= AGREE * each["least"]
    verdict = np.select([each["antiferromagnet"] > 0, ~several, ~agreed], [AFM, ONE_SOURCE, DISAGREE], REPLACED)
    value = each["calculated"].fillna(each["experiment"])
    return each.assign(verdict=verdict, learned=value.where(verdict == REPLACED))


def _sizes(evidence: pd.DataFrame, crystals: pd.Series[int]) -> pd.DataFrame:
    """Verdicts on moments of ferromagnets in the handbook.

    Args:
        evidence: as for `_zeros`.
        crystals: number of crystals by composition.
    """
    own = (evidence["kind"] == CALCULATED) & ((evidence["told"] / evidence["moment_muB_per_atom"] - 1).abs() <= REPEATED)
    rows = evidence[~own & (evidence["moment_muB_per_atom"] >= LARGE) & (evidence["key"].map(crystals) == 1)]
    each = _summary(rows[rows["kind"].isin((CALCULATED, HANDBOOK))]).dropna(subset=["calculated", "experiment"])
    sides = each[["calculated", "experiment"]].div(each["moment"], axis=0) - 1
    apart = (sides.min(axis=1) > APART) | (sides.max(axis=1) < -APART)
    close = (each["calculated"] - each["experiment"]).abs() <= CLOSE * each["experiment"]
    return each[apart & close].assign(verdict=REPLACED, learned=lambda found: found["calculated"])


def _summary(rows: pd.DataFrame) -> pd.DataFrame:
    """One row a crystal: material_id, formula, moment, frozen_4f; told, measured, ferromagnet, antiferromagnet (numbers of
    sources); least, most, calculated, experiment (what they state, µB/atom)."""
    calculated, experiment = rows["kind"] == CALCULATED, rows["kind"].isin((MEASURED, HANDBOOK))
    parts = rows.assign(
        calculated=rows["told"].where(calculated), experiment=rows["told"].where(experiment), measured=experiment,
        teller=rows["source"].where(rows["told"].notna()),  # several polymorphs of one set of calculations are one source
        ferromagnet=rows["kind"] == FERROMAGNET, antiferromagnet=rows["kind"] == ANTIFERROMAGNET,
    )  # fmt: skip
    return (
        parts.groupby("material_id")
        .agg(
            formula=("formula", "first"), moment=("moment_muB_per_atom", "first"), frozen_4f=("frozen_4f", "first"),
            told=("teller", "nunique"), measured=("measured", "sum"), ferromagnet=("ferromagnet", "sum"),
            antiferromagnet=("antiferromagnet", "sum"),
            least=("told", "min"), most=("told", "max"), calculated=("calculated", "median"), experiment=("experiment", "median"),
        )
        .reset_index()
    )  # fmt: skip
