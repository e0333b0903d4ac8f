"""What is named as the cause of a difference between two screens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipeline.comparison.causes import Cause, code_of, differences
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


def test_another_release_of_the_materials_project_is_no_setting() -> None:
    runs = []
    for release in ("2026.10.1", "2026.11.3"):
        reading = {"kind": "materials-project", "path": f"/home/{release}", "release": release}
        runs.append({**manifest(), "input": release, "source": f"Materials Project {release}", "reading": reading})
    (found,) = differences(*runs)
    assert (found.cause, found.what) == (Cause.DATA, "Materials Project 2026.10.1 → Materials Project 2026.11.3")


def test_measured_values_are_no_setting() -> None:
    before = manifest()
    (found,) = differences(before, {**before, "code": [*before["code"], "literature-0123"]})
    assert (found.cause, found.what) == (Cause.MEASURED, "literature snapshot none → 0123")
    (back,) = differences({**before, "code": [*before["code"], "literature-0123"]}, before)
    assert (back.cause, back.what) == (Cause.MEASURED, "literature snapshot 0123 → none")


def test_another_table_of_known_magnets_is_no_setting() -> None:
    """Its crystals are standardised in the same way; an earlier release named no table."""
    before, after = ({**manifest(), "code": [*manifest()["code"], f"known-magnets-{name}"]} for name in ("0123", "4567"))
    (found,) = differences(before, after)
    assert (found.cause, found.what) == (Cause.MEASURED, "table of known magnets 0123 → 4567")
    assert code_of(before) == code_of(after) == manifest()["code"]
    assert differences(manifest(), after) == []


def test_what_crystals_are_compared_with_is_a_cause() -> None:
    before = {**manifest(), "known_from": None}
    (found,) = differences(before, {**before, "known_from": "fingerprints"})
    assert found.cause is Cause.KNOWN and found.what.endswith("by nothing → the model's fingerprints")
    assert differences({**before, "known_from": "abc"}, {**before, "known_from": "abc"}) == []


def test_an_earlier_release_did_not_say_what_crystals_were_compared_with() -> None:
    before = {name: value for name, value in manifest().items() if name != "known_from"}
    assert differences(before, {**before, "known_from": "abc"}) == []


def manifest() -> dict[str, Any]:
    """Of a screen with the libraries of this release."""
    told: dict[str, Any] = json.loads(OLD_RUN.read_text())
    return {**told, "provenance": provenance()}
