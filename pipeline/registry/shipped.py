"""The model that comes with ferroscreen: in use until a home has promoted one of its own.

It is an ensemble like any other, but for what it must not carry: its test rows have lost their names, and of the chemical systems
that it learned from only hashes remain. They are what a new model is held against it with.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import models
from data.errors import UserError
from data.snapshot import Snapshot, open_snapshot
from data.store.artifact import building, publish, text_hash, write_bytes, write_json
from pipeline.ops.progress import Reporter
from pipeline.registry.card import shipped_card
from pipeline.registry.ensemble import (
    CARD_FILE,
    HELD_OUT_FILE,
    MANIFEST_FILE,
    Ensemble,
    artefact_files,
    artefact_id,
    current_models,
    list_models,
    open_model,
)
from pipeline.settings import Settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.splits import split_rows

PRETRAINED = Path(models.__file__).parent / "pretrained"
SYSTEMS_FILE = "systems.json"
DIGITS = 12  # of a hash of a chemical system
NAMELESS = ["moment_dft", "moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "p_magnetic", "p_large", "unfamiliar"]


def shipped_model(root: Path = PRETRAINED) -> Ensemble | None:
    """The shipped ensemble; None in a checkout without one."""
    found = list_models(root)
    return found[-1] if found else None


def choose_model(where: Settings, identifier: str | None = None, root: Path = PRETRAINED) -> Ensemble:
    """A model by its id (or the start of it), of the home or the shipped one; by default the one in use.

    In use is what the home promoted last or, where it has promoted none, the shipped model.

    Raises:
        UserError: there is none, or no single one of that name.
    """
    shipped = shipped_model(root)
    if shipped is None or (identifier is None and current_models(where.models)):
        return open_model(where.models, identifier)
    if identifier is None or (shipped.id.startswith(identifier) and not _known(where, identifier)):
        return shipped
    return open_model(where.models, identifier)


def _known(where: Settings, identifier: str) -> bool:
    return any(model.id.startswith(identifier) for model in list_models(where.models))


def ship(ensemble: Ensemble, where: Settings, root: Path = PRETRAINED) -> Ensemble:
    """Copy a model to where the shipped one lies, in its place, without its test rows' names.

    Raises:
        UserError: its snapshot is gone, or the folder cannot be written.
    """
    _ = ensemble.members  # damaged files are not shipped
    snapshot = open_snapshot(where.snapshots, ensemble.manifest["snapshot"])
    before = list_models(root)
    with building(root) as folder:
        for name in sorted({Path(name).parts[0] for name in ensemble.manifest["files"] if "/" in name}):
            shutil.copytree(ensemble.folder / name, folder / name)
        rows = ensemble.held_out()[NAMELESS].sort_values("moment_muB_per_atom", kind="stable")
        rows.round(4).to_parquet(folder / HELD_OUT_FILE, index=False)
        write_json(folder / SYSTEMS_FILE, _seen(snapshot))
        files = artefact_files(folder)
        manifest = {**ensemble.manifest, "id": artefact_id(files), "shipped_from": ensemble.id, "files": files}
        write_json(folder / MANIFEST_FILE, manifest)
        write_bytes(folder / CARD_FILE, shipped_card(manifest).encode())
        publish(folder, root / str(manifest["id"]))
    for old in before:
        if old.id != manifest["id"]:
            shutil.rmtree(old.folder)
    return Ensemble(root / str(manifest["id"]))


def _seen(snapshot: Snapshot) -> list[str]:
    """Hashes of the chemical systems that a model learned from or was calibrated on."""
    table = snapshot.table(["chemsys", "split"])
    split = split_rows(table)
    rows = np.concatenate([split.train, split.validation])
    return sorted({system_hash(system) for system in table.column("chemsys").take(rows).to_pylist()})


def system_hash(system: str) -> str:
    return text_hash("chemical system", system)[:DIGITS]


@dataclass(frozen=True)
class ShippedRival:
    """The shipped model as the one that a home's first own model is held against."""

    ensemble: Ensemble
    where: Settings
    reporter: Reporter

    def errors(self, candidate: Ensemble) -> pd.DataFrame:
        """error, truth (µB/atom) and system of the candidate's test rows whose systems the shipped model never saw, by id.

        Raises:
            UserError: the candidate's snapshot is gone.
        """
        snapshot = open_snapshot(self.where.snapshots, candidate.manifest["snapshot"])
        mine = self.ensemble
        data = labelled_examples(snapshot, mine.graph_settings, mine.tier, mine.reads_vectors, self.where, self.reporter)
        table = data.table.select(["material_id", "chemsys"]).to_pandas()
        unseen = ~table["chemsys"].map(system_hash).isin(self._systems())
        asked = candidate.held_out()["material_id"]
        rows = np.flatnonzero(table["material_id"].isin(asked).to_numpy() & unseen.to_numpy())
        if len(rows) == 0:
            return pd.DataFrame({"error": [], "truth": [], "system": []})
        examples = data.examples.take(rows)
        error = np.abs(mine.judge(examples).moment - examples.targets())
        found = pd.DataFrame({"error": error, "truth": examples.targets(), "system": table["chemsys"].to_numpy()[rows]})
        return found.set_index(pd.Index(table["material_id"].to_numpy()[rows], name="material_id"))

    def _systems(self) -> set[str]:
        content: Any = json.loads((self.ensemble.folder / SYSTEMS_FILE).read_text())
        if not isinstance(content, list):
            raise UserError(f"{self.ensemble.folder / SYSTEMS_FILE} is damaged; restore it from the repository")
        return set(content)


def shipped_rival(where: Settings, reporter: Reporter, root: Path = PRETRAINED) -> ShippedRival | None:
    """None in a checkout without a shipped model."""
    shipped = shipped_model(root)
    return None if shipped is None else ShippedRival(shipped, where, reporter)
