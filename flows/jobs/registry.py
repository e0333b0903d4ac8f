"""The jobs that are flows as well, by name."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from flows.jobs.outlet import Outlet

_HOMES = {
    "run": "starter", "refresh": "refreshing", "train": "training", "train_order": "training_order",
    "train_experiment": "training_experiment", "screen": "screening", "report": "screening", "history": "history",
}  # fmt: skip


def job_function(name: str) -> Callable[[Any, Outlet], Any]:
    """The job of that name, imported late."""
    module = import_module(f"flows.jobs.{_HOMES[name]}")
    return cast("Callable[[Any, Outlet], Any]", getattr(module, name))
