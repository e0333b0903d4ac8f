"""Trained ensembles: immutable artefacts, found by content, loaded without running anything they contain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import UserError
from data.store.artifact import file_hash, find_artefact, list_artefacts, text_hash
from data.store.versions import read_manifest, refuse_newer
from models.contract import Examples, Model, ModelError
from models.families import family
from pipeline.features.descriptor_sets import Tier
from pipeline.features.neighbours import GraphSettings
from pipeline.featurise import Needs
from pipeline.uncertainty.ensemble_errors import ErrorModel, Judged

MANIFEST_FILE = "manifest.json"
CARD_FILE = "CARD.md"  # for people; it says when, so no hash of it is stated
HELD_OUT_FILE = "held_out.parquet"
CURRENT_FILE = "current.json"  # beside the models: those promoted, the one in use last
ENSEMBLE_FORMAT = 1  # raise it whenever an older release would misread a published model
CURRENT_FORMAT = 1  # the same of the file that names the models in use
RETRAIN = "train again, or restore it from a backup"


@dataclass(frozen=True)
class Ensemble:
    """A published model."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Raises UserError where it is damaged, or a newer release made the model."""
        return read_manifest(self.folder / MANIFEST_FILE, f"model {self.id}", "format", ENSEMBLE_FORMAT, RETRAIN)

    @cached_property
    def members(self) -> dict[str, Model]:
        """The loaded members; every file is held against its hash before it is read."""
        self.verify()
        try:
            return {m["name"]: family(m["family"]).load(self.folder / m["name"]) for m in self.manifest["members"]}
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    @cached_property
    def errors(self) -> ErrorModel:
        """What its validation rows taught about its errors."""
        self.verify()
        try:
            return ErrorModel.load(self.folder, self.manifest)
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}; {RETRAIN}") from fault

    def verify(self) -> None:
        """Raises UserError unless every file of the model has the hash that its manifest states."""
        for name, digest in self.manifest["files"].items():
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()) or not path.is_file() or file_hash(path) != digest:
                raise UserError(f"model {self.id}: {name} is damaged or missing; train again, or restore it from a backup")

    def member_folder(self, kind: str) -> Path:
        """Where the first member of a family is saved. Raises UserError where there is none, or a file is damaged."""
        self.verify()
        names = [m["name"] for m in self.manifest["members"] if m["family"] == kind]
        if not names:
            raise UserError(f"model {self.id} has no member of the family {kind}; `ferroscreen train --members {kind}` makes one")
        return self.folder / str(names[0])

    @property
    def graph_settings(self) -> GraphSettings:
        return GraphSettings(**self.manifest["graph_settings"])

    @property
    def tier(self) -> Tier:
        """The descriptors that its members learned from; models that do not say so are older than the choice."""
        return Tier(self.manifest["settings"].get("tier", Tier.FAST))

    @property
    def reads_vectors(self) -> bool:
        """Whether a member needs the graphs with directions."""
        return any(family(m["family"]).reads_vectors for m in self.manifest["members"])

    @property
    def needs(self) -> Needs:
        """What its members read of a crystal."""
        return Needs(self.graph_settings, self.tier, self.reads_vectors)

    def judge(self, examples: Examples) -> Judged:
        """Prediction, interval and members' votes for each crystal."""
        predictions = {name: model.predict(examples) for name, model in self.members.items()}
        weights = np.array([m["weight"] for m in self.manifest["members"]])
        return self.errors.judge(predictions, weights, examples)

    def held_out(self) -> pd.DataFrame:
        """Predictions for the test rows it was never shown (columns as in the report's evaluation)."""
        return pd.read_parquet(self.folder / HELD_OUT_FILE)


def list_models(root: Path) -> list[Ensemble]:
    """All published models, oldest first."""
    return [Ensemble(folder) for folder in list_artefacts(root, MANIFEST_FILE)]


def current_models(root: Path) -> list[str]:
    """Ids of the models that were promoted, the one in use last; empty where none was.

    Raises:
        UserError: the file that names them is not readable, or of a newer release.
    """
    try:
        content = json.loads((root / CURRENT_FILE).read_text())
        promoted, stated = [str(name) for name in content["promoted"]], content.get("format", 1)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UserError(
            f"{root / CURRENT_FILE} does not name the models in use ({fault}); delete it and promote again"
        ) from fault
    refuse_newer(str(root / CURRENT_FILE), stated, CURRENT_FORMAT, "delete it and promote again")
    return promoted


def open_model(root: Path, identifier: str | None = None) -> Ensemble:
    """A model by its id (or the start of it), or the one in use: promoted last or, where none has been promoted, published last.

    Raises:
        UserError: there is none, or no single one of that name.
    """
    if identifier is None and (promoted := current_models(root)):
        identifier = promoted[-1]
    return Ensemble(find_artefact(root, MANIFEST_FILE, "model", identifier, "`ferroscreen train` (or `ferroscreen run`)"))


def sound(ensemble: Ensemble) -> bool:
    """Whether every file of a published model is there as its manifest states."""
    try:
        ensemble.verify()
    except UserError:
        return False
    return True


def artefact_files(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, by its name relative to it."""
    return {p.relative_to(folder).as_posix(): file_hash(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def artefact_id(files: dict[str, str]) -> str:
    return text_hash(*(part for pair in sorted(files.items()) for part in pair))[:16]
