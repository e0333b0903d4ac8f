"""Documents pulled from the Materials Project, as crystals with labels. Reads a file; `data.materials_project` fetches it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq

from data.checks import Unsound, check_crystal
from data.crystal import Crystal, CrystalError, make_crystal
from data.errors import UserError
from data.labels import ORDERINGS, Label
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.sources.materials_project.documents import UNREADABLE, Document
from data.sources.materials_project.query import REQUIRED
from data.sources.materials_project.rules import find_contradiction
from data.sources.materials_project.state import DOCUMENTS_FILE, ROWS_PER_GROUP, read_documents
from data.store.artifact import file_hash, text_hash

NAME = "Materials Project"
DOCUMENTS_PER_SHARD = ROWS_PER_GROUP  # so that no group is read twice
_T = TypeVar("_T")
_FAULT_LENGTH = 300  # characters of a message
_RELEASED = re.compile(rf"(?:^|(?<=, )){NAME} [^\s,]+")  # at the beginning, or after other sources


@dataclass(frozen=True)
class MaterialsProjectSource:
    """The documents of a pull, in the order of their ids."""

    path: Path
    release: str  # database version

    @property
    def description(self) -> str:
        return f"{NAME} {self.release}"

    def identity(self) -> str:
        return text_hash("materials project", self.release, file_hash(self.path))

    def shards(self) -> Iterator[Shard]:
        rows = pq.read_metadata(self.path).num_rows
        for start in range(0, rows, DOCUMENTS_PER_SHARD):
            stop = min(start + DOCUMENTS_PER_SHARD, rows)
            yield Shard((start, stop), stop - start)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        start, stop = shard.part
        for row, document in zip(range(start, stop), read_documents(self.path, start, stop), strict=True):
            yield Shard((row, row + 1), 1), Rejection(document.material_id, NAME, document.sent_id, Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for document in read_documents(self.path, *shard.part):
            yield _guarded(document, read_document)


@dataclass(frozen=True)
class MaterialsProjectCandidates(MaterialsProjectSource):
    """Those of the documents that the ICSD knows, unlabelled: crystals that were synthesised."""

    @property
    def description(self) -> str:
        return f"{NAME} {self.release}, known to the ICSD"

    def identity(self) -> str:
        return text_hash("known to the icsd", super().identity())

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        for document in read_documents(self.path, *shard.part):
            found = _guarded(document, _candidate)
            if found is not None:
                yield found


def without_release(description: str) -> str:
    """What a source is called, whatever the release of the Materials Project: the next night's is the same source."""
    return _RELEASED.sub(NAME, description)


def materials_project_candidates(snapshot: Path) -> MaterialsProjectCandidates:
    """The candidates in the folder of a snapshot. Raises UserError where it is none of the Materials Project."""
    path = snapshot / DOCUMENTS_FILE
    try:
        release = str(json.loads((snapshot / "manifest.json").read_text())["origin"]["database_version"])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UserError(f"{snapshot} is no snapshot of the {NAME}") from fault
    return MaterialsProjectCandidates(path, release)


def _guarded(document: Document, read: Callable[[Document], _T]) -> _T | Rejection:
    """What `read` makes of a document; whatever it raises stands in the quarantine and stops no other document."""
    try:
        return read(document)
    except Exception as fault:
        return _rejection(document, Reason.FAILED, f"{type(fault).__name__}: {fault}"[:_FAULT_LENGTH])


def _candidate(document: Document) -> Record | Rejection | None:
    """None for a document that the ICSD does not know."""
    content = document.content
    if not _is_known(content.get("database_IDs")):
        return None
    crystal = _crystal(document, content.get("structure"))
    known = _finite(content.get("energy_above_hull"))
    return crystal if isinstance(crystal, Rejection) else Record(crystal, NAME, e_above_hull=known)


def _is_known(database_ids: Any) -> bool:
    return isinstance(database_ids, dict) and bool(database_ids.get("icsd"))


def read_document(document: Document) -> Record | Rejection:
    """The crystal and the label of one document, or why there is none."""
    content = document.content
    if UNREADABLE in content:
        return _rejection(document, Reason.FAILED, f"the document cannot be narrowed: {content[UNREADABLE]}")
    missing = [name for name in REQUIRED if content.get(name) is None]
    if missing:
        return _rejection(document, Reason.MISSING_VALUE, f"the service states no {', '.join(missing)}")
    total = _finite(content["total_magnetization"])
    if total is None:
        return _rejection(document, Reason.BAD_LABEL, f"total_magnetization is {content['total_magnetization']!r:.60}, no number")
    crystal = _crystal(document, content["structure"])
    if isinstance(crystal, Rejection):
        return crystal
    fault = find_contradiction(content, crystal, total, _site_moments(content["structure"], crystal.n_sites))
    if fault is not None:
        return _rejection(document, *fault)
    ordering = content.get("ordering")  # MP says "Unknown", too
    label = Label(total, None, ordering if ordering in ORDERINGS else None, "MP, started ferromagnetic unless enumerated")
    return Record(crystal, NAME, label)


def _crystal(document: Document, structure: Any) -> Crystal | Rejection:
    from pymatgen.core import Element

    try:
        numbers = [Element(symbol).Z for symbol in structure["species"]]
        crystal = make_crystal(document.material_id, structure["lattice"], structure["frac"], numbers)
        check_crystal(crystal)
        return crystal
    except Unsound as fault:
        return _rejection(document, fault.reason, fault.detail)
    except CrystalError as fault:
        return _rejection(document, Reason.NO_CELL, str(fault))
    except (KeyError, TypeError, ValueError) as fault:
        detail = f"the structure is not an ordered crystal of known elements ({type(fault).__name__}: {fault!s:.80})"
        return _rejection(document, Reason.BAD_COORDINATES, detail)


def _site_moments(structure: dict[str, Any], n_sites: int) -> list[float] | None:
    """µB a site; None where a site has none, or moments are vectors."""
    moments = structure.get("moments")
    if not isinstance(moments, list) or len(moments) != n_sites:
        return None
    known = [_finite(moment) for moment in moments]
    return None if any(moment is None for moment in known) else [moment for moment in known if moment is not None]


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _rejection(document: Document, reason: Reason, detail: str) -> Rejection:
    return Rejection(document.material_id, NAME, document.sent_id, reason, detail)
