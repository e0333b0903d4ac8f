"""Structures without labels for benchmarks that train members of their own, and networks that learn them first, as in `train`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from data.store.artifact import make_folder
from flows.console import Console
from models.contract import FitControl, Model, Pretrainable
from models.graphs.crystal_graphs import CrystalGraphs
from models.saved import WEIGHTS_FILE
from pipeline.features.neighbours import GraphSettings
from pipeline.settings import Settings
from pipeline.training.unlabelled import Unlabelled


def read_structures(paths: Iterable[Path] | None, where: Settings, console: Console) -> CrystalGraphs | None:
    """All crystals of the paths, whatever their chemical system; None without paths."""
    return None if not paths else Unlabelled.of(paths).graphs(set(), GraphSettings(), where.workers, console)


def pretrained(
    model: Model, graphs: Callable[[], CrystalGraphs], folder: Path, console: Console, workers: int = 1
) -> Path | None:  # fmt: skip
    """The folder, with the model as it has learned structures; an earlier run's if it finished it.

    Args:
        model: not trained yet.
        graphs: gives the structures; asked only where they are still to be learned.
        folder: of the saved model and its checkpoint.
        console: receives the progress.
        workers: number of cores.

    Returns:
        None for a family that learns nothing from structures alone.
    """
    if not isinstance(model, Pretrainable):
        return None
    make_folder(folder)
    if not (folder / WEIGHTS_FILE).is_file():
        with console.bar("Structures", model.pretraining.epochs) as tick:
            model.pretrain(graphs(), FitControl(checkpoint=folder, workers=workers, report=lambda row: tick(1)))
        model.save(folder)
    return folder
