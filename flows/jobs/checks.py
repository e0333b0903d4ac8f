"""What is checked before a job starts, without a package that takes long to import."""

from __future__ import annotations

from numbers import Real
from pathlib import Path

import models
from data.errors import UserError
from data.store.artifact import find_artefact, list_artefacts, make_folder
from pipeline.settings import Settings

MODEL_FILE = "manifest.json"
PRETRAINED = Path(models.__file__).parent / "pretrained"


def check_home(where: Settings) -> None:
    """Raises UserError where the home cannot be created or written to."""
    make_folder(where.home)


def check_above_zero(option: str, value: float | None) -> None:
    """Raises UserError for a value that is given and not above 0; not-a-number is none."""
    if value is not None and not isinstance(value, Real):
        raise UserError(f"{option} is {value!r}; it must be a number")
    if value is not None and not value > 0:
        raise UserError(f"{option} is {value:g}; it must be above 0")


def check_model(where: Settings, identifier: str | None) -> None:
    """Whether there is a single model of that id, of the home or shipped; `choose_model` opens it.

    Raises:
        UserError: there is none, or no single one.
    """
    shipped = [folder.name for folder in list_artefacts(PRETRAINED, MODEL_FILE)]
    if shipped and (identifier is None or any(name.startswith(identifier) for name in shipped)):
        return
    if shipped and not list_artefacts(where.models, MODEL_FILE):
        raise UserError(f"no model is called {identifier!r}; there is {', '.join(shipped)} (`ferroscreen models`)")
    find_artefact(where.models, MODEL_FILE, "model", identifier, "`ferroscreen train`")
