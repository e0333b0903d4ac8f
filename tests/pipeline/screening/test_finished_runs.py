"""What becomes of a finished screen that is asked for again, and of one whose crystals, home or libraries are others now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from data.errors import UserError
from data.rejection import Reason, Rejection
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.store.artifact import make_folder
from pipeline.export.chosen import choose, read_again
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening import screen as screening
from pipeline.screening.candidates import PredictedShard
from pipeline.screening.previous import list_runs
from pipeline.screening.profiles import PROFILES
from pipeline.screening.runs import find_run
from pipeline.screening.screen import Screened, screen
from pipeline.screening.shards import Work
from pipeline.settings import Settings


def run(folder: Path, where: Settings, ensemble: Ensemble, profile: str = "high-ms", out: Path | None = None) -> Screened:
    return screen(candidate_source([folder], Columns()), ensemble, out, where, Quiet(), PROFILES[profile])


def newest(where: Settings) -> str:
    return str(find_run(where, None).manifest["id"])


@pytest.fixture
def few(cif_folder: Path) -> Path:
    for path in sorted(cif_folder.iterdir())[3:]:
        path.unlink()
    return cif_folder


def test_one_that_is_asked_for_again_is_the_newest(few: Path, where: Settings, ensemble: Ensemble) -> None:
    first, second = run(few, where, ensemble), run(few, where, ensemble, "explore")
    assert newest(where) == second.manifest["id"]
    assert run(few, where, ensemble).manifest == first.manifest
    assert Ledger(where.home).entries()[-1].parts == 0, "nothing was computed"
    assert newest(where) == first.manifest["id"], "the one that a following command takes"


def test_one_that_nothing_followed_keeps_its_time(few: Path, where: Settings, ensemble: Ensemble) -> None:
    entry = where.runs / f"{run(few, where, ensemble).manifest['id']}.json"
    os.utime(entry, (1, 1))
    run(few, where, ensemble)
    assert entry.stat().st_mtime == 1, "it was finished then"


def test_one_of_another_home_is_listed(few: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run(few, where, ensemble, out=tmp_path / "out")
    other = Settings(home=tmp_path / "other", workers=1)
    assert run(few, other, ensemble, out=tmp_path / "out").manifest == first.manifest
    assert newest(other) == first.manifest["id"]


def test_crystals_that_moved_are_read_where_they_are_now(few: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run(few, where, ensemble)
    (tmp_path / "elsewhere").mkdir()
    moved = few.rename(tmp_path / "elsewhere" / few.name)
    with pytest.raises(UserError, match="screen again"):
        read_again(first, choose(first.ranking(), 3, []))
    again = run(moved, where, ensemble)
    assert again.manifest["id"] == first.manifest["id"] and Ledger(where.home).entries()[-1].parts == 0
    found = find_run(where, None)
    assert found.manifest["reading"]["path"] == str(moved)
    chosen, left_out = read_again(found, choose(found.ranking(), 3, []))
    assert len(chosen) == len(first.ranking()) and not left_out


def test_a_home_that_moved_keeps_its_runs(few: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first, second = run(few, where, ensemble), run(few, where, ensemble, "explore")
    ranking = first.ranking()
    moved = Settings(home=where.home.rename(tmp_path / "moved"), workers=1)
    found = find_run(moved, str(first.manifest["id"]))
    assert found.folder == moved.runs / first.folder.name and found.ranking().equals(ranking)
    assert [entry["folder"] for entry in list_runs(moved)] == [str(moved.runs / one.folder.name) for one in (first, second)]


def test_a_run_whose_folder_is_gone(few: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run(few, where, ensemble, out=tmp_path / "out")
    first.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=f"run {first.manifest['id']} is no longer in {first.folder}"):
        find_run(where, str(first.manifest["id"])[:8])
    assert find_run(where, str(tmp_path / "elsewhere")).manifest["id"] == first.manifest["id"]


def test_other_libraries_are_another_screen(
    few: Path, where: Settings, ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run(few, where, ensemble)
    upgraded = [*screening.libraries()[:-1], "99.0"]
    monkeypatch.setattr(screening, "libraries", lambda: upgraded)
    again = run(few, where, ensemble)
    assert again.manifest["id"] != first.manifest["id"] and again.manifest["previous"] == first.manifest["id"]


def test_what_a_kill_at_the_very_end_left_is_cleared_away(few: Path, where: Settings, ensemble: Ensemble) -> None:
    identity = run(few, where, ensemble).manifest["id"]
    left = make_folder(where.work / f"screen-{identity}")
    (left / "000000.parquet").write_bytes(b"a shard")
    run(few, where, ensemble)
    assert not left.exists()


def test_a_shard_that_is_kept_again_is_written_beside_and_renamed(tmp_path: Path) -> None:
    """A worker that outlived its screen may be writing the shard when the next screen does; a power cut leaves whole files."""
    work = Work(None, None, tmp_path, tmp_path)  # type: ignore[arg-type]
    work.keep(0, PredictedShard(rejected=[Rejection("a", "a.cif", "", Reason.NOT_CIF, "first")]))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "seen").mkdir()
    for name in before:
        os.link(tmp_path / name, tmp_path / "seen" / name)
    work.keep(0, PredictedShard(rejected=[Rejection("b", "b.cif", "", Reason.NOT_CIF, "second")]))
    assert {path.name: path.read_bytes() for path in (tmp_path / "seen").iterdir()} == before
    assert work.collect(1)[1]["candidate_id"].tolist() == ["b"]
