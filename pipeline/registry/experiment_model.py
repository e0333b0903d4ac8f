"""The models of experiments that come with ferroscreen: loading them, and putting new ones in their place."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from data.errors import UserError
from data.store.artifact import building, file_hash, write_bytes
from models.contract import ModelError
from models.experiment.model import ExperimentModel
from models.saved import WEIGHTS_FILE
from pipeline.ops.progress import Reporter
from pipeline.registry.experiment_card import experiment_card
from pipeline.registry.published import CARD_FILE
from pipeline.registry.shipped import PRETRAINED
from pipeline.training.experiment import ExperimentSettings, train_experiment
from pipeline.training.experiment_evaluation import evaluation_facts
from pipeline.training.experiment_rows import read_rows

FOLDER = PRETRAINED / "experiment"


@lru_cache(maxsize=1)
def experiment_model() -> ExperimentModel:
    """The shipped model, loaded once a process. Raises UserError where it is damaged or missing."""
    try:
        return ExperimentModel.load(FOLDER)
    except ModelError as fault:
        raise UserError(
            f"the models of experimental order and Curie temperature cannot be loaded; restore them from the repository: {fault}"
        ) from fault


@lru_cache(maxsize=1)
def experiment_id() -> str:
    """What a screen's identity says of them."""
    return file_hash(FOLDER / WEIGHTS_FILE)[:16]


def ship_experiment(model: ExperimentModel, card: str, folder: Path = FOLDER) -> None:
    """Write a model and its card in the place of the shipped ones."""
    with building(folder.parent) as made:
        model.save(made)
        write_bytes(made / CARD_FILE, card.encode())
        folder.mkdir(exist_ok=True)
        for file in made.iterdir():
            file.replace(folder / file.name)


def train_and_ship(
    tables: Path, work: Path, reporter: Reporter, settings: ExperimentSettings | None = None
) -> ExperimentModel:
    """Learn from the literature tables of a folder, evaluate by chemical systems, and ship; what `work` has is not learned again.

    Raises:
        UserError: a table is missing.
    """
    rows = read_rows(tables)
    model, crossed = train_experiment(rows, settings or ExperimentSettings(), work, reporter.say)
    facts = {**model.facts, **evaluation_facts(rows, crossed, model.forest_weight)}
    evaluated = replace(model, facts=facts)
    ship_experiment(evaluated, experiment_card(facts))
    return evaluated
