"""Damage to a saved model's two files, for tests that they are refused."""

from __future__ import annotations

import json
from pathlib import Path

from models.saved import SETTINGS_FILE, WEIGHTS_FILE


def spoil(folder: Path, damage: str) -> None:
    """An unreadable header, weights that are cut off, or a header of another family."""
    settings, weights = folder / SETTINGS_FILE, folder / WEIGHTS_FILE
    if damage == "header":
        settings.write_text("{")
    elif damage == "weights":
        weights.write_bytes(weights.read_bytes()[:-9])
    elif damage == "family":
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "family": "forest"}))
    else:
        raise ValueError(damage)
