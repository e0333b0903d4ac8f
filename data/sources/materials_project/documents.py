"""Documents of the Materials Project, narrowed to what we keep: known fields, the structure as bare numbers, the rest aside."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from data.sources.materials_project.identity import canonical_id
from data.sources.materials_project.query import FIELDS, LISTED

UNREADABLE = "unreadable"  # the key of a document that could not be narrowed; its value says why
_FULL = 1e-3  # of an occupancy
_FAULT_LENGTH = 300  # characters


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """One material as the service told it. Ordered by id; of two with one id, the order is that of their text."""

    material_id: str  # canonical
    sent_id: str  # as the service wrote it
    text: str  # JSON of the known fields; the unknown ones below "other"

    @property
    def content(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.text)
        return loaded

    @property
    def mark(self) -> str:
        """What a listing says of it: another mark means that the document moved."""
        return listing_mark(self.content)


def narrow(raw: Any) -> Document:
    """The document without fields that are not used (Cartesian coordinates, class names); what is odd is kept as it came.

    A document that cannot be narrowed, whatever the fault is, becomes one that only says so: it ends in quarantine, and the
    others are not touched.
    """
    try:
        return _narrow(raw)
    except Exception as fault:
        words = f"{type(fault).__name__}: {fault}"[:_FAULT_LENGTH].encode("ascii", "backslashreplace").decode()
        digest = hashlib.sha256(repr(type(raw)).encode() + words.encode()).hexdigest()[:12]
        sent = raw.get("material_id") if isinstance(raw, dict) else None
        usable = isinstance(sent, str) and sent.isascii() and sent.isprintable()
        named = sent if usable and sent else f"without id {digest}"
        return Document(named, named, json.dumps({UNREADABLE: words}))


def _narrow(raw: dict[str, Any]) -> Document:
    known = {name: raw[name] for name in FIELDS if name in raw}
    other = {name: value for name, value in raw.items() if name not in FIELDS}
    if "structure" in known:
        known["structure"] = _compact(known["structure"])
    if other:
        known["other"] = other
    text = json.dumps(known, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    sent = raw.get("material_id")
    text.encode()  # lone surrogates cannot be written
    if not isinstance(sent, str) or not sent:
        sent = f"without id {hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return Document(canonical_id(sent), sent, text)


def listing_mark(row: dict[str, Any]) -> str:
    """The listed fields as one text, to be compared."""
    return json.dumps([row.get(name) for name in LISTED[1:]], sort_keys=True)


def _compact(structure: Any) -> Any:
    """{lattice, species, frac, moments} of an ordered structure; anything else comes back unchanged, for the reader to reject."""
    try:
        sites = structure["sites"]
        compact = {
            "lattice": structure["lattice"]["matrix"],
            "species": [_element(site) for site in sites],
            "frac": [site["abc"] for site in sites],
        }
        moments = [(site.get("properties") or {}).get("magmom") for site in sites]
    except (KeyError, TypeError, ValueError, AttributeError):
        return structure
    return {**compact, "moments": moments} if any(m is not None for m in moments) else compact


def _element(site: dict[str, Any]) -> str:
    """Raises ValueError for a shared or partly empty site; ions of one element that fill it together are that element."""
    (element,) = {str(species["element"]) for species in site["species"]}
    if abs(sum(species["occu"] for species in site["species"]) - 1) > _FULL:
        raise ValueError("partial occupancy")
    return element
