"""Snapshots: same source, same bytes; whole or absent; bad labels and repeated ids in quarantine."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from data import schema
from data.errors import UserError
from data.labels import Label, saturation_T
from data.rejection import Reason, Rejection
from data.snapshot import CRYSTALS_FILE, QUARANTINE_FILE, list_snapshots, open_snapshot, publish_snapshot
from data.sources.starter import StarterSource
from data.store.tables import MANIFEST_FILE

FILES = sorted([CRYSTALS_FILE, MANIFEST_FILE, QUARANTINE_FILE])
UNIT_TOLERANCE = 1e-12  # relative, between columns of one row

Memory = Callable[[list[Any]], Any]
Iron = Callable[..., Any]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def described(columns: pa.Schema) -> list[tuple[str, bool, bytes, bytes]]:
    """Name, nullability, unit and meaning of each column."""
    return [(f.name, f.nullable, f.metadata[b"unit"], f.metadata[b"meaning"]) for f in columns]


def flip_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_the_same_source_gives_the_same_id_and_bytes(tmp_path: Path) -> None:
    one, two = (publish_snapshot(tmp_path / name, StarterSource()) for name in ("one", "two"))
    assert one.id == two.id
    assert names(one.folder) == FILES
    for name in FILES:
        assert (one.folder / name).read_bytes() == (two.folder / name).read_bytes()


def test_publishing_again_changes_nothing(tmp_path: Path) -> None:
    first = publish_snapshot(tmp_path, StarterSource())
    before = {name: (first.folder / name).stat().st_mtime_ns for name in FILES}
    assert publish_snapshot(tmp_path, StarterSource()).id == first.id
    assert names(tmp_path) == [first.id]
    assert {name: (first.folder / name).stat().st_mtime_ns for name in FILES} == before


def test_another_number_is_another_snapshot(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    rows = [[make_iron("a")], [make_iron("b")], [make_iron("a", Label(4.5))], [make_iron("a", a=2.87)], [make_iron("a", None)]]
    assert len({publish_snapshot(tmp_path, memory_source(items)).id for items in rows}) == len(rows)


def test_crystals_come_back_as_they_went_in(tmp_path: Path) -> None:
    source = StarterSource()
    snapshot = publish_snapshot(tmp_path, source)
    before = [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    for start, stop in ((0, None), (0, 7), (5, 9), (280, 400), (289, 290), (3, 3)):
        after = list(snapshot.crystals(start, stop))
        assert [c.id for c in after] == [c.id for c in before[start:stop]]
        for old, new in zip(before[start:stop], after, strict=True):
            assert (old.lattice == new.lattice).all() and (old.frac == new.frac).all() and (old.numbers == new.numbers).all()


def test_columns_follow_the_schema_and_agree_with_each_other(tmp_path: Path) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    table = snapshot.table()
    assert described(table.schema) == described(schema.CRYSTALS)
    assert described(snapshot.quarantine().schema) == described(schema.REJECTED)
    for row in table.to_pylist():
        per_atom = row["moment_muB_per_cell"] / row["n_sites"]
        assert row["n_sites"] == len(row["numbers"]) == len(row["frac"]) / 3
        assert row["moment_muB_per_atom"] == pytest.approx(per_atom, rel=UNIT_TOLERANCE)
        assert row["moment_muB_per_A3"] * row["volume_A3"] == pytest.approx(row["moment_muB_per_cell"], rel=UNIT_TOLERANCE)
        assert row["saturation_T"] == pytest.approx(saturation_T(per_atom, row["volume_A3"] / row["n_sites"]), rel=UNIT_TOLERANCE)


def test_a_negative_total_is_kept_as_its_size(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    (row,) = publish_snapshot(tmp_path, memory_source([make_iron("a", Label(-4.4, -2.2))])).table().to_pylist()
    assert (row["moment_muB_per_cell"], row["moment_muB_per_atom"]) == (4.4, 2.2)


def test_a_missing_label_stays_missing(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    snapshot = publish_snapshot(tmp_path, memory_source([make_iron("a", None), make_iron("b"), make_iron("c", Label(0.0))]))
    table = snapshot.table(["moment_muB_per_cell", "moment_muB_per_atom", "moment_muB_per_A3", "saturation_T"])
    assert [pc.is_null(column).to_pylist() for column in table.columns] == [[True, False, False]] * 4
    assert (snapshot.manifest["crystals"], snapshot.manifest["labelled"]) == (3, 2)


def test_bad_labels_and_repeated_ids_go_to_quarantine(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    unread = Rejection("u", "u.cif", "block", Reason.NO_CELL, "no cell")
    items = [
        make_iron("good"),
        make_iron("good", a=3.0),
        make_iron("nan", Label(math.nan)),
        make_iron("nan", Label(4.4)),  # the first of that id was turned away, so this one is no repetition
        make_iron("normalised", Label(4.4, 4.4)),
        make_iron("afm", Label(4.4, ordering="AFM")),
        make_iron("huge", Label(100.0)),
        unread,
    ]
    snapshot = publish_snapshot(tmp_path, memory_source(items))
    assert snapshot.table(["material_id"]).column(0).to_pylist() == ["good", "nan"]
    rows = snapshot.quarantine().to_pylist()
    assert [(row["candidate_id"], row["reason"]) for row in rows] == [
        ("good", "duplicate_id"),
        ("nan", "bad_label"),
        ("normalised", "contradictory_label"),
        ("afm", "contradictory_label"),
        ("huge", "bad_label"),
        ("u", "no_cell"),
    ]
    assert all(row["detail"] and row["source_file"] for row in rows)
    assert rows[-1]["block"] == "block"
    by_reason = {"bad_label": 2, "contradictory_label": 2, "duplicate_id": 1, "no_cell": 1}
    assert snapshot.manifest["quarantined_by_reason"] == by_reason
    assert snapshot.manifest["quarantined"] == 6
    assert next(snapshot.crystals()).volume == pytest.approx(2.866**3), "the first of two equal ids is kept"


def test_the_tick_counts_every_record(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    told: list[int] = []
    publish_snapshot(tmp_path, memory_source([make_iron("a"), make_iron("a"), make_iron("b")]), told.append)
    assert told == [2, 1]


@pytest.mark.parametrize("fault", [RuntimeError("broken"), KeyboardInterrupt(), OSError("gone")])
@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_source_that_fails_leaves_nothing(
    tmp_path: Path, memory_source: Memory, make_iron: Iron, fault: BaseException, before: int
) -> None:
    items = [make_iron(str(k)) for k in range(before)]
    with pytest.raises(type(fault)):
        publish_snapshot(tmp_path, memory_source([*items, fault]))
    assert names(tmp_path) == []
    assert list_snapshots(tmp_path) == []


def test_an_empty_source_is_a_mistake_of_the_user(tmp_path: Path, memory_source: Memory, make_iron: Iron) -> None:
    with pytest.raises(UserError, match="no usable crystal in memory: it is empty"):
        publish_snapshot(tmp_path, memory_source([]))
    with pytest.raises(UserError, match="1 × bad_label"):
        publish_snapshot(tmp_path, memory_source([make_iron("a", Label(math.inf))]))
    assert names(tmp_path) == []


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot create the folder"):
        publish_snapshot(tmp_path / "file", StarterSource())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write"):
        publish_snapshot(tmp_path, StarterSource())


@pytest.mark.parametrize("name", [CRYSTALS_FILE, QUARANTINE_FILE])
def test_verify_finds_a_flipped_byte_and_a_missing_file(tmp_path: Path, name: str) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    snapshot.verify()
    flip_byte(snapshot.folder / name)
    with pytest.raises(UserError, match=name):
        snapshot.verify()
    (snapshot.folder / name).unlink()
    with pytest.raises(UserError, match=name):
        snapshot.verify()


@pytest.mark.parametrize("content", [None, "", "{", "[]", "null", '{"files": 3}', '{"files": {}}', '{"kind": "snapshot"}'])
def test_verify_finds_a_damaged_manifest(tmp_path: Path, content: str | None) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    manifest = snapshot.folder / MANIFEST_FILE
    manifest.unlink() if content is None else manifest.write_text(content)
    with pytest.raises(UserError, match=MANIFEST_FILE):
        snapshot.verify()


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", [flip_byte, Path.unlink])
def test_publishing_again_repairs_a_damaged_snapshot(tmp_path: Path, name: str, damage: Callable[[Path], object]) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    sound = {file: (snapshot.folder / file).read_bytes() for file in FILES}
    damage(snapshot.folder / name)
    publish_snapshot(tmp_path, StarterSource()).verify()
    assert {file: (snapshot.folder / file).read_bytes() for file in FILES} == sound
    assert names(tmp_path) == [snapshot.id]


def test_several_writers_of_one_snapshot_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(lambda _: publish_snapshot(tmp_path, StarterSource()), range(6)))
    assert names(tmp_path) == [made[0].id]
    made[0].verify()


def test_the_snapshot_published_last_is_the_newest(tmp_path: Path) -> None:
    """Also when its content was published before."""
    first = publish_snapshot(tmp_path, StarterSource())
    other = publish_snapshot(tmp_path, StarterSource(equilibrium_only=True))
    assert open_snapshot(tmp_path).id == other.id
    publish_snapshot(tmp_path, StarterSource())
    assert open_snapshot(tmp_path).id == first.id
