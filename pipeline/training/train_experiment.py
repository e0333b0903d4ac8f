"""Training the models of experiments on a literature snapshot, and publishing them."""

from __future__ import annotations

import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.sources.literature.snapshot import LiteratureSnapshot
from data.store.artifact import make_folder, text_hash, write_json
from models.experiment.composition_network import TASKS
from models.experiment.model import temperatures
from pipeline.evaluation.experiment_metrics import crossed_order
from pipeline.features.magnetic_composition import COMPOSITION_CODE
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.ops.provenance import provenance
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.published import HELD_OUT_FILE, publish_model, published_models, sound
from pipeline.settings import Settings
from pipeline.training.experiment import MEMBERS_CODE, CrossFitted, ExperimentSettings, train_experiment
from pipeline.training.experiment_evaluation import evaluation_facts
from pipeline.training.experiment_rows import ExperimentRows
from pipeline.training.literature_rows import literature_rows
from pipeline.training.train import SNAPSHOT_FILE

EXPERIMENT_CODE = "experiment-4"  # raise it whenever the same snapshot and settings would give another model
_CODE = (EXPERIMENT_CODE, MEMBERS_CODE, COMPOSITION_CODE)  # all that decides a model beside the snapshot and the settings


def train_experiment_model(
    snapshot: LiteratureSnapshot, where: Settings, reporter: Reporter, settings: ExperimentSettings | None = None
) -> PublishedExperimentModel:
    """Train and publish the models of experiments. A stopped training continues; a finished one is returned as it is.

    Args:
        snapshot: published tables of measured values.
        where: the home.
        reporter: receives the progress.
        settings: numbers and sizes of the members; None: the default ones.

    Raises:
        UserError: the snapshot holds too little to learn from, is damaged, or another release read its tables by other rules.
        Busy: another process is training the same.
    """
    snapshot.refuse_other_rules()
    wanted = settings or ExperimentSettings()
    training = text_hash(*_CODE, snapshot.id, repr(asdict(wanted)))[:16]
    with Ledger(where.home).run("train-experiment", f"train-experiment-{training}", {"snapshot": snapshot.id}) as run:
        finished = _finished(where, training)
        if finished is not None:
            reporter.say("The same training is finished and its model is sound: nothing to learn")
            return finished
        work = make_folder(where.work / f"train-experiment-{training}")
        write_json(work / SNAPSHOT_FILE, {"snapshot": snapshot.id})  # what is read here must not be pruned
        rows = literature_rows(snapshot)
        trained, crossed = train_experiment(rows, wanted, work, reporter.say)
        scores = _without_nan(evaluation_facts(rows, crossed, trained.forest_weight))
        model = replace(trained, facts={**trained.facts, **scores})
        held_out = _held_out(rows, crossed, trained.forest_weight)

        def write(folder: Path) -> None:
            model.save(folder)
            held_out.to_parquet(folder / HELD_OUT_FILE, index=False)

        facts = {
            "snapshot": snapshot.id, "data": snapshot.manifest["source"], "code": list(_CODE),
            "training": training, "settings": asdict(wanted), "scores": model.facts, "provenance": provenance(),
        }  # fmt: skip
        published = publish_model(
            where.experiment_models, PublishedExperimentModel, write, facts, PublishedExperimentModel.shipped_card
        )
        run.finished("publish", published.id)
        shutil.rmtree(work, ignore_errors=True)
    return published


def _finished(where: Settings, training: str) -> PublishedExperimentModel | None:
    """The model of an earlier training of the same. What cannot be read is none: it is what a training replaces."""
    found = published_models(where.experiment_models, PublishedExperimentModel)
    return next((m for m in reversed(found) if sound(m) and m.manifest.get("training") == training), None)


def _held_out(rows: ExperimentRows, crossed: CrossFitted, forest_weight: dict[str, float]) -> pd.DataFrame:
    """What members predicted for chemical systems that they had not seen; see `PublishedExperimentModel`."""
    said, parts = crossed.combined(forest_weight), []
    for task in TASKS:
        known, truth, _ = rows.target(task)
        mean, deviation = said[task][0][known], said[task][1][known]
        predicted = crossed_order(mean, truth, rows.fold[known]) if task == "order" else temperatures(mean, deviation)[0]
        named = rows.table.iloc[known][["key", "chemsys"]].reset_index(drop=True)
        parts.append(named.assign(task=task, truth=truth, predicted=np.asarray(predicted, dtype=np.float64)))
    return pd.concat(parts, ignore_index=True)


def _without_nan(value: Any) -> Any:
    """The value with None for a share of no rows: JSON has no NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
