"""ship-experiment: the models of experiments that come with ferroscreen, for those who release it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.common import facts


def ship_experiment(
    folder: Annotated[Path, typer.Argument(help="Folder of literature tables (docs/how-to/literature.md).")],
) -> None:
    """Learn experimental order and transition temperatures anew, in the place of the shipped ones.

    Killed and started again, it goes on where it was.
    """
    from flows.console import reporter, use_console
    from pipeline.registry.experiment_model import FOLDER, train_and_ship
    from pipeline.settings import settings

    use_console(quiet=False)
    model = train_and_ship(folder, settings().work / "experiment", reporter())
    shown = {"rows": model.facts["rows"]["tc"], "mean error of Tc, K": model.facts["tc"]["mae_K"]}
    facts("Shipped", {**shown, "AUROC of the order": model.facts["order"]["auroc"], "folder": FOLDER})
