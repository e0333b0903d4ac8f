"""The history of a home: who came and went, what changed, which intervals held; damage is listed and stops nothing."""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from data.errors import UserError
from pipeline.history.nights import TOP, read_nights
from pipeline.history.page import MARK, write_history
from pipeline.settings import Settings
from tests.pipeline.history.simulated import FIRST_NIGHT, LABELLED, ROWS, simulate, write_run

NIGHTS = 30
MOST_BYTES = 2_000_000
HOSTILE = "</style><script>alert(1)</script>\"'&<b>\x1b[31m\u202e"


class Page(HTMLParser):
    """Tags, links and text of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    simulate(home, NIGHTS)
    return home


def test_candidates_that_came_and_went(tmp_path: Path) -> None:
    rankings = simulate(tmp_path, 5)
    nights = read_nights(Settings(home=tmp_path)).read
    assert [night.id for night in nights] == [f"{k:016x}" for k in range(5)]
    assert not nights[0].before and not nights[0].entered and not nights[0].left
    for old, new, night in zip(rankings[:-1], rankings[1:], nights[1:], strict=True):
        was, now = (table.sort_values("rank").head(TOP)["candidate_id"].to_list() for table in (old, new))
        assert {one.id for one in night.entered} == set(now) - set(was) and night.entered
        assert {one.id for one in night.left} == set(was) - set(now)
        assert all(now[one.rank - 1] == one.id for one in night.entered)
        assert all(was[one.rank - 1] == one.id for one in night.left)


def test_intervals_of_newly_labelled_crystals(tmp_path: Path) -> None:
    simulate(tmp_path, 2)
    _, second = read_nights(Settings(home=tmp_path)).read
    assert 0 < second.labelled <= LABELLED and second.inside == second.labelled, "the middle of each interval was measured"


def test_only_runs_of_one_source_and_profile_are_compared(tmp_path: Path) -> None:
    (table,) = simulate(tmp_path, 1)
    write_run(tmp_path, "f" * 16, table, FIRST_NIGHT + 10, profile="explore")
    write_run(tmp_path, "e" * 16, table, FIRST_NIGHT + 20)
    first, other, third = read_nights(Settings(home=tmp_path)).read
    assert not other.before and third.before == first.id and not third.entered


def test_another_release_of_the_materials_project_is_the_same_source(tmp_path: Path) -> None:
    (table,) = simulate(tmp_path, 1)
    for k, release in enumerate(("2026.10.1", "2026.11.3")):
        source = f"Materials Project {release}, known to the ICSD"
        write_run(tmp_path, f"{k:a>16}", table, FIRST_NIGHT + 10 * (k + 1), source=source)
    _, first, second = read_nights(Settings(home=tmp_path)).read
    assert not first.before and second.before == first.id


def test_models_that_changed(home: Path) -> None:
    nights = read_nights(Settings(home=home)).read
    switched = [k for k, night in enumerate(nights) if any(what.startswith("moments: ") for what in night.changed)]
    assert switched == [14] and nights[14].models == {
        "moments": "b" * 16, "order": "c" * 16, "experiment": "e" + "0" * 15
    }  # fmt: skip


def test_another_model_of_experiments_is_a_change(tmp_path: Path) -> None:
    (table,) = simulate(tmp_path, 1)
    for k, model in enumerate(("1" * 16, "2" * 16)):
        write_run(tmp_path, f"{k:a>16}", table, FIRST_NIGHT + 10 * (k + 1), code=["screen-19"], experiment_model=model)
    *_, last = read_nights(Settings(home=tmp_path)).read
    assert "experiment: 11111111 → 22222222" in last.changed


def test_another_table_of_known_magnets_is_a_change_where_both_runs_name_one(tmp_path: Path) -> None:
    (table,) = simulate(tmp_path, 1)
    for k, named in enumerate(([], ["known-magnets-0123abcd"], ["known-magnets-4567abcd"])):
        write_run(tmp_path, f"{k:a>16}", table, FIRST_NIGHT + 10 * (k + 1), code=["screen-19", *named])
    *_, first, last = read_nights(Settings(home=tmp_path)).read
    assert not any("magnets" in what for what in first.changed)
    assert "known magnets: 0123abcd → 4567abcd" in last.changed


def test_a_home_that_moved_keeps_its_runs(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (table,) = simulate(home, 1)
    write_run(home, "a" * 16, table, FIRST_NIGHT + 10)
    (home / "results" / ("a" * 16)).rename(home / "runs" / ("a" * 16))  # below the home, as without --out
    moved = home.rename(tmp_path / "moved")
    night = read_nights(Settings(home=moved)).read[-1]
    assert not night.trouble and night.report == moved / "runs" / ("a" * 16) / "report.html"


def test_thirty_nights_on_one_small_page(home: Path) -> None:
    written = write_history(Settings(home=home))
    text = written.path.read_text()
    page = Page(text)
    assert written.path == home / "history.html" and len(text.encode()) <= MOST_BYTES
    assert not {"script", "iframe", "img", "link"} & set(page.tags) and page.tags.count("details") >= NIGHTS - 1
    reports = [link for link in page.links if link.endswith("report.html")]
    assert len(reports) == NIGHTS and all((home / link).is_file() for link in reports), "relative to the page"
    assert all(not link.startswith(("http", "//", "/")) for link in page.links)
    assert write_history(Settings(home=home)).path.read_text() == text, "the same runs give the same page"


def damage_entry(home: Path, identity: str) -> None:
    (home / "runs" / f"{identity}.json").write_text("{")


def damage_table(home: Path, identity: str) -> None:
    path = home / "results" / identity / "ranking.parquet"
    path.write_bytes(path.read_bytes()[:-50])


def replace_folder(home: Path, identity: str) -> None:
    path = home / "results" / identity / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "id": "0" * 15 + "x"}))


def remove_folder(home: Path, identity: str) -> None:
    os.rename(home / "results" / identity, home / "results" / f"{identity}-moved")


def odd_manifest(home: Path, identity: str) -> None:
    path = home / "runs" / f"{identity}.json"
    odd = {"files": [], "code": {"a": 1}, "ranked": "many", "rejected": None, "source": ["x"], "model": 7}
    path.write_text(json.dumps({**json.loads(path.read_text()), **odd}))


def a_list(home: Path, identity: str) -> None:
    (home / "runs" / f"{identity}.json").write_text("[1]")


def newer(home: Path, identity: str) -> None:
    path = home / "runs" / f"{identity}.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))


def lost_columns(home: Path, identity: str) -> None:
    import pandas as pd

    from data.store.artifact import file_hash

    path = home / "results" / identity / "ranking.parquet"
    pd.DataFrame({"rank": [1], "name": ["x"]}).to_parquet(path)
    entry = home / "runs" / f"{identity}.json"
    entry.write_text(json.dumps({**json.loads(entry.read_text()), "files": {"ranking.parquet": file_hash(path)}}))


@pytest.mark.parametrize("damage", [
    damage_entry, damage_table, replace_folder, remove_folder, odd_manifest, a_list, newer, lost_columns
])  # fmt: skip
def test_a_damaged_run_is_listed_and_stops_nothing(damage, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    simulate(tmp_path, 4)
    identity = f"{2:016x}"
    entry = tmp_path / "runs" / f"{identity}.json"
    stamp = entry.stat().st_mtime
    damage(tmp_path, identity)
    os.utime(entry, (stamp, stamp))
    written = write_history(Settings(home=tmp_path))
    troubled = [night.id for night in written.nights.read if night.trouble] + [name[:16] for name, _ in written.nights.damaged]
    assert troubled == [identity]
    sound = {night.id: night for night in written.nights.read if not night.trouble}
    assert sorted(sound) == [f"{k:016x}" for k in (0, 1, 3)]
    assert sound[f"{3:016x}"].before == f"{1:016x}", "compared with the last sound one"
    assert identity in Page(written.path.read_text()).text


def test_everything_foreign_is_escaped(tmp_path: Path) -> None:
    (table,) = simulate(tmp_path, 1)
    hostile = table.assign(candidate_id=[f"{HOSTILE}{k}" for k in range(ROWS)], formula=HOSTILE)
    write_run(tmp_path, "d" * 16, hostile, FIRST_NIGHT + 9)
    write_run(tmp_path, "e" * 16, table, FIRST_NIGHT + 10, source=HOSTILE, profile=HOSTILE, model=HOSTILE)
    (tmp_path / "runs" / "<b>x.json").write_text("{")
    broken = tmp_path / "snapshots" / "<i>y"
    broken.mkdir(parents=True)
    (broken / "manifest.json").write_text("{")
    text = write_history(Settings(home=tmp_path)).path.read_text()
    page = Page(text)
    assert not {"script", "b", "i"} & set(page.tags) and "alert(1)" in page.text
    assert not [c for c in text if ord(c) < 32 and c != "\n"] and "\u202e" not in text
    assert "damaged:" in page.text


def test_a_home_without_runs(tmp_path: Path) -> None:
    assert "no finished run yet" in write_history(Settings(home=tmp_path)).path.read_text()


def test_other_files_are_never_replaced(tmp_path: Path) -> None:
    other = tmp_path / "notes.html"
    other.write_text("<p>mine")
    with pytest.raises(UserError, match="no history page"):
        write_history(Settings(home=tmp_path), other)
    assert other.read_text() == "<p>mine"
    with pytest.raises(UserError, match="is a folder"):
        write_history(Settings(home=tmp_path), tmp_path)
    page = tmp_path / "deep" / "er" / "page.html"
    assert MARK in write_history(Settings(home=tmp_path), page).path.read_text()
    write_history(Settings(home=tmp_path), page)
