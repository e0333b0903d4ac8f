"""Pruning: what stays, why, and that nobody finds half a snapshot."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.artifact import make_folder, write_json
from data.errors import UserError
from data.lease import Busy, writing
from data.snapshot import list_snapshots, publish_snapshot
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from pipeline.refreshing.prune import prune
from pipeline.settings import Settings


@pytest.fixture
def where(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, workers=1)


def publish(where: Settings, count: int) -> list[str]:
    """Ids of snapshots of one source, oldest first: each has a crystal more than the one before."""
    source = StarterSource(equilibrium_only=True)
    ids = [item.crystal.id for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    made = []
    for n in range(1, count + 1):
        chosen = ids[:n] + ids[-10 + n :]
        made.append(publish_snapshot(where.snapshots, Selected(source, frozenset(chosen))).id)
    assert len({s.manifest["source"] for s in list_snapshots(where.snapshots)}) == 1
    return made


def left(where: Settings) -> list[str]:
    return [s.id for s in list_snapshots(where.snapshots)]


def test_the_newest_stay(where: Settings) -> None:
    made = publish(where, 4)
    would = prune(where, keep=2, dry=True)
    assert left(where) == made
    done = prune(where, keep=2)
    assert done.removed == would.removed == made[:2] and done.bytes == would.bytes > 0
    assert left(where) == made[2:]
    assert sorted(p.name for p in where.snapshots.iterdir() if p.is_dir()) == sorted(made[2:])


def test_each_source_has_its_own_newest(where: Settings) -> None:
    made = publish(where, 2)
    other = publish_snapshot(where.snapshots, StarterSource()).id
    assert prune(where, keep=1).removed == made[:1]
    assert left(where) == [made[1], other]


def test_what_a_model_learned_from_stays(where: Settings) -> None:
    made = publish(where, 3)
    write_json(make_folder(where.models / "abc") / "manifest.json", {"snapshot": made[0]})
    done = prune(where, keep=1)
    assert done.removed == [made[1]] and done.kept[made[0]] == "model abc learned from it"


def test_what_a_run_ranks_stays(where: Settings) -> None:
    made = publish(where, 3)
    part = {
        "kind": "materials-project",
        "path": str((where.snapshots / made[0] / "documents.parquet").absolute()),
        "release": "1",
    }
    reading = {"kind": "several", "sources": [{"name": "x", "source": {"kind": "selected", "ids": [], "source": part}}]}
    write_json(make_folder(where.runs) / "r.json", {"id": "r", "folder": str(where.runs / "r"), "reading": reading})
    done = prune(where, keep=1)
    assert done.removed == [made[1]] and done.kept[made[0]] == "run r ranks its crystals"


def test_what_a_training_reads_stays(where: Settings) -> None:
    made = publish(where, 3)
    write_json(make_folder(where.work / "train-1") / "snapshot.json", {"snapshot": made[0]})
    assert prune(where, keep=1).removed == [made[1]]
    make_folder(where.work / "train-2")
    with pytest.raises(UserError, match="work/train-2 may need any snapshot"):
        prune(where, keep=1)


def test_nothing_while_somebody_writes(where: Settings) -> None:
    made = publish(where, 2)
    with writing(where.snapshots), pytest.raises(Busy):
        prune(where, keep=1)
    assert left(where) == made


def test_one_must_stay(where: Settings) -> None:
    with pytest.raises(UserError, match="at least one"):
        prune(where, keep=0)
