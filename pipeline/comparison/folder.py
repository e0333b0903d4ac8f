"""The folder of a comparison."""

from __future__ import annotations

import json
from pathlib import Path

from data.errors import UserError
from data.store.claim import Contents, claim

RESULT = "comparison.json"
OWN = frozenset({RESULT, "comparison.csv", "comparison.html"})


def claim_comparison(folder: Path, pair: tuple[str, str], force: bool) -> Path:
    """Create the folder, or take one that holds the same comparison.

    Args:
        pair: ids of the earlier and the later run.
        force: write over another comparison, and beside other files.

    Raises:
        UserError: the folder holds something else, or cannot be written.
    """
    held = _pair(folder)
    claim(folder, Contents("a comparison", OWN, held is not None), force)
    if held is not None and held != pair and not force:
        raise UserError(
            f"{folder} holds the comparison of {held[0]} with {held[1]}: choose another --out, or write over it with --force"
        )
    return folder


def _pair(folder: Path) -> tuple[str, str] | None:
    """Which comparison lies in a folder; None where there is none."""
    try:
        content = json.loads((folder / RESULT).read_text())
        return str(content["before"]), str(content["after"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
