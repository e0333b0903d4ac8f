"""Trained ensembles: immutable artefacts, found by content, loaded without running anything they contain."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.artifact import file_hash, find_artefact, list_artefacts, text_hash
from data.errors import UserError
from data.labels import MAGNETIC_THRESHOLD
from models.contract import Examples, Model, ModelError
from models.families import family
from pipeline.features.neighbours import GraphSettings
from pipeline.features.tiers import Tier
from pipeline.learning.calibration import Calibration
from pipeline.learning.ensemble import Combined, combine

MANIFEST_FILE = "manifest.json"
HELD_OUT_FILE = "held_out.parquet"


@dataclass(frozen=True, eq=False)
class Judged:
    """An ensemble's word on crystals, (rows,) each, µB/atom; what every room above works with."""

    moment: NDArray[np.float64]
    low: NDArray[np.float64]  # 90 % interval
    high: NDArray[np.float64]
    std: NDArray[np.float64]
    p_magnetic: NDArray[np.float64]
    members: dict[str, NDArray[np.float64]]  # each member's own moment


@dataclass(frozen=True)
class Ensemble:
    """A published model."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / MANIFEST_FILE).read_text())
        return loaded

    @cached_property
    def members(self) -> dict[str, Model]:
        """The loaded members; every file is held against its hash before it is read."""
        self._verify()
        try:
            return {m["name"]: family(m["family"]).load(self.folder / m["name"]) for m in self.manifest["members"]}
        except ModelError as fault:
            raise UserError(f"model {self.id} cannot be loaded: {fault}") from fault

    def _verify(self) -> None:
        for name, digest in self.manifest["files"].items():
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()) or not path.is_file() or file_hash(path) != digest:
                raise UserError(f"model {self.id}: {name} is damaged or missing; train again, or restore it from a backup")

    def member_folder(self, kind: str) -> Path:
        """Where the first member of a family is saved. Raises UserError where there is none, or a file is damaged."""
        self._verify()
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

    def judge(self, examples: Examples) -> Judged:
        """Prediction, interval and members' votes for each crystal."""
        predictions = {name: model.predict(examples) for name, model in self.members.items()}
        weights = np.array([m["weight"] for m in self.manifest["members"]])
        said = combine(list(predictions.values()), weights)
        return judged(said, Calibration.from_json(self.manifest["calibration"]), {n: p.moment for n, p in predictions.items()})

    def held_out(self) -> pd.DataFrame:
        """Predictions for the test rows it was never shown (columns as in the report's evaluation)."""
        return pd.read_parquet(self.folder / HELD_OUT_FILE)


def judged(said: Combined, calibration: Calibration, members: dict[str, NDArray[np.float64]]) -> Judged:
    """The ensemble's word with calibrated errors."""
    low, high, std = calibration.interval(said.moment, said.spread)
    return Judged(said.moment, low, high, std, said.p_magnetic, members)


def list_models(root: Path) -> list[Ensemble]:
    """All published models, oldest first."""
    return [Ensemble(folder) for folder in list_artefacts(root, MANIFEST_FILE)]


def open_model(root: Path, identifier: str | None = None) -> Ensemble:
    """A model by its id (or the start of it), or the one published last.

    Raises:
        UserError: there is none, or no single one of that name.
    """
    return Ensemble(find_artefact(root, MANIFEST_FILE, "model", identifier, "`ferroscreen train` (or `ferroscreen run`)"))


def artefact_files(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, by its name relative to it."""
    return {p.relative_to(folder).as_posix(): file_hash(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def artefact_id(files: dict[str, str]) -> str:
    return text_hash(*(part for pair in sorted(files.items()) for part in pair))[:16]


def model_card(manifest: dict[str, Any]) -> str:
    """What a person should know before trusting the model, in Markdown."""
    metrics = manifest["metrics"]["ensemble"]
    lines = [f"- {m['name']}: weight {m['weight']:.2f}, test MAE {m['mae']:.4f} µB/atom" for m in manifest["members"]]
    return "\n".join(
        [
            "# Model card",
            "",
            f"Predicts the size of the DFT magnetic moment per atom. Trained on snapshot `{manifest['snapshot']}`",
            f"({manifest['data']}; {manifest['rows']['train']} crystals to learn, {manifest['rows']['val']} to choose,",
            f"{manifest['rows']['test']} to judge, no chemical system in two parts), seed {manifest['seed']}.",
            "",
            f"On the test rows: MAE {metrics['mae']:.4f} µB/atom (predicting zero: {metrics['mae_of_zero']:.4f}).",
            *lines,
            "",
            "A prediction is a forecast of DFT, not of an experiment: the calculations behind the labels start ferromagnetic,",
            "so a large moment does not say that the ground state is a ferromagnet.",
            f"Magnetic means above {MAGNETIC_THRESHOLD} µB/atom.",
            "",
        ]
    )
