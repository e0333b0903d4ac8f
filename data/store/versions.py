"""Manifests of artefacts that another release may have made: they are read, or refused with a message that says what to do.

Each kind of artefact states the number of its format. The number is raised whenever an older release would misread the new
format. A manifest without a number counts as format 1.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from data.errors import UserError


def read_manifest(path: Path, what: str, key: str, known: int, remedy: str) -> dict[str, Any]:
    """The manifest in a JSON file.

    Args:
        path: the file.
        what: name of the artefact in messages.
        key: key of the format number in the manifest.
        known: the highest format that this release reads.
        remedy: what the user can do other than update ferroscreen.

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
    """Refuse a format that this release cannot read.

    Args:
        what: name of the artefact in messages.
        stated: the format number of the artefact.
        known: the highest format that this release reads.
        remedy: what the user can do other than update ferroscreen.

    Raises:
        UserError: `stated` is no whole number, or is larger than `known`.
    """
    if not isinstance(stated, int) or stated > known:
        raise UserError(
            f"{what} was made by a newer ferroscreen (format {stated}; this one reads up to {known}): "
            f"update ferroscreen, or {remedy}"
        )
