"""Which model is in use: a new one is promoted only if it is sound and no worse on the same held-out rows.

Models are immutable artefacts. A file beside them names the model in use and the earlier ones, so that one command undoes a
promotion. Until a model has been promoted, the shipped one is in use.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from data.errors import UserError
from data.store.artifact import make_folder
from data.store.lock import locked
from pipeline.evaluation.bootstrap import Gain, cluster_bootstrap
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.published import (
    PublishedModel,
    current_models,
    given_up_models,
    open_published,
    put_to_use,
)

LOCK_FILE = ".promotion.lock"
NO_EARLIER = "there is no model to go back to: `ferroscreen promote` has replaced none"
SAME_LABEL = 1e-6  # between the truths that two models state for one row
FEWEST_SYSTEMS = 5  # chemical systems that both models held out


@dataclass(frozen=True)
class Decision:
    """Whether one model is promoted."""

    candidate: str
    against: str | None  # the model in use before; None if none had been promoted
    reasons: tuple[str, ...]  # why it is not promoted; empty if it is
    gain: Gain | None  # by which it errs less than the model in use, in the unit of its kind

    @property
    def promoted(self) -> bool:
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        gain = None if self.gain is None else self.gain.to_json()
        return {
            "model": self.candidate,
            "promoted": self.promoted,
            "against": self.against,
            "why_not": list(self.reasons),
            "gain": gain,
        }


class Rival(Protocol):
    """The shipped model as the one that a home's first own model of its kind is compared with."""

    @property
    def model(self) -> PublishedModel: ...

    def errors(self, candidate: Any) -> pd.DataFrame:
        """error, truth and system of the candidate's test rows whose systems the shipped model never saw, by id."""
        ...


def promote(
    root: Path, identifier: str, rival: Rival | None = None, kind: type[PublishedModel] = Ensemble
) -> Decision:
    """Put a model to use if every gate holds and the one in use is no better; otherwise say why, and change nothing.

    Where the one in use cannot be read any more, the one before it counts.

    Args:
        root: folder of all models of the kind.
        identifier: id of the model, or the start of it.
        rival: the shipped model, which is in use where no other has been promoted; None: nothing is.
        kind: what sort of model it is.

    Raises:
        UserError: no single model of that name, a damaged one, or one of features that this release computes otherwise.
    """
    candidate = open_published(root, kind, identifier)
    candidate.refuse_other_features()
    with _deciding(root):
        return _decide(root, candidate, rival, kind)


def promote_trained(root: Path, identifier: str, rival: Rival | None, kind: type[PublishedModel] = Ensemble) -> Decision:
    """`promote` of what a training has made. A training that finds nothing new to learn ends with the model of before: where that
    one was in use and somebody has chosen another since (`rollback` or `promote`), it is not put to use again."""
    candidate = open_published(root, kind, identifier)
    with _deciding(root):
        promoted = current_models(root)
        if candidate.id in {*promoted[:-1], *given_up_models(root)} and promoted[-1:] != [candidate.id]:
            option = "" if kind is Ensemble else f" --kind {kind.kind.replace(' ', '-')}"
            command = f"ferroscreen promote {candidate.id}{option}"
            again = f"it was in use before and another one was chosen since; `{command}` takes it again"
            return Decision(candidate.id, promoted[-1] if promoted else None, (again,), None)
        return _decide(root, candidate, rival, kind)


def _decide(root: Path, candidate: PublishedModel, rival: Rival | None, kind: type[PublishedModel]) -> Decision:
    before = current_models(root)
    if candidate.id == (before[-1] if before else None if rival is None else rival.model.id):
        return Decision(candidate.id, candidate.id, (), None)
    own = _readable(root, before, kind)
    current = own if own is not None or rival is None else rival.model
    reasons = candidate.gates()
    gain = None
    if current is not None:
        theirs = current.errors() if own is not None or rival is None else rival.errors(candidate)
        gain, fault = compare(candidate.errors(), theirs, current)
        reasons += [fault] if fault else []
    if not reasons:
        put_to_use(root, [*before, candidate.id], [name for name in given_up_models(root) if name != candidate.id])
    return Decision(candidate.id, None if current is None else current.id, tuple(reasons), gain)


def _readable(root: Path, promoted: list[str], kind: type[PublishedModel]) -> PublishedModel | None:
    """The model promoted last that predicts: one that is damaged, gone, or of an older release must not keep a sound one out."""
    for identifier in reversed(promoted):
        with suppress(UserError):
            found = open_published(root, kind, identifier)
            found.load()
            return found
    return None


def rollback(
    root: Path, shipped: PublishedModel | None = None, kind: type[PublishedModel] = Ensemble
) -> tuple[str, str]:
    """Go back to the newest earlier model that can be read; before the first promotion this is `shipped`.

    Args:
        root: folder of all models of the kind.
        shipped: the model in use before the first promotion; None: there is none.
        kind: class of the published model.

    Returns:
        The id of the model that was in use, and of the one that is in use now.

    Raises:
        UserError: there is no earlier model.
    """
    if not current_models(root):
        raise UserError(NO_EARLIER)
    with _deciding(root):
        before = current_models(root)
        own = _readable(root, before[:-1], kind)  # somebody may have deleted one, or upgraded
        taken = shipped if own is None else own
        if not before or taken is None:  # another process has just gone back
            raise UserError(NO_EARLIER)
        put_to_use(root, [] if own is None else before[: before.index(own.id) + 1], [*given_up_models(root), before[-1]])
    return before[-1], taken.id


@contextmanager
def _deciding(root: Path) -> Iterator[None]:
    """One decision at a time: it holds for the model that was in use when it began, and is waited for."""
    with locked(make_folder(root) / LOCK_FILE, str, wait_s=-1):
        yield


def compare(mine: pd.DataFrame, theirs: pd.DataFrame, current: PublishedModel) -> tuple[Gain | None, str]:
    """Compare two models on the rows that both held out, in each of their tasks where they have several.

    Args:
        mine: `error`, `truth`, `system` and perhaps `task` of the first model's held-out rows, by id.
        theirs: the same of the second model.
        current: the second model.

    Returns:
        The gain of the first model, and the reason against it; empty if there is none.
    """
    common = mine.join(theirs, how="inner", rsuffix="_current")
    # an id alone names no crystal: in two tables of a user, 1 may be two of them, and most truths are the same zero
    alike = common["system"] == common["system_current"]
    common = common[alike & ((common["truth"] - common["truth_current"]).abs() < SAME_LABEL)]
    if common["system"].nunique() < FEWEST_SYSTEMS:
        return None, f"it and {current.id} have held out too few rows in common ({len(common)}) to be compared"
    faults = []
    for task, rows in common.groupby(common["task"] if "task" in common else np.full(len(common), "")):
        if rows["system"].nunique() < FEWEST_SYSTEMS:
            faults.append(f"{task}: {len(rows)} rows in common with {current.id} are too few to be compared")
        elif (one := _gain(rows)).low < -current.equal:
            words = f"on {len(rows)} common test rows it may be worse than {current.id}: gains {one.text()} {current.loss}"
            faults.append(f"{task}: {words}" if task else words)
    return _gain(common), "; ".join(faults)


def _gain(rows: pd.DataFrame) -> Gain:
    return cluster_bootstrap((rows["error_current"] - rows["error"]).to_numpy(np.float64), rows["system"].to_list())
