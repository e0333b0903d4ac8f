"""Immutable snapshots of literature tables: sound values, what is known of each composition, and the quarantine."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from data.errors import UserError
from data.sources.literature.compositions import known_compositions
from data.sources.literature.quarantine import reasons
from data.sources.literature.tables import (
    amounts_of,
    composition_key,
    curated_files,
    hashes,
    literature_files,
    other_tables,
    read_values,
)
from data.store.artifact import building, file_hash, make_folder, text_hash, write_json
from data.store.tables import MANIFEST_FILE, PublishedTables, list_tables, open_tables, publish_tables

VALUES_FILE, QUARANTINE_FILE = "values.parquet", "quarantine.parquet"
COMPOSITIONS_FILE = "compositions.parquet"
CURATED_FOLDER = "curated"  # copies of the curated tables, where the folder has them
LITERATURE_FORMAT = 1  # raise it whenever an older release would misread a snapshot
RULES_CODE = "literature-3"  # raise it whenever the same tables would give other compositions or another quarantine
VALUE_COLUMNS = ["key", "formula", "kind", "value_K", "source", "ref", "manual", "given_key", "file", "row"]


class LiteratureSnapshot(PublishedTables):
    """Published tables of measured values."""

    kind: ClassVar[str] = "literature snapshot"
    format_key: ClassVar[str] = "format"
    edition: ClassVar[int] = LITERATURE_FORMAT
    remedy: ClassVar[str] = "refresh --source literature:FOLDER"
    first_step: ClassVar[str] = "`ferroscreen refresh --source literature:FOLDER`"
    required: ClassVar[frozenset[str]] = frozenset({VALUES_FILE, COMPOSITIONS_FILE, QUARANTINE_FILE})

    @classmethod
    def identifier(cls, manifest: dict[str, Any]) -> str:
        """Hash of the content of all tables, in the order of their names, and of the rules that made them."""
        return text_hash(manifest["rules"], *(manifest["files"][name] for name in sorted(manifest["files"])))[:16]

    def refuse_other_rules(self) -> None:
        """Raises UserError where another release read the tables, by rules that give other compositions."""
        if (rules := self.manifest.get("rules")) != RULES_CODE:
            raise UserError(
                f"{self.kind} {self.id} was read by the rules of another release ({rules}; this one has {RULES_CODE}): "
                f"`ferroscreen refresh --source literature:FOLDER` reads the tables again; without them, delete {self.folder}"
            )

    def compositions(self) -> pd.DataFrame:
        return self._read(COMPOSITIONS_FILE)

    def values(self) -> pd.DataFrame:
        """One row a sound value, VALUE_COLUMNS."""
        table = self._read(VALUES_FILE)
        return table if "given_key" in table else table.assign(given_key="")  # of a release before curated tables

    def quarantine(self) -> pd.DataFrame:
        return self._read(QUARANTINE_FILE)

    def curated(self) -> Path | None:
        """The folder of the curated tables, each checked against its hash; None where the snapshot has none."""
        names = [name for name in self.manifest["files"] if name.startswith(f"{CURATED_FOLDER}/")]
        for name in names:
            self._check(name)
        return self.folder / CURATED_FOLDER if names else None

    def _check(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file() or file_hash(path) != self.manifest["files"].get(name):
            raise UserError(f"{self.kind} {self.id}: {name} is damaged or missing; {self.remedy}")
        return path

    def _read(self, name: str) -> pd.DataFrame:
        return pd.read_parquet(self._check(name))


def publish_literature(
    root: Path, folder: Path, write_pages: Callable[[LiteratureSnapshot], Iterable[str]] = lambda snapshot: ()
) -> LiteratureSnapshot:
    """Read all tables of a folder, keep impossible values aside, publish the rest under its content hash.

    Args:
        root: folder of all literature snapshots.
        folder: holds the tables.
        write_pages: writes pages for people into a finished snapshot that has no name yet, and returns their names.

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
    known, others = known_compositions(sound), [path.name for path in other_tables(folder)]
    with building(root) as made:
        sound[VALUE_COLUMNS].to_parquet(made / VALUES_FILE, index=False)
        known.to_parquet(made / COMPOSITIONS_FILE, index=False)
        bad[[*VALUE_COLUMNS, "stated", "reason"]].to_parquet(made / QUARANTINE_FILE, index=False)
        curated = curated_files(folder)
        for path in curated:
            shutil.copyfile(path, make_folder(made / CURATED_FOLDER) / path.name)
        tables = [VALUES_FILE, COMPOSITIONS_FILE, QUARANTINE_FILE, *(f"{CURATED_FOLDER}/{path.name}" for path in curated)]
        digests = {name: file_hash(made / name) for name in tables}
        identifier = LiteratureSnapshot.identifier({"rules": RULES_CODE, "files": digests})
        manifest = {
            "kind": "literature", "format": LITERATURE_FORMAT, "rules": RULES_CODE, "id": identifier,
            "source": f"literature:{folder.resolve().name}",
            "tables": hashes([*files, *curated]), **({"left_alone": others} if others else {}),
            "values": len(sound), "compositions": len(known), "quarantined": len(bad),
            "quarantined_by_reason": dict(sorted(Counter(bad["reason"]).items())),
            "orders": {str(k): int(n) for k, n in known["order"].value_counts().sort_index().items()}, "files": digests,
        }  # fmt: skip
        write_json(made / MANIFEST_FILE, manifest)
        pages = {name: file_hash(made / name) for name in write_pages(LiteratureSnapshot(made))}
        write_json(made / MANIFEST_FILE, {**manifest, **({"pages": pages} if pages else {})})
        return publish_tables(made, LiteratureSnapshot(root / identifier))


def open_literature(root: Path, identifier: str | None = None) -> LiteratureSnapshot:
    """A snapshot by its id (or the start of it), or the one published last; see `open_tables`."""
    return open_tables(root, LiteratureSnapshot, identifier)


def list_literature(root: Path) -> list[LiteratureSnapshot]:
    """All published snapshots, oldest first."""
    return list_tables(root, LiteratureSnapshot)


def newest_literature(root: Path) -> LiteratureSnapshot | None:
    """The one published last, which is what measurements are looked up in; None where there is none.

    Raises:
        UserError: it is damaged, or another release read its tables by other rules.
    """
    found = list_literature(root)
    if not found:
        return None
    found[-1].refuse_other_rules()
    return found[-1]
