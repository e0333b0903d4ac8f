"""The families by name. A new family is one file and one line here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from models.contract import Model

_HOMES = {  # the only classes a saved model can name
    "forest": ("models.trees.forest", "Forest"),
    "extratrees": ("models.trees.forest", "ExtraTrees"),
    "boosting": ("models.trees.forest", "BoostedTrees"),
    "cgcnn": ("models.networks.cgcnn", "CGCNN"),
    "megnet": ("models.networks.megnet", "MEGNet"),
    "ecn": ("models.networks.ecn", "ECN"),
    "mcegnn": ("models.networks.mcegnn", "MCEGNN"),
    "mpnn": ("models.networks.mpnn", "MPNN"),
    "coordinates": ("models.published.coordinate_network", "Coordinates"),
    "canonical": ("models.published.canonicalization", "Canonical"),
}


def family_names() -> list[str]:
    return list(_HOMES)


def reads_descriptors(name: str) -> bool:
    """Whether a family learns from descriptors."""
    return name in _HOMES and _HOMES[name][0] == "models.trees.forest"


def can_pretrain(name: str) -> bool:
    """Whether a family learns from crystals without labels, too. Raises ModelError for an unknown name."""
    return hasattr(family(name), "pretrain")


def family(name: str) -> type[Model]:
    """The class of a family, imported late. Raises ModelError for an unknown name."""
    if name not in _HOMES:
        from models.contract import ModelError  # late: names alone are asked for before torch is imported

        raise ModelError(f"there is no model family {name!r}; there are {', '.join(_HOMES)}")
    module, attribute = _HOMES[name]
    return cast("type[Model]", getattr(import_module(module), attribute))
