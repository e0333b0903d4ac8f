"""What differs between two runs as wholes: the data, the model, the settings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Cause(StrEnum):
    """Where a difference comes from."""

    DATA = "data"
    MODEL = "model"
    SETTINGS = "settings"


@dataclass(frozen=True)
class Difference:
    """One thing that the runs do not share, in words."""

    cause: Cause
    what: str


_MODELS = {"model": "", "order_classifier": "order classifier ", "experiment_model": "experiment model "}  # keys of manifests
OTHER_CONTENTS = "{}, other files or contents"  # of one source, by its description
_PLACES = ("path", "ids", "licensed")  # where a source lies and whose it is are data; how it is read is a setting


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    """All that differs in the manifests and can move a candidate."""
    found = []
    if before["input"] != after["input"]:
        sources = (before["source"], after["source"])
        what = " → ".join(sources) if sources[0] != sources[1] else OTHER_CONTENTS.format(sources[0])
        found.append(Difference(Cause.DATA, what))
    for key, words in _MODELS.items():
        one, other = before.get(key), after.get(key)
        if one != other and one and other:  # earlier releases named fewer models
            found.append(Difference(Cause.MODEL, f"{words}{one} → {other}"))
    for name, one, other in (
        ("profile", before["profile"], after["profile"]),
        ("formula", before["formula"] if before["profile"] == after["profile"] else "", after["formula"]),
        ("reading", _settings(before["reading"]), _settings(after["reading"])),
        ("graphs", before["graph_settings"], after["graph_settings"]),
        ("code", before["code"], after["code"]),
        ("libraries", *_changed(before["provenance"]["libraries"], after["provenance"]["libraries"])),
    ):
        if one != other and one != "":
            found.append(Difference(Cause.SETTINGS, f"{name}: {_words(one)} → {_words(other)}"))
    return found


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
