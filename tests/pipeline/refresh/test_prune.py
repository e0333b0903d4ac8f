"""Pruning: what stays, why, and that nobody finds half a snapshot."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import list_snapshots, open_snapshot, publish_snapshot
from data.sources.literature.snapshot import publish_literature
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from data.store.artifact import list_artefacts, make_folder, make_newest, write_json
from data.store.lock import Busy, writing
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.ops.ledger import Ledger
from pipeline.refresh.leftovers import UNUSED_DAYS
from pipeline.refresh.prune import prune
from pipeline.screening.previous import list_runs
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


def test_what_a_running_screen_reads_stays(where: Settings) -> None:
    made = publish(where, 3)
    with Ledger(where.home).run("screen", "screen-1", {"reading": of_snapshot(where, made[0])}):
        done = prune(where, keep=1)
        assert done.removed == [made[1]] and done.kept[made[0]] == "a running screen reads it"
    assert prune(where, keep=1).removed == [made[0]]


def test_what_a_running_training_of_orders_learns_from_stays(where: Settings) -> None:
    """It has no folder of unfinished work; the comparison of its model needs the snapshot."""
    made = publish(where, 3)
    with Ledger(where.home).run("train-order", "train-order-1", {"snapshot": made[0]}):
        done = prune(where, keep=1)
        assert done.removed == [made[1]] and done.kept[made[0]] == "a running train-order learns from it"
    assert prune(where, keep=1).removed == [made[0]]


def test_nothing_while_somebody_writes(where: Settings) -> None:
    made = publish(where, 2)
    with writing(where.snapshots), pytest.raises(Busy):
        prune(where, keep=1)
    assert left(where) == made


def test_one_must_stay(where: Settings) -> None:
    with pytest.raises(UserError, match="at least one"):
        prune(where, keep=0)


def ranked(where: Settings, name: str, reading: dict[str, object], folder: Path | None = None, profile: str = "high-ms") -> Path:
    """A finished screen, as far as pruning looks at it; the newest so far."""
    place = make_folder(folder or where.runs / name)
    (place / "ranking.parquet").write_bytes(b"x" * 1000)
    facts = {"id": name, "folder": str(place.resolve()), "reading": reading, "source": str(reading["path"]), "profile": profile}
    write_json(make_folder(where.runs) / f"{name}.json", facts)
    make_newest(where.runs / f"{name}.json", where.runs.glob("*.json"))
    return place


def of_snapshot(where: Settings, snapshot: str) -> dict[str, object]:
    return {"kind": "parquet", "path": str((where.snapshots / snapshot / "crystals.parquet").absolute())}


def test_old_rankings_go_and_let_go_of_their_snapshots(where: Settings) -> None:
    made = publish(where, 4)
    places = [ranked(where, f"r{k}", of_snapshot(where, snapshot)) for k, snapshot in enumerate(made)]
    assert prune(where, keep=1).removed == [], "each is ranked"
    would = prune(where, keep=1, dry=True, keep_runs=2)
    assert all(place.is_dir() for place in places) and left(where) == made
    done = prune(where, keep=1, keep_runs=2)
    assert done == would and done.runs == ["r0", "r1"] and done.removed == made[:2] and done.bytes > 2000
    assert [place.is_dir() for place in places] == [False, False, True, True]
    assert [run["id"] for run in list_runs(where)] == ["r2", "r3"]
    assert not list(where.runs.glob(".building-*"))


def test_each_source_and_profile_has_its_own_newest_rankings(where: Settings, tmp_path: Path) -> None:
    publish(where, 1)
    for k in range(3):
        ranked(where, f"files{k}", {"kind": "cif", "path": "/data/cif"})
        ranked(where, f"other{k}", {"kind": "cif", "path": "/data/cif"}, profile="explore")
    ranked(where, "alone", {"kind": "cif", "path": "/data/more"})
    assert prune(where, keep=1, keep_runs=2).runs == ["files0", "other0"]


def test_a_folder_outside_of_the_home_is_somebodys_own(where: Settings, tmp_path: Path) -> None:
    publish(where, 1)
    home = Settings(home=tmp_path / "home", workers=1)
    outside = [ranked(home, f"r{k}", {"kind": "cif", "path": "/data/cif"}, make_folder(tmp_path / f"out{k}")) for k in range(3)]
    done = prune(home, keep=1, keep_runs=2)
    assert done.runs == ["r0"] and done.bytes == 0 and all(place.is_dir() for place in outside)
    assert [run["id"] for run in list_runs(home)] == ["r1", "r2"]


def test_a_ranking_whose_folder_is_gone_and_what_a_kill_left(where: Settings) -> None:
    publish(where, 1)
    places = [ranked(where, f"r{k}", {"kind": "cif", "path": "/data/cif"}) for k in range(3)]
    shutil.rmtree(places[0])
    half = make_folder(where.runs / ".building-pruned-r9")
    assert prune(where, keep=1, keep_runs=2).runs == ["r0"]
    assert not half.exists() and places[1].is_dir()


def test_two_rankings_must_stay(where: Settings) -> None:
    with pytest.raises(UserError, match="two must stay"):
        prune(where, keep=1, keep_runs=1)


def test_what_a_run_ranks_stays_in_a_home_that_moved(where: Settings, tmp_path: Path) -> None:
    """Its manifest names the snapshot by the path of before."""
    made = publish(Settings(home=tmp_path / "home", workers=1), 3)
    ranked(Settings(home=tmp_path / "home"), "r", of_snapshot(Settings(home=tmp_path / "home"), made[0]))
    moved = Settings(home=(tmp_path / "home").rename(tmp_path / "moved"), workers=1)
    assert prune(moved, keep=1).removed == [made[1]]


def test_what_a_run_looked_up_stays(where: Settings, tmp_path: Path) -> None:
    publish(where, 1)
    tables, made = make_folder(tmp_path / "tables"), []
    for kelvin in (1040, 1044, 1048):
        (tables / "mine.csv").write_text(f"formula,kind,value_K,ref\nFe,Tc,{kelvin},a\n")
        made.append(publish_literature(where.literature, tables).id)
    facts = {"id": "r", "folder": str(where.runs / "r"), "code": ["screen-19", f"literature-{made[0]}"]}
    write_json(make_folder(where.runs) / "r.json", facts)
    done = prune(where, keep=1)
    assert done.removed == [made[1]] and done.kept[made[0]] == "run r looked up its values"


def of_long_ago(folder: Path) -> Path:
    """A folder with a file, as it was left before UNUSED_DAYS."""
    (make_folder(folder) / "000000.parquet").write_bytes(b"x" * 1000)
    for path in (folder / "000000.parquet", folder):
        os.utime(path, (time.time() - (UNUSED_DAYS + 1) * 86_400,) * 2)
    return folder


def test_unfinished_work_goes_when_nobody_has_gone_on_with_it(where: Settings) -> None:
    made = publish(where, 2)
    screens = [of_long_ago(where.work / f"screen-{k}") for k in ("old", "running", "touched")]
    (screens[2] / "000001.parquet").write_bytes(b"")
    training = make_folder(where.work / "train-old")
    write_json(training / "snapshot.json", {"snapshot": made[0]})
    os.utime(training / "snapshot.json", (0, 0))
    of_long_ago(training)
    with Ledger(where.home).run("screen", "screen-running", {}):
        would = prune(where, keep=1, dry=True)
        assert screens[0].is_dir() and left(where) == made
        done = prune(where, keep=1)
    assert done == would and done.bytes > 2000
    assert done.leftovers == ["work/screen-old", "work/train-old"] and done.removed == [made[0]]
    assert sorted(where.work.iterdir()) == screens[1:]


def test_what_kills_left_in_other_places_goes_as_late(where: Settings) -> None:
    publish(where, 1)
    gone = [
        of_long_ago(where.models / ".building-0"), of_long_ago(where.graphs / ".building-0"),
        of_long_ago(where.runs / "unfinished"),
    ]  # fmt: skip
    (gone[2] / ".unfinished.json").write_text("{}")
    os.utime(gone[2] / ".unfinished.json", (0, 0))
    of_long_ago(gone[2])
    stay = [make_folder(where.models / ".building-1"), of_long_ago(where.runs / "somebodys own")]
    assert prune(where, keep=1).leftovers == ["graphs/.building-0", "models/.building-0", "runs/unfinished"]
    assert not any(folder.exists() for folder in gone) and all(folder.is_dir() for folder in stay)


def test_graphs_go_with_their_snapshot(where: Settings) -> None:
    made = publish(where, 2)
    stores = [graph_store(where.graphs, open_snapshot(where.snapshots, one), GraphSettings(), 1).folder for one in made]
    assert prune(where, keep=2).leftovers == []
    done = prune(where, keep=1)
    assert done.leftovers == [f"graphs/{stores[0].name}"] and [store.is_dir() for store in stores] == [False, True]


def test_lists_are_read_while_entries_go(where: Settings) -> None:
    """A screen asks at its end which runs there were: a night's pruning must not cost it."""
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for k in range(60):
                ranked(where, f"r{k}", {"kind": "cif", "path": "/data/cif"})
            for k in range(60):
                (where.runs / f"r{k}.json").unlink()
                shutil.rmtree(where.runs / f"r{k}")

    busy = threading.Thread(target=come_and_go)
    busy.start()
    try:
        end = time.monotonic() + 5
        while time.monotonic() < end:
            list_runs(where)
            list_artefacts(where.runs, "ranking.parquet")
    finally:
        over.set()
        busy.join()
