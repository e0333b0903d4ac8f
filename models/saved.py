"""A model's two files: `model.json` has its settings, `model.safetensors` its parameters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from torch import nn

from models.contract import ModelError

Tensor = TypeVar("Tensor")
WEIGHTS_FILE = "model.safetensors"
SETTINGS_FILE = "model.json"


def write_header(folder: Path, family: str, edition: int, facts: dict[str, Any]) -> None:
    """Write `model.json`; `edition` is the format's, raised whenever older files would be misread."""
    (folder / SETTINGS_FILE).write_text(json.dumps({"family": family, "format": edition, **facts}, indent=2) + "\n")


def read_saved(
    folder: Path, family: str, edition: int, load: Callable[[Path], dict[str, Tensor]]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The header and, by safetensors' `load`, the tensors. Raises ModelError for anything but this family and format."""
    try:
        header = dict(json.loads((folder / SETTINGS_FILE).read_text()))
        tensors = load(folder / WEIGHTS_FILE)
    except (OSError, ValueError, TypeError, SafetensorError) as fault:
        raise ModelError(f"{folder} holds no readable model: {fault}") from fault
    if header.get("family") != family or header.get("format") != edition:
        raise ModelError(f"{folder} holds a {header.get('family')} of format {header.get('format')}, not {family} {edition}")
    return header, tensors


def set_weights(network: nn.Module, weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Put a saved network's weights into one of the same settings. Raises ModelError where they do not fit or are not finite."""
    try:
        network.load_state_dict(weights)
    except RuntimeError as fault:
        raise ModelError(f"the weights in {folder} do not fit their settings: {fault}") from fault
    if not all(bool(torch.isfinite(w).all()) for w in weights.values()):
        raise ModelError(f"{folder} holds weights that are not finite")
    network.eval()
