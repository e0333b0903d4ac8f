"""Manifests of artefacts that another release may have made: read, or refused with what to do.

Each kind of artefact states a whole number, raised whenever an older release would misread what is written now. A manifest
without one is from before there was one, which counts as 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data.errors import UserError


def read_manifest(path: Path, what: str, key: str, known: int, remedy: str) -> dict[str, Any]:
    """The manifest in a file.

    Args:
        path: of the file.
        what: the artefact, as a person calls it.
        key: under which the manifest states its number.
        known: the highest number that this release reads.
        remedy: what else to do than to take another release.

    Raises:
        UserError: there is no readable manifest, or a newer release made it.
    """
    try:
        content = json.loads(path.read_text())
        stated = content.get(key, 1)
    except (OSError, ValueError, AttributeError) as fault:
        raise UserError(f"{what}: {path.name} is damaged or missing; {remedy}") from fault
    refuse_newer(what, stated, known, remedy)
    found: dict[str, Any] = content
    return found


def refuse_newer(what: str, stated: object, known: int, remedy: str) -> None:
    """Raises UserError unless the number stated is one that this release reads."""
    if not isinstance(stated, int) or stated > known:
        raise UserError(
            f"{what} was made by a newer ferroscreen (format {stated}; this one reads up to {known}): "
            f"update ferroscreen, or {remedy}"
        )
