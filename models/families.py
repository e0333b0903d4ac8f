"""The families by name. A new family is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from models.contract import Model

_HOMES = {  # the only classes a saved model can name
    "forest": ("models.forest", "Forest"),
    "extratrees": ("models.forest", "ExtraTrees"),
    "boosting": ("models.forest", "BoostedTrees"),
    "cgcnn": ("models.cgcnn", "CGCNN"),
    "megnet": ("models.megnet", "MEGNet"),
    "ecn": ("models.ecn", "ECN"),
    "mcegnn": ("models.mcegnn", "MCEGNN"),
    "coordinates": ("models.coordinates", "Coordinates"),
    "canonical": ("models.canonical", "Canonical"),
}


def family_names() -> list[str]:
    return list(_HOMES)


def reads_descriptors(name: str) -> bool:
    """Whether a family learns from descriptors."""
    return name in _HOMES and _HOMES[name][0] == "models.forest"


def family(name: str) -> type[Model]:
    """The class of a family, imported late. Raises ModelError for an unknown name."""
    if name not in _HOMES:
        from models.contract import ModelError  # late: names alone are asked for before torch is imported

        raise ModelError(f"there is no model family {name!r}; there are {', '.join(_HOMES)}")
    module, attribute = _HOMES[name]
    return cast("type[Model]", getattr(import_module(module), attribute))
