"""Evaluates a published model on labelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from data.errors import UserError
from data.snapshot import Snapshot
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.shipped import SYSTEMS_FILE, system_hash, systems_seen
from pipeline.settings import Settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.publish import scores
from pipeline.training.splits import split_rows

PARTS = ("train", "val", "test", "all")


def evaluate(ensemble: Ensemble, snapshot: Snapshot, part: str, where: Settings, reporter: Reporter) -> dict[str, Any]:
    """Metrics of the ensemble and its members on one part of a snapshot.

    Args:
        ensemble: the model.
        snapshot: a snapshot with labels.
        part: train, val, test or all.
        where: folders and number of cores.
        reporter: receives the progress.

    Returns:
        The metrics, under the same keys as in the model's manifest; `rows_of_learned_systems`, the number of rows whose chemical
        system the model learned from or was calibrated on, and `seen_in_training`, whether there is one. Both are None where the
        model's snapshot is gone.

    Raises:
        UserError: an unknown part, or a snapshot without labels.
    """
    if part not in PARTS:
        raise UserError(f"unknown split {part!r}; there are {', '.join(PARTS)}")
    needs = ensemble.needs
    data = labelled_examples(snapshot, needs.graph, needs.descriptor_set, needs.directions, where, reporter)
    rows = np.arange(len(data.examples)) if part == "all" else split_rows(data.table).part(part)
    examples = data.examples.take(rows)
    said, truth = ensemble.predict(examples), examples.targets()
    level = ensemble.error_model.calibration.level(truth, said.moment, said.size)
    learned = _rows_of_learned_systems(ensemble, data.table.column("chemsys").take(pa.array(rows)).to_pylist(), where)
    if learned:
        reporter.say(f"{learned} of {len(rows)} rows are of chemical systems that the model learned from: others err more")
    return {
        "model": ensemble.id,
        "snapshot": snapshot.id,
        "split": part,
        "seen_in_training": None if learned is None else learned > 0,
        "rows_of_learned_systems": learned,
        **scores(truth, said, level),
        "member_mae": {name: float(np.abs(moment - truth).mean()) for name, moment in said.members.items()},
    }


def _rows_of_learned_systems(ensemble: Ensemble, systems: list[str], where: Settings) -> int | None:
    """How many of the rows' chemical systems the model has seen; None where nobody knows any more."""
    if (ensemble.folder / SYSTEMS_FILE).is_file():  # a shipped model, whose snapshot no home needs to have
        seen = systems_seen(ensemble)
    else:
        try:
            seen = {system_hash(system) for system in ensemble.learned_systems(where)}
        except UserError:
            return None
    return sum(system_hash(system) in seen for system in systems)
