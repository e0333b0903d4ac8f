"""One member of an ensemble: its share of the time, and its training, which a later run takes up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.errors import UserError
from data.store.artifact import file_hash, make_folder, write_json
from models.contract import Examples, FitControl, Model, ModelError, Prediction, Pretrainable
from models.families import family, reads_descriptors
from models.graphs.crystal_graphs import CrystalGraphs
from models.saved import SETTINGS_FILE, WEIGHTS_FILE
from pipeline.ops.ledger import Run
from pipeline.ops.progress import Reporter
from pipeline.training.settings import TrainSettings

DONE_FILE = "done.json"
PRETRAINING_SHARE = 0.2  # of a member's time, where that is limited; without a limit it takes about this share


class Deadlines:
    """Shares the time limit among the networks that are still to be trained."""

    def __init__(self, wanted: TrainSettings, work: Path) -> None:
        self.end = None if wanted.max_minutes is None else time.monotonic() + 60 * wanted.max_minutes
        networks = [name for name, kind, _ in wanted.names() if not reads_descriptors(kind)]
        self.left = [name for name in networks if not _finished(work / name)]

    def of(self, name: str) -> float | None:
        if self.end is None or name not in self.left:
            return None
        now = time.monotonic()
        return now + max(self.end - now, 0.0) / len(self.left)

    def finished(self, name: str) -> None:
        self.left = [n for n in self.left if n != name]


def pretrained_member(
    kind: str, graphs: CrystalGraphs, control: FitControl, folder: Path, reporter: Reporter, run: Run
) -> Path:  # fmt: skip
    """The folder, with a model in it that has learned from crystals without labels; it is trained if no earlier run did so."""
    _prepare(folder)
    if _finished(folder):
        return folder
    model = family(kind)()
    if not isinstance(model, Pretrainable):
        raise ModelError(f"{kind} learns nothing from crystals without labels")
    with _epochs(f"Pretraining {folder.name}", model.pretraining.epochs, folder.name, reporter, run) as report:
        history = model.pretrain(graphs, replace(control, deadline=_earlier(control.deadline), checkpoint=folder, report=report))
    _keep(model, history, folder)
    return folder


def trained_member(
    kind: str, train: Examples, validation: Examples, control: FitControl, folder: Path, reporter: Reporter, run: Run
) -> Model:  # fmt: skip
    """One trained member: loaded if an earlier run finished it, trained (or trained on) otherwise."""
    _prepare(folder)
    if _finished(folder):
        reporter.say(f"{folder.name}: trained by an earlier run")
        return family(kind).load(folder)
    model = family(kind)()
    network = getattr(model, "training", None)
    if network is None:  # a forest is kept when it is whole
        with reporter.bar(f"Training {folder.name}", 1) as tick:
            history = model.fit(train, validation, control)
            tick(1)
    else:
        with _epochs(f"Training {folder.name}", control.epochs or network.epochs, folder.name, reporter, run) as report:
            history = model.fit(train, validation, replace(control, report=report))
    if history:
        _gate(folder.name, model.predict(validation))
    _keep(model, history, folder)
    run.finished("member", folder.name)
    best = min(row["validation_mae"] for row in history)
    reporter.say(f"{folder.name}: validation error {best:.4f} µB/atom after {len(history)} epoch(s)")
    return model


def _prepare(folder: Path) -> None:
    make_folder(folder)
    for torn in folder.glob(".*.part"):  # of a run that was killed, or found the disk full, while it wrote
        torn.unlink()


@contextmanager
def _epochs(label: str, total: int, name: str, reporter: Reporter, run: Run) -> Iterator[Callable[[dict[str, float]], None]]:
    """A bar of epochs, which lie in checkpoints; each is written in the ledger."""
    done = 0
    with reporter.bar(label, total) as tick:

        def report(row: dict[str, float]) -> None:
            nonlocal done
            run.finished(f"epoch of {name}", f"{row['epoch']:.0f}")
            tick(int(row["epoch"]) - done)  # a resumed run starts beyond zero
            done = int(row["epoch"])

        yield report
        tick(total - done)


def _earlier(deadline: float | None) -> float | None:
    now = time.monotonic()
    return None if deadline is None else now + PRETRAINING_SHARE * max(deadline - now, 0.0)


def _keep(model: Model, history: list[dict[str, float]], folder: Path) -> None:
    """Save a member, and what tells that it is finished. Raises UserError where it has not learned."""
    if not history:
        raise UserError(
            f"the time limit ended before {folder.name} had learned for one epoch: give the same command again, which goes on "
            "with what is trained, or a longer --max-minutes"
        )
    model.save(folder)
    files = {name: file_hash(folder / name) for name in (WEIGHTS_FILE, SETTINGS_FILE)}
    write_json(folder / DONE_FILE, {"history": history, "files": files})


def _finished(folder: Path) -> bool:
    """Whether an earlier run trained the member of a folder, and its files are as it wrote them.

    They are not synchronised: after a power cut they may be torn, although `done.json` is whole.
    """
    try:
        done = json.loads((folder / DONE_FILE).read_text())
        return all(file_hash(folder / name) == digest for name, digest in done["files"].items())
    except (OSError, ValueError, KeyError):
        return False


def _gate(name: str, said: Prediction) -> None:
    """Raise ModelError for a network that diverged, so that a later run does not take it for finished."""
    if not (np.isfinite(said.moment).all() and np.isfinite(said.p_magnetic).all()):
        raise ModelError(f"{name}: predictions that are not finite")
