"""A published model of any kind: an immutable folder named by its content, found by its id, one of its kind in use.

The moment ensemble, the order classifier, the order ranker and the models of experiments are kinds of it. What they share is
here: manifest, hashes, which one is in use, and what a promotion asks of a model.
"""

from __future__ import annotations

import json
import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import numpy as np
import pandas as pd

from data.errors import UserError
from data.snapshot import open_snapshot
from data.store.artifact import building, file_hash, find_artefact, list_artefacts, publish, text_hash, write_bytes, write_json
from data.store.versions import read_manifest, refuse_newer
from models.saved import SETTINGS_FILE, WEIGHTS_FILE
from pipeline.old_names import with_current_columns
from pipeline.settings import Settings
from pipeline.training.splits import split_rows

MANIFEST_FILE = "manifest.json"
CARD_FILE = "CARD.md"  # for people; it says when, so no hash of it is stated
HELD_OUT_FILE = "held_out.parquet"
CURRENT_FILE = "current.json"  # beside the models: those promoted, the one in use last
CURRENT_FORMAT = 1  # raise it whenever an older release would misread the file that names the models in use
RETRAIN = "train again, restore it from a backup, or go back to the model before (`ferroscreen rollback --help`)"


@dataclass(frozen=True)
class PublishedModel(ABC):
    """A published model; opening it reads the manifest only."""

    folder: Path
    kind: ClassVar[str] = "model"  # as a person calls it
    directory: ClassVar[str] = "models"  # below the home, and below the shipped models
    edition: ClassVar[int] = 1  # raise it whenever an older release would misread a published model of this kind
    train_command: ClassVar[str] = "`ferroscreen train`"
    loss: ClassVar[str] = "error"  # what `errors` holds, with its unit
    equal: ClassVar[float] = 0.0  # by which a new model may be worse, with 97.5 % confidence, and still count as equal

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Raises UserError where it is damaged, or a newer release made the model."""
        return read_manifest(self.folder / MANIFEST_FILE, f"{self.kind} {self.id}", "format", self.edition, RETRAIN)

    def verify(self) -> None:
        """Raises UserError unless every file of the model has the hash that its manifest states."""
        for name, digest in self.manifest["files"].items():
            path = self.folder / name
            if not path.resolve().is_relative_to(self.folder.resolve()) or not path.is_file() or file_hash(path) != digest:
                raise UserError(f"{self.kind} {self.id}: {name} is damaged or missing; {RETRAIN}")

    @property
    def feature_codes(self) -> tuple[str, ...]:
        """Codes of the features that it reads, as this release computes them: a name, a number, perhaps further words."""
        return ()

    def refuse_other_features(self) -> None:
        """Raises UserError where the model learned from features that this release computes otherwise."""
        stated = {_name(code): _edition(code) for code in self.manifest.get("code", [])}
        for code in self.feature_codes:
            if (learned := stated.get(_name(code), _edition(code))) != _edition(code):
                raise UserError(
                    f"{self.kind} {self.id} learned from features ({learned}) that this release computes otherwise "
                    f"({_edition(code)}); {RETRAIN}"
                )

    @abstractmethod
    def load(self) -> None:
        """Load all that a prediction reads. Raises UserError where this release cannot: it is damaged, or of another format."""

    @abstractmethod
    def quality(self) -> str:
        """How good it is on test rows, in a few words."""

    def held_out(self) -> pd.DataFrame:
        """Predictions for the test rows that it was never shown; of an older release with the columns of this one."""
        return with_current_columns(pd.read_parquet(self.folder / HELD_OUT_FILE))

    def write_shipped(self, folder: Path) -> None:
        """Write what may be passed on into a folder: the model itself, without names of rows that it was trained or tested on."""
        for name in (WEIGHTS_FILE, SETTINGS_FILE):
            shutil.copyfile(self.folder / name, folder / name)

    @property
    def snapshots(self) -> list[str]:
        """Ids of what the model was made from."""
        return [self.manifest["snapshot"]]

    def learned_systems(self, where: Settings) -> set[str]:
        """Chemical systems that the model learned from or was calibrated on.

        Args:
            where: the home that holds its snapshot.

        Raises:
            UserError: the snapshot is gone.
        """
        table = open_snapshot(where.snapshots, self.manifest["snapshot"]).table(["chemsys", "split"])
        split = split_rows(table)
        return set(table.column("chemsys").take(np.concatenate([split.train, split.validation])).to_pylist())

    @classmethod
    @abstractmethod
    def shipped_card(cls, manifest: dict[str, Any]) -> str:
        """The card of a shipped model of this kind."""

    @abstractmethod
    def gates(self) -> list[str]:
        """Faults for which the model must not be used, independent of other models; one sentence each."""

    @abstractmethod
    def errors(self) -> pd.DataFrame:
        """error (smaller is better), truth and system of its test rows, by id; and their task where it has several."""


M = TypeVar("M", bound=PublishedModel)


def _edition(code: str) -> str:
    """The name and the number of a code; versions of libraries may follow."""
    return code.partition(",")[0]


def _name(code: str) -> str:
    return _edition(code).rpartition("-")[0]


def sound(model: PublishedModel) -> bool:
    """Whether every file of a published model is there as its manifest states."""
    try:
        model.verify()
    except UserError:
        return False
    return True


def published_models(root: Path, kind: type[M]) -> list[M]:
    """All published models of a kind, oldest first."""
    return [kind(folder) for folder in list_artefacts(root, MANIFEST_FILE)]


def open_published(root: Path, kind: type[M], identifier: str | None = None) -> M:
    """A model by its id (or the start of it), or the one in use: promoted last or, where none has been promoted, published last.

    Args:
        root: folder of all models of the kind.
        kind: class of the published model.
        identifier: id, or the start of it; None: the one in use.

    Raises:
        UserError: there is none, or no single one of that name.
    """
    if identifier is None and (promoted := current_models(root)):
        identifier = promoted[-1]
        if not is_there(root, identifier):
            raise UserError(f"{kind.kind} {identifier}, which is in use, is no longer in {root}; {RETRAIN}")
    return kind(find_artefact(root, MANIFEST_FILE, kind.kind, identifier, kind.train_command))


def is_there(root: Path, identifier: str) -> bool:
    """Whether there is a published model of this id."""
    return (root / identifier / MANIFEST_FILE).is_file()


def current_models(root: Path) -> list[str]:
    """Ids of the models that were promoted, the one in use last; empty where none was.

    Raises:
        UserError: the file that names them is not readable, or of a newer release.
    """
    return _named(root)["promoted"]


def given_up_models(root: Path) -> list[str]:
    """Ids of the models that were in use and given up for the one before. Raises UserError like `current_models`."""
    return _named(root)["given_up"]


def _named(root: Path) -> dict[str, list[str]]:
    try:
        content = json.loads((root / CURRENT_FILE).read_text())
        named = {"promoted": content["promoted"], "given_up": content.get("given_up", [])}  # of a release before: none
        found, stated = {key: [str(name) for name in names] for key, names in named.items()}, content.get("format", 1)
    except FileNotFoundError:
        return {"promoted": [], "given_up": []}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UserError(
            f"{root / CURRENT_FILE} does not name the models in use ({fault}); delete it and promote again"
        ) from fault
    refuse_newer(str(root / CURRENT_FILE), stated, CURRENT_FORMAT, "delete it and promote again")
    return found


def put_to_use(root: Path, promoted: list[str], given_up: list[str]) -> None:
    """Write which models were promoted, the one in use last, and which were given up."""
    write_json(root / CURRENT_FILE, {"format": CURRENT_FORMAT, "promoted": promoted, "given_up": given_up})


def publish_model(
    root: Path, kind: type[M], write: Callable[[Path], None], facts: dict[str, Any], card: Callable[[dict[str, Any]], str]
) -> M:
    """Publish a model under the hash of its files. One that is there already keeps its manifest, which says how it was made
    first, unless other code made it: it is of the present code now.

    Args:
        root: folder of all models of the kind.
        kind: class of the published model.
        write: writes the model's files into an empty folder.
        facts: what the manifest says besides kind, format, id and files.
        card: the model card, from the manifest.
    """
    with building(root) as folder:
        write(folder)
        files = artefact_files(folder)
        manifest = {"kind": kind.kind, "format": kind.edition, "id": artefact_id(files), **facts, "files": files}
        write_json(folder / MANIFEST_FILE, manifest)
        told = card(manifest).encode()
        write_bytes(folder / CARD_FILE, told)
        final = root / str(manifest["id"])
        if final.is_dir() and not sound(kind(final)):
            shutil.rmtree(final)  # what is published now has the same name and is whole
        if not publish(folder, final) and kind(final).manifest.get("code") != manifest.get("code"):
            write_bytes(final / CARD_FILE, told)
            write_json(final / MANIFEST_FILE, manifest)
    return kind(final)


def artefact_files(folder: Path) -> dict[str, str]:
    """Hash of every file below a folder, by its name relative to it."""
    return {p.relative_to(folder).as_posix(): file_hash(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def artefact_id(files: dict[str, str]) -> str:
    """The id of an artefact, from the names and hashes of its files."""
    return text_hash(*(part for pair in sorted(files.items()) for part in pair))[:16]
