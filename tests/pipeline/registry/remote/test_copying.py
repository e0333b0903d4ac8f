"""What is pushed to a URL is pulled from it: whole or absent, however often and wherever it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from data.errors import UserError
from data.snapshot import list_snapshots, open_snapshot
from data.store.lock import Busy, writing
from pipeline.ops.progress import Quiet, Tick
from pipeline.registry.ensemble import open_model
from pipeline.registry.remote import Moved, pull, push
from pipeline.registry.storage import open_storage
from pipeline.settings import Settings
from tests.pipeline.registry.remote.homes import FILES, contents, flip, leftovers
from tests.servers import commands


@pytest.fixture(params=["folder", "file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield {"folder": str(tmp_path / "there"), "file": f"file://{tmp_path}/there", "memory": "memory://there/deep"}[request.param]
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


class Bars(Quiet):
    """Adds up what the bars were told, by label."""

    def __init__(self) -> None:
        self.totals: dict[str, int] = {}
        self.done: dict[str, int] = {}
        self.lines: list[str] = []

    @contextmanager
    def bar(self, label: str, total: int) -> Iterator[Tick]:
        self.totals[label], self.done[label] = total, 0

        def tick(n: int) -> None:
            self.done[label] += n

        yield tick

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_what_was_pushed_is_pulled_into_another_home(home: Settings, empty: Settings, url: str) -> None:
    bars = Bars()
    up = push(home, url, bars)
    assert [one.kind for one in up] == ["snapshot", "snapshot", "model"]
    assert bars.done == bars.totals and sum(bars.totals.values()) == sum(one.files for one in up)
    assert bars.lines == [f"3 artefacts copied to {url}"]
    down = pull(empty, url, Quiet())
    assert down == up
    assert contents(empty) == contents(home)
    assert [s.id for s in list_snapshots(empty.snapshots)] == [s.id for s in list_snapshots(home.snapshots)], "another newest one"
    open_snapshot(empty.snapshots).verify()
    assert open_model(empty.models).members.keys() == {"forest-0"}
    assert (open_model(empty.models).folder / "CARD.md").read_text().startswith("#")
    assert leftovers(empty) == []


def test_a_second_time_nothing_is_moved(home: Settings, empty: Settings, url: str) -> None:
    push(home, url, Quiet())
    assert push(home, url, Quiet()) == []
    pull(empty, url, Quiet())
    before = {path: path.stat().st_mtime_ns for path in empty.home.rglob("*.*")}
    assert pull(empty, url, Quiet()) == []
    assert {path: path.stat().st_mtime_ns for path in empty.home.rglob("*.*")} == before
    assert push(empty, url, Quiet()) == []


def test_a_home_with_nothing_and_a_url_with_nothing(empty: Settings, url: str) -> None:
    assert push(empty, url, Quiet()) == []
    with pytest.raises(UserError, match="holds no snapshots and no models"):
        pull(empty, url, Quiet())


def test_an_artefact_without_its_manifest_is_not_seen_and_completed_by_the_next_push(
    home: Settings, empty: Settings, url: str
) -> None:
    one, other = list_snapshots(home.snapshots)
    storage = open_storage(url)
    for name in FILES[:2]:
        storage.put(one.folder / name, f"snapshots/{one.id}/{name}")
    assert pull(empty, url, Quiet()) == []
    assert {moved.id for moved in push(home, url, Quiet())} == set(contents(home)), "it counted as there"
    assert [moved.id for moved in pull(empty, url, Quiet())][:2] == [one.id, other.id]


KILLED = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
from pipeline.ops.progress import Quiet
from pipeline.registry.remote import pull, push
from pipeline.settings import Settings

class Last(Quiet):
    left = int(sys.argv[4])

    @contextmanager
    def bar(self, label, total):
        def tick(n):
            Last.left -= n
            if Last.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        yield tick

{"push": push, "pull": pull}[sys.argv[1]](Settings(home=Path(sys.argv[2]), workers=1), sys.argv[3], Last())
"""


def killed(command: str, where: Settings, url: Path, after: int) -> None:
    """A child that runs the command and is killed after so many files."""
    done = commands.call(command, str(where.home), str(url), str(after), code=KILLED)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("after", [1, 2, 5])
def test_a_killed_push_shows_whole_artefacts_only_and_the_next_one_completes_it(
    home: Settings, empty: Settings, tmp_path: Path, after: int
) -> None:
    killed("push", home, tmp_path / "there", after)
    assert len(pull(empty, str(tmp_path / "there"), Quiet())) == after // 3  # of three files each
    for one in list_snapshots(empty.snapshots):
        one.verify()
    assert len(push(home, str(tmp_path / "there"), Quiet())) == 3 - after // 3
    pull(empty, str(tmp_path / "there"), Quiet())
    assert contents(empty) == contents(home)


def test_a_killed_pull_leaves_whole_artefacts_only_and_the_next_one_completes_it(
    home: Settings, empty: Settings, there: Path
) -> None:
    killed("pull", empty, there, 3)
    assert len(contents(empty)) == 1
    assert len(pull(empty, str(there), Quiet())) == 2
    assert contents(empty) == contents(home)
    assert leftovers(empty) == []


def test_pull_waits_for_nobody_who_writes_snapshots(empty: Settings, there: Path) -> None:
    with writing(empty.snapshots), pytest.raises(Busy):
        pull(empty, str(there), Quiet())
    assert contents(empty) == {}


def test_the_commands(home: Settings, tmp_path: Path) -> None:
    def call(command: str, where: Path, *more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "FERROSCREEN_HOME": str(where), "COLUMNS": "160"}
        return commands.call(command, f"file://{tmp_path}/there", *more, env=environment)

    up = call("push", home.home)
    assert up.returncode == 0 and up.stderr == ""
    assert all(identifier in up.stdout for identifier in contents(home))
    down = call("pull", tmp_path / "empty", "--json", "--quiet")
    assert [Moved(**one).id for one in json.loads(down.stdout)] == list(contents(home))
    assert call("pull", tmp_path / "empty").stdout == "Nothing was missing.\n"
    assert json.loads(call("pull", tmp_path / "empty", "--json").stdout) == []
    flip(next((tmp_path / "there" / "snapshots").iterdir()) / FILES[0])
    refused = call("pull", tmp_path / "third")
    assert refused.returncode == 2 and f"{FILES[0]} is damaged at file://" in refused.stderr and "Traceback" not in refused.stderr
