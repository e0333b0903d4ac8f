"""What differs between two runs as wholes: the data, what is known of them, the model, the settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from data.known_magnets import NAMED as HANDBOOK
from pipeline.screening.looked_up import LITERATURE, looked_up


class Cause(StrEnum):
    """Where a difference comes from."""

    DATA = "data"
    MEASURED = "measured values"
    KNOWN = "known crystals"
    MODEL = "model"
    SETTINGS = "settings"


@dataclass(frozen=True)
class Difference:
    """One thing that the runs do not share, in words."""

    cause: Cause
    what: str


_MODELS = {"model": "", "order_classifier": "order classifier ", "experiment_model": "experiment model "}  # keys of manifests
OTHER_CONTENTS = "{}, other files or contents"  # of one source, by its description
_PLACES = ("path", "ids", "licensed", "release")  # whose a source is, where and of when, are data; how it is read is a setting


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """All that differs in the manifests and can move a candidate."""
    found = []
    if before["input"] != after["input"]:
        sources = (before["source"], after["source"])
        what = " → ".join(sources) if sources[0] != sources[1] else OTHER_CONTENTS.format(sources[0])
        found.append(Difference(Cause.DATA, what))
    for prefix, table in ((LITERATURE, "literature snapshot"), (HANDBOOK, "table of known magnets")):
        measured = [looked_up(run, prefix) or "none" for run in (before, after)]
        if measured[0] != measured[1] and (prefix == LITERATURE or "none" not in measured):  # earlier releases named no table
            found.append(Difference(Cause.MEASURED, f"{table} {measured[0]} → {measured[1]}"))
    known = [run.get("known_from", "") for run in (before, after)]
    if known[0] != known[1] and "" not in known:  # earlier releases did not say
        found.append(Difference(Cause.KNOWN, f"crystals of the training data, by {_known(known[0])} → {_known(known[1])}"))
    for key, words in _MODELS.items():
        one, other = before.get(key), after.get(key)
        if one != other and one and other:  # earlier releases named fewer models
            found.append(Difference(Cause.MODEL, f"{words}{one} → {other}"))
    for name, one, other in (
        ("profile", before["profile"], after["profile"]),
        ("formula", before["formula"] if before["profile"] == after["profile"] else "", after["formula"]),
        ("reading", _settings(before["reading"]), _settings(after["reading"])),
        ("graphs", before["graph_settings"], after["graph_settings"]),
        ("code", code_of(before), code_of(after)),
        ("libraries", *_changed(before["provenance"]["libraries"], after["provenance"]["libraries"])),
    ):
        if one != other and one != "":
            found.append(Difference(Cause.SETTINGS, f"{name}: {_words(one)} → {_words(other)}"))
    return found


def code_of(run: dict[str, Any]) -> list[str]:
    """The versions of the code behind a run, from its manifest."""
    return [part for part in run["code"] if not part.startswith((LITERATURE, HANDBOOK))]


def _known(by: str | None) -> str:
    """What a run says under `known_from`, in words."""
    return "nothing" if by is None else "the model's fingerprints" if by == "fingerprints" else f"snapshot {by}"


def same_reading(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether both manifests say that files were read with the same settings."""
    return bool(_settings(before["reading"]) == _settings(after["reading"]))


def _settings(reading: Any) -> Any:
    if isinstance(reading, dict):
        return {k: _settings(v) for k, v in reading.items() if k not in (*_PLACES, "name")}
    return [_settings(part) for part in reading] if isinstance(reading, list) else reading


def _changed(one: dict[str, str], other: dict[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    names = [name for name in one if name in other and one[name] != other[name]]  # earlier releases recorded fewer libraries
    return {name: one[name] for name in names}, {name: other[name] for name in names}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_words(v)}" for k, v in value.items()) or "none"
    return ", ".join(map(_words, value)) if isinstance(value, list | tuple) else str(value)
