"""Evaluates a published model on labelled rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from data.errors import UserError
from data.snapshot import Snapshot
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble
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
        The metrics, under the same keys as in the model's manifest.

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
    return {
        "model": ensemble.id,
        "snapshot": snapshot.id,
        "split": part,
        "seen_in_training": snapshot.id == ensemble.manifest["snapshot"] and part != "test",
        **scores(truth, said, level),
        "member_mae": {name: float(np.abs(moment - truth).mean()) for name, moment in said.members.items()},
    }
