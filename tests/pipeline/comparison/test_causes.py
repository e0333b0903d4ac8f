"""What is named as the cause of a difference between two screens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.comparison.causes import Cause, differences
from pipeline.ops.provenance import provenance

OLD_RUN = Path(__file__).parents[2] / "upgrades" / "artefacts" / "run-1" / "2482627902e348dd" / "manifest.json"


def test_an_upgraded_library_is_a_cause() -> None:
    before = manifest()
    upgraded = {**before["provenance"]["libraries"], "scipy": "99.0"}
    (found,) = differences(before, {**before, "provenance": {"libraries": upgraded}})
    assert found.cause is Cause.SETTINGS and found.what.startswith("libraries: scipy") and found.what.endswith("→ scipy 99.0")


def test_a_library_that_an_earlier_release_did_not_record_is_none() -> None:
    """Its version at that time is unknown; it need not have changed."""
    after = manifest()
    fewer = {name: version for name, version in after["provenance"]["libraries"].items() if name != "scipy"}
    assert differences({**after, "provenance": {"libraries": fewer}}, after) == []


def manifest() -> dict[str, Any]:
    """Of a screen with the libraries of this release."""
    told: dict[str, Any] = json.loads(OLD_RUN.read_text())
    return {**told, "provenance": provenance()}
