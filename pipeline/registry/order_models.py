"""The order classifier, the order ranker and the models of experiments in use; what a process loads of them, it loads once."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.order_ranker import OrderRanker
from pipeline.registry.shipped import choose
from pipeline.settings import Settings, settings


def order_classifier(where: Settings | None = None) -> OrderClassifier:
    """The one that the home promoted last, or the shipped one. Raises UserError where there is none."""
    return load_classifier(choose(where or settings(), OrderClassifier).folder)


def order_ranker(where: Settings | None = None) -> OrderRanker:
    """The one that the home promoted last, or the shipped one. Raises UserError where there is none."""
    return load_ranker(choose(where or settings(), OrderRanker).folder)


def experiment_model(where: Settings | None = None) -> PublishedExperimentModel:
    """The one that the home promoted last, or the shipped one. Raises UserError where there is none."""
    return load_experiment(choose(where or settings(), PublishedExperimentModel).folder)


@lru_cache(maxsize=4)
def load_experiment(folder: Path) -> PublishedExperimentModel:
    """A published model of experiments by its folder."""
    return PublishedExperimentModel(folder)


@lru_cache(maxsize=4)
def load_classifier(folder: Path) -> OrderClassifier:
    """A published order classifier by its folder; folders are named by content, so that one is read once."""
    return OrderClassifier(folder)


@lru_cache(maxsize=4)
def load_ranker(folder: Path) -> OrderRanker:
    """A published order ranker by its folder."""
    return OrderRanker(folder)
