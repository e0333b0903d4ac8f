"""Ids of crystals are data and nothing but data; ids of snapshots are found by their start."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import UserError
from data.rejection import Reason, Rejection
from data.snapshot import list_snapshots, open_snapshot, publish_snapshot

ROUNDS = 25
HOSTILE = ["../../etc/passwd", "/etc/passwd", "..", ".", "", " ", "a/b", "C:\\x", "<script>", "=1+1", "[Fe][nan]3", "{0}", "%s"]
HOSTILE += [
    "\x01\x1b[31m",
    "\u202e",
    "x" * 100_000,
    "\ufeff",
    "e\u0301",
    "\u00e9",
    "'; DROP TABLE",
    "\r\n",
    "\U0001f9f2",
    "nan",
    "None",
]

texts = st.one_of(st.text(max_size=60), st.text(alphabet="./\\\x00\n\r\t\x7f\u2028", max_size=12), st.sampled_from(HOSTILE))
Memory = Callable[[list[Any]], Any]
Iron = Callable[..., Any]


@settings(max_examples=ROUNDS)
@given(ids=st.lists(texts, min_size=1, max_size=6, unique=True))
def test_any_id_survives(memory_source: Memory, make_iron: Iron, ids: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        turned_away = [Rejection(i, i, i, Reason.NO_CELL, i) for i in ids]
        snapshot = publish_snapshot(root, memory_source([*map(make_iron, ids), *turned_away]))
        assert snapshot.table(["material_id"]).column(0).to_pylist() == ids
        assert [crystal.id for crystal in snapshot.crystals()] == ids
        for column in ("candidate_id", "source_file", "block", "detail"):
            assert snapshot.quarantine().column(column).to_pylist() == ids
        assert [path.name for path in Path(folder).iterdir()] == ["root"], "an id was taken for a path"
        assert sorted(path.name for path in root.iterdir()) == [snapshot.id]


def test_all_hostile_ids_at_once(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    snapshot = publish_snapshot(tmp_path, memory_source([make_iron(i) for i in HOSTILE]))
    assert [crystal.id for crystal in snapshot.crystals()] == HOSTILE


def test_without_a_snapshot(tmp_path: Path) -> None:
    for root in (tmp_path, tmp_path / "absent"):
        with pytest.raises(UserError, match="no snapshot yet"):
            open_snapshot(root)
        with pytest.raises(UserError, match="no snapshot yet"):
            open_snapshot(root, "abc")


def test_by_the_start_of_its_id(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    made = [publish_snapshot(tmp_path, memory_source([make_iron(str(k))])) for k in range(17)]  # two share a first digit
    assert open_snapshot(tmp_path).id == made[-1].id, "the newest"
    assert [s.id for s in list_snapshots(tmp_path)] == [s.id for s in made], "oldest first"
    for snapshot in made:
        assert open_snapshot(tmp_path, snapshot.id).folder == snapshot.folder
        alone = next(n for n in range(1, 17) if sum(s.id.startswith(snapshot.id[:n]) for s in made) == 1)
        assert open_snapshot(tmp_path, snapshot.id[:alone]).id == snapshot.id
        if alone > 1:
            with pytest.raises(UserError, match="no single snapshot"):
                open_snapshot(tmp_path, snapshot.id[: alone - 1])


@pytest.mark.parametrize("identifier", ["", "..", ".", "*", "?" * 16, "xyz", "0" * 17, "../root", "[0-9a-f]*", "\n"])
def test_names_that_are_no_id(tmp_path: Path, memory_source: Memory, make_iron: Iron, identifier: str) -> None:
    publish_snapshot(tmp_path / "root", memory_source([make_iron("a")]))
    with pytest.raises(UserError, match="no single snapshot"):
        open_snapshot(tmp_path / "root", identifier)


def test_half_built_and_foreign_folders_are_no_snapshots(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    snapshot = publish_snapshot(tmp_path, memory_source([make_iron("a")]))
    for name in (".building-x", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / ".building-x" / "manifest.json").write_text("{}")
    assert [s.id for s in list_snapshots(tmp_path)] == [snapshot.id]
