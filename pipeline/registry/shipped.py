"""The model that comes with ferroscreen: in use until a home has promoted one of its own.

It is an ensemble like any other, but for what it must not carry: its test rows have lost their names, and of the chemical systems
that it learned from only hashes remain. They are what a new model is held against it with.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import models
from data.errors import UserError
from data.snapshot import open_snapshot
from data.store.artifact import building, text_hash, write_bytes, write_json
from pipeline.dedup.trained import FILE, KEY, pack, snapshot_fingerprints
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.published import M, PublishedModel, current_models, open_published, publish_model, published_models
from pipeline.settings import Settings
from pipeline.training.dataset import labelled_examples

PRETRAINED = Path(models.__file__).parent / "pretrained"
SYSTEMS_FILE = "systems.json"
DIGITS = 12  # of a hash of a chemical system


def shipped_model(root: Path = PRETRAINED) -> Ensemble | None:
    """The shipped ensemble; None in a checkout without one."""
    return shipped_of(Ensemble, root)


def shipped_of(kind: type[M], root: Path | None = None) -> M | None:
    """The shipped model of a kind; None in a checkout without one.

    Args:
        kind: class of the published model.
        root: folder of the shipped models of that kind, if it is not the checkout's.
    """
    found = published_models(root or shipped_root(kind), kind)
    return found[-1] if found else None


def shipped_root(kind: type[PublishedModel]) -> Path:
    """Where the checkout keeps the shipped model of a kind."""
    return PRETRAINED if kind is Ensemble else PRETRAINED / kind.directory


def choose_model(where: Settings, identifier: str | None = None, root: Path = PRETRAINED) -> Ensemble:
    """The ensemble to use; see `choose`.

    Args:
        where: the home.
        identifier: id, or the start of it; None: the one in use.
        root: folder of the shipped ensembles.
    """
    return choose(where, Ensemble, identifier, root)


def choose(where: Settings, kind: type[M], identifier: str | None = None, root: Path | None = None) -> M:
    """A model by its id (or the start of it), of the home or the shipped one; by default the one in use.

    In use is what the home promoted last or, where it has promoted none, the shipped model.

    Args:
        where: the home.
        kind: class of the published model.
        identifier: id, or the start of it.
        root: folder of the shipped models of that kind, if it is not the checkout's.

    Raises:
        UserError: there is none, or no single one of that name.
    """
    own, shipped = where.home / kind.directory, shipped_of(kind, root)
    if shipped is None or (identifier is None and current_models(own)):
        return open_published(own, kind, identifier)
    known = identifier is not None and any(model.id.startswith(identifier) for model in published_models(own, kind))
    if identifier is None or (shipped.id.startswith(identifier) and not known):
        return shipped
    if not known:
        gone = "a model that came with another release is not kept: screen again with the one in use"
        raise UserError(f"no single {kind.kind} is called {identifier!r}; `ferroscreen models` lists them ({gone})")
    return open_published(own, kind, identifier)


def ship(model: M, where: Settings, root: Path | None = None) -> M:
    """Copy a model to where the shipped one of its kind lies, in its place, without the names of its test rows.

    Args:
        model: of any kind.
        where: the home that holds the model's snapshot.
        root: folder of the shipped models of that kind, if it is not the checkout's.

    Raises:
        UserError: the model is damaged, its snapshot is gone, or the folder cannot be written.
    """
    model.verify()
    kind, root = type(model), root or shipped_root(type(model))
    systems, before = sorted(map(system_hash, model.learned_systems(where))), published_models(root, kind)

    def write(folder: Path) -> None:
        model.write_shipped(folder)
        write_json(folder / SYSTEMS_FILE, systems)
        for name, content in fingerprints.items():
            write_bytes(folder / name, content)

    told = {k: v for k, v in model.manifest.items() if k not in ("kind", "format", "id", "files")}
    fingerprints = {}
    if isinstance(model, Ensemble):
        snapshots = [open_snapshot(where.snapshots, read) for read in model.snapshots]
        found = [one for s in snapshots for one in snapshot_fingerprints(s, model.graph_settings.symprec_A, where.workers)]
        fingerprints[FILE], told[KEY] = pack(found)
    with building(root) as aside:
        made = publish_model(aside, kind, write, {**told, "shipped_from": model.id}, model.shipped_card)
        for old in before:  # also one of the same content, whose manifest may say less
            os.rename(old.folder, aside / f"old-{old.id}")
        os.rename(made.folder, root / made.id)
    return kind(root / made.id)


def system_hash(system: str) -> str:
    return text_hash("chemical system", system)[:DIGITS]


def systems_seen(model: PublishedModel) -> set[str]:
    """Hashes of the chemical systems that a shipped model learned from. Raises UserError where they are damaged or missing."""
    path = model.folder / SYSTEMS_FILE
    try:
        content: Any = json.loads(path.read_text())
    except (OSError, ValueError) as fault:
        raise UserError(f"{path} is damaged or missing; restore it from the repository") from fault
    if not isinstance(content, list):
        raise UserError(f"{path} is damaged; restore it from the repository")
    return set(content)


@dataclass(frozen=True)
class ShippedRival:
    """The shipped model as the one that a home's first own model is held against."""

    model: Ensemble
    where: Settings
    reporter: Reporter

    def errors(self, candidate: Ensemble) -> pd.DataFrame:
        """error, truth (µB/atom) and system of the candidate's test rows whose systems the shipped model never saw, by id.

        Raises:
            UserError: the candidate's snapshot is gone.
        """
        snapshot = open_snapshot(self.where.snapshots, candidate.manifest["snapshot"])
        mine, where = self.model, self.where
        data = labelled_examples(snapshot, mine.graph_settings, mine.descriptor_set, mine.needs.directions, where, self.reporter)
        table = data.table.select(["material_id", "chemsys"]).to_pandas()
        unseen = ~table["chemsys"].map(system_hash).isin(systems_seen(self.model))
        asked = candidate.held_out()["material_id"]
        rows = np.flatnonzero(table["material_id"].isin(asked).to_numpy() & unseen.to_numpy())
        if len(rows) == 0:
            return pd.DataFrame({"error": [], "truth": [], "system": []})
        examples = data.examples.take(rows)
        error = np.abs(mine.predict(examples).moment - examples.targets())
        found = pd.DataFrame({"error": error, "truth": examples.targets(), "system": table["chemsys"].to_numpy()[rows]})
        return found.set_index(pd.Index(table["material_id"].to_numpy()[rows], name="material_id"))


def shipped_rival(where: Settings, reporter: Reporter, root: Path = PRETRAINED) -> ShippedRival | None:
    """None in a checkout without a shipped model.

    Args:
        where: the home that holds the candidates' snapshots.
        reporter: receives the progress.
        root: folder of the shipped ensembles.
    """
    shipped = shipped_model(root)
    return None if shipped is None else ShippedRival(shipped, where, reporter)
