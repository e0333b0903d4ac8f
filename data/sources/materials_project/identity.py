"""Ids of the Materials Project: `mp-149` and `mp-ft` are one material. Their own library knows; nothing is parsed here."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def canonical_id(sent: str) -> str:
    """The form that the Materials Project itself prefers; an id that its library does not know stays as it is."""
    return _forms(sent)[0]


def other_forms(sent: str) -> set[str]:
    """Every known way to write an id, but the canonical one."""
    return set(_forms(sent)) - {canonical_id(sent)}


def can_be_asked(sent: str) -> bool:
    """Whether mp-api lets one ask for this id."""
    from emmet.core.mpid import validate_identifier

    try:
        validate_identifier(sent, serialize=False)
    except Exception:  # an id is the service's text, and their library raises what it likes
        return False
    return True


def _forms(sent: str) -> tuple[str, ...]:
    from emmet.core.mpid import AlphaID

    if "-" not in sent:  # AlphaID would read any word as a number
        return (sent,)
    try:
        known = AlphaID(sent)
        return str(known.string), str(known), sent
    except Exception:
        return (sent,)
