"""The moment ensemble as a published model: loaded without running anything that its files contain."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from data.errors import UserError
from data.snapshot import open_snapshot
from models.contract import Examples, Model, ModelError
from models.families import family
from models.members import predict_members
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.graphs import GRAPH_CODE
from pipeline.features.neighbours import GraphSettings
from pipeline.features.vectorstore import VECTOR_CODE
from pipeline.featurise import Needs
from pipeline.old_names import METRICS, TRAINING_SETTINGS, with_current_keys
from pipeline.registry.card import shipped_card
from pipeline.registry.published import HELD_OUT_FILE, RETRAIN, PublishedModel, open_published
from pipeline.settings import Settings
from pipeline.training.splits import split_rows
from pipeline.uncertainty.ensemble_errors import EnsemblePrediction, ErrorModel

NAMELESS = [
    "moment_dft", "moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "p_magnetic", "p_moment_above_1", "ood_score"
]  # fmt: skip
ENSEMBLE_FORMAT = 5  # raise it whenever an older release would misread a published model


@dataclass(frozen=True)
class Ensemble(PublishedModel):
    """A published ensemble that predicts moments."""

    kind: ClassVar[str] = "model"
    edition: ClassVar[int] = ENSEMBLE_FORMAT
    train_command: ClassVar[str] = "`ferroscreen train` (or `ferroscreen run`)"
    loss: ClassVar[str] = "µB/atom"
    equal: ClassVar[float] = 0.001

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """The manifest of any release, with the keys of this one. Raises UserError as for any published model."""
        found = super().manifest
        current = {"settings": TRAINING_SETTINGS, "metrics": METRICS}
        return {**found, **{key: with_current_keys(found[key], names) for key, names in current.items() if key in found}}

    @cached_property
    def members(self) -> dict[str, Model]:
        """The loaded members by name; every file is checked against its hash before it is read."""
        self.verify()
        self.refuse_other_features()
        try:
            return {m["name"]: family(m["family"]).load(self.folder / m["name"]) for m in self.manifest["members"]}
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    @cached_property
    def error_model(self) -> ErrorModel:
        """The error model."""
        self.verify()
        self.refuse_other_features()
        try:
            return ErrorModel.load(self.folder, self.manifest)
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    def load(self) -> None:
        _ = self.members, self.error_model

    def member_folder(self, kind: str) -> Path:
        """Where the first member of a family is saved. Raises UserError where there is none, or a file is damaged."""
        self.verify()
        self.refuse_other_features()
        names = [m["name"] for m in self.manifest["members"] if m["family"] == kind]
        if not names:
            raise UserError(f"model {self.id} has no member of the family {kind}; `ferroscreen train --members {kind}` makes one")
        return self.folder / str(names[0])

    @property
    def graph_settings(self) -> GraphSettings:
        return GraphSettings(**self.manifest["graph_settings"])

    @property
    def descriptor_set(self) -> DescriptorSet:
        """The set of descriptors that its members learned from; FAST for models of old formats, which do not state it."""
        return DescriptorSet(self.manifest["settings"].get("descriptor_set", DescriptorSet.FAST))

    @property
    def needs(self) -> Needs:
        """What its members read of a crystal. Raises UserError where one is of a family that does not exist."""
        families = [m["family"] for m in self.manifest["members"]]
        try:
            return Needs.of_families(families, self.graph_settings, self.descriptor_set)
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    @property
    def feature_codes(self) -> tuple[str, ...]:
        return (GRAPH_CODE, *self.descriptor_set.code, *((VECTOR_CODE,) if self.needs.directions else ()))

    @property
    def snapshots(self) -> list[str]:
        further = self.manifest.get("settings", {}).get("site_moments")
        return [*super().snapshots, *([] if further is None else [further])]

    def learned_systems(self, where: Settings) -> set[str]:
        labelled, *further = (open_snapshot(where.snapshots, read).table(["chemsys", "split"]) for read in self.snapshots)
        closed = set(labelled["chemsys"].take(split_rows(labelled).test).to_pylist())
        return super().learned_systems(where) | {s for table in further for s in table["chemsys"].to_pylist()} - closed

    def predict(self, examples: Examples) -> EnsemblePrediction:
        """Prediction, interval and members' predictions for each crystal."""
        predictions = predict_members(self.members, examples)
        weights = np.array([m["weight"] for m in self.manifest["members"]])
        return self.error_model.predict(predictions, weights, examples)

    def write_shipped(self, folder: Path) -> None:
        """The members, what was learned of their errors, and the test rows without ids and formulas."""
        _ = self.members  # damaged files are not shipped
        for name in sorted({Path(name).parts[0] for name in self.manifest["files"] if "/" in name}):
            shutil.copytree(self.folder / name, folder / name)
        rows = self.held_out()[NAMELESS].sort_values("moment_muB_per_atom", kind="stable")
        rows.round(4).to_parquet(folder / HELD_OUT_FILE, index=False)

    @classmethod
    def shipped_card(cls, manifest: dict[str, Any]) -> str:
        """The card of a shipped ensemble."""
        return shipped_card(manifest)

    def quality(self) -> str:
        members = ", ".join(m["name"] for m in self.manifest["members"])
        return f"test MAE {self.manifest['metrics']['ensemble']['mae']:.4f} µB/atom ({members})"

    def gates(self) -> list[str]:
        """Faults for which the model must not be used; see pipeline.registry.ensemble_gates."""
        from pipeline.registry.ensemble_gates import gates  # late: the gates predict, which needs what reads an ensemble

        return gates(self)

    def errors(self) -> pd.DataFrame:
        """Absolute error, truth (µB/atom) and chemical system of its test rows, by id."""
        rows = self.held_out().drop_duplicates("material_id").set_index("material_id")
        systems = rows["chemsys"] if "chemsys" in rows else rows["formula"].map(_system)
        error = (rows["moment_muB_per_atom"] - rows["moment_dft"]).abs()
        return pd.DataFrame({"error": error, "truth": rows["moment_dft"], "system": systems})


def open_model(root: Path, identifier: str | None = None) -> Ensemble:
    """An ensemble by its id (or the start of it), or the one in use. Raises UserError where there is no single one."""
    return open_published(root, Ensemble, identifier)


def _system(formula: str) -> str:
    from pymatgen.core import Composition

    return str(Composition(formula).chemical_system)
