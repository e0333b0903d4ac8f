"""What snapshots and models have in common: an id that comes from their content, and a manifest that names their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.snapshot import Snapshot
from data.sources.literature.snapshot import LiteratureSnapshot
from data.store.tables import MANIFEST_FILE
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.order_ranker import OrderRanker
from pipeline.registry.published import PublishedModel, artefact_id
from pipeline.settings import Settings

MODEL_KINDS: tuple[type[PublishedModel], ...] = (Ensemble, OrderClassifier, OrderRanker, PublishedExperimentModel)


@dataclass(frozen=True)
class Kind:
    """A kind of artefacts: its name, the folder of all of them, and how one is opened."""

    name: str
    root: Path
    open: Callable[[Path], Snapshot | LiteratureSnapshot | PublishedModel]

    @property
    def leased(self) -> bool:
        """Whether who writes holds the lease of the folder: refreshes do, trainings do not."""
        return self.open in (Snapshot, LiteratureSnapshot)

    def stated(self, folder: Path) -> dict[str, str]:
        """Hash of every file that the manifest of an artefact names.

        Raises:
            UserError: it is not readable, of a newer release, or names a file outside of the artefact's folder.
        """
        manifest, what = self.open(folder).manifest, f"{self.name} {folder.name}: {MANIFEST_FILE}"
        files, pages = manifest.get("files"), manifest.get("pages", {})
        if not isinstance(files, dict) or not isinstance(pages, dict):
            raise UserError(f"{what} is damaged: it does not name the files")
        for name in (*files, *pages):
            if any(part in ("", ".", "..") or not part.isprintable() or "\\" in part for part in name.split("/")):
                raise UserError(f"{what} names {name!r}, which leads out of its folder")
        return {**files, **pages}

    def verify(self, folder: Path) -> None:
        """Raises UserError unless an artefact is whole and has the name that comes from its content."""
        one = self.open(folder)
        one.verify()
        if isinstance(one, PublishedModel) and artefact_id(one.manifest["files"]) != one.id:
            raise UserError(f"{one.kind} {one.id}: {MANIFEST_FILE} is damaged: it names the files of another model")


def kinds(where: Settings) -> tuple[Kind, ...]:
    """Snapshots first: models refer to them."""
    models = (Kind(kind.kind, where.home / kind.directory, kind) for kind in MODEL_KINDS)
    literature = Kind("literature snapshot", where.literature, LiteratureSnapshot)
    return Kind("snapshot", where.snapshots, Snapshot), literature, *models


def model_kind(word: str) -> type[PublishedModel]:
    """The kind of model with this name, as `--kind` takes it.

    Raises:
        UserError: there is none of that name.
    """
    named = {kind.kind.replace(" ", "-"): kind for kind in MODEL_KINDS}
    if word not in named:
        raise UserError(f"--kind is {', '.join(list(named)[:-1])} or {list(named)[-1]}, not {word!r}")
    return named[word]
