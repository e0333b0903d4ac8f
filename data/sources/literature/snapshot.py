"""Immutable snapshots of literature tables: sound values, what is known of each composition, and the quarantine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from data.errors import UserError
from data.sources.literature.compositions import known_compositions
from data.sources.literature.quarantine import reasons
from data.sources.literature.tables import amounts_of, composition_key, hashes, literature_files, read_values
from data.store.artifact import building, file_hash, find_artefact, list_artefacts, publish, text_hash, write_json
from data.store.versions import read_manifest

MANIFEST_FILE, VALUES_FILE, QUARANTINE_FILE = "manifest.json", "values.parquet", "quarantine.parquet"
COMPOSITIONS_FILE = "compositions.parquet"
LITERATURE_FORMAT = 1  # raise it whenever an older release would misread a snapshot
RULES_CODE = "literature-1"  # raise it whenever the same tables would give other compositions or another quarantine
VALUE_COLUMNS = ["key", "formula", "kind", "value_K", "source", "ref", "manual", "file", "row"]


@dataclass(frozen=True)
class LiteratureSnapshot:
    """A published snapshot."""

    folder: Path

    @property
    def id(self) -> str:
        return self.folder.name

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Raises UserError where it is damaged, or of a newer release."""
        what = f"literature snapshot {self.id}"
        return read_manifest(self.folder / MANIFEST_FILE, what, "format", LITERATURE_FORMAT, "refresh --source literature:FOLDER")

    def compositions(self) -> pd.DataFrame:
        return self._read(COMPOSITIONS_FILE)

    def values(self) -> pd.DataFrame:
        return self._read(VALUES_FILE)

    def quarantine(self) -> pd.DataFrame:
        return self._read(QUARANTINE_FILE)

    def _read(self, name: str) -> pd.DataFrame:
        path = self.folder / name
        if not path.is_file() or file_hash(path) != self.manifest["files"].get(name):
            raise UserError(f"literature snapshot {self.id}: {name} is damaged or missing; refresh --source literature:FOLDER")
        return pd.read_parquet(path)


def publish_literature(root: Path, folder: Path) -> LiteratureSnapshot:
    """Read all tables of a folder, keep impossible values aside, publish the rest under its content hash.

    Raises:
        UserError: no table, no sound value in it, or the home cannot be written.
    """
    files = literature_files(folder)
    values = read_values(files)
    fractions = {formula: amounts_of(formula) for formula in values["formula"].unique()}
    keys = {formula: composition_key(f) if f is not None else "" for formula, f in fractions.items()}
    values["fractions"] = pd.Series([fractions[formula] for formula in values["formula"]], index=values.index, dtype=object)
    values["key"] = values["formula"].map(keys)
    values["reason"] = reasons(values)
    sound, bad = values[values["reason"] == ""], values[values["reason"] != ""]
    if sound.empty:
        told = ", ".join(f"{n} × {r}" for r, n in Counter(bad["reason"]).most_common(4))
        raise UserError(f"no usable value in {folder}: {told or 'the tables are empty'}")
    known = known_compositions(sound)
    with building(root) as made:
        sound[VALUE_COLUMNS].to_parquet(made / VALUES_FILE, index=False)
        known.to_parquet(made / COMPOSITIONS_FILE, index=False)
        bad[[*VALUE_COLUMNS, "stated", "reason"]].to_parquet(made / QUARANTINE_FILE, index=False)
        digests = {name: file_hash(made / name) for name in (VALUES_FILE, COMPOSITIONS_FILE, QUARANTINE_FILE)}
        identifier = text_hash(RULES_CODE, *(digests[name] for name in sorted(digests)))[:16]
        manifest = {
            "kind": "literature", "format": LITERATURE_FORMAT, "rules": RULES_CODE, "id": identifier,
            "source": f"literature:{folder}",
            "tables": hashes(files), "values": len(sound), "compositions": len(known), "quarantined": len(bad),
            "quarantined_by_reason": dict(sorted(Counter(bad["reason"]).items())),
            "orders": {str(k): int(n) for k, n in known["order"].value_counts().sort_index().items()}, "files": digests,
        }  # fmt: skip
        write_json(made / MANIFEST_FILE, manifest)
        publish(made, root / identifier)
    return LiteratureSnapshot(root / identifier)


def open_literature(root: Path, identifier: str | None = None) -> LiteratureSnapshot:
    """A snapshot by its id (or the start of it), or the one published last. Raises UserError where there is none."""
    remedy = "`ferroscreen refresh --source literature:FOLDER`"
    return LiteratureSnapshot(find_artefact(root, MANIFEST_FILE, "literature snapshot", identifier, remedy))


def list_literature(root: Path) -> list[LiteratureSnapshot]:
    """All published snapshots, oldest first."""
    return [LiteratureSnapshot(folder) for folder in list_artefacts(root, MANIFEST_FILE)]


def newest_literature(root: Path) -> LiteratureSnapshot | None:
    """The one published last; None where there is none."""
    found = list_literature(root)
    return found[-1] if found else None
