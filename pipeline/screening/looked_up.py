"""Which tables of measurements a run looked up, by its manifest. It imports nothing heavy: lists of runs read many manifests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LITERATURE = "literature-"  # in the `code` of a run's manifest, with the id of the user's literature snapshot


def literature_of(manifest: Mapping[str, Any]) -> str | None:
    """Id of the user's literature snapshot that a run looked up; None where it had none."""
    return looked_up(manifest, LITERATURE)


def looked_up(manifest: Mapping[str, Any], what: str) -> str | None:
    """What a run's manifest names in its `code` behind the prefix `what`; None where it names none."""
    code = manifest.get("code")
    named = [part for part in code if isinstance(part, str) and part.startswith(what)] if isinstance(code, list) else []
    return named[0].removeprefix(what) if named else None
