"""A clock that was wrong, a zone that is not UTC, a night that has no third hour: order, lease and schedule do not notice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from prefect.server.schemas.schedules import CronSchedule

from data.snapshot import list_snapshots, open_snapshot, publish_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.ledger import DONE, LOST, Ledger
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.screening.previous import list_runs
from pipeline.screening.profiles import PROFILES
from pipeline.screening.screen import screen
from pipeline.settings import Settings
from tests.pipeline.ops.test_ledger import dying

ROOT = Path(__file__).resolve().parents[3]
YEAR_S = 365 * 86_400


def made_next_year(path: Path) -> None:
    """As the clock said that was a year ahead when this was made, and was then put right."""
    moment = time.time() + YEAR_S
    os.utime(path, (moment, moment))


def test_the_snapshot_published_last_is_the_newest_whatever_the_clock_said(tmp_path: Path) -> None:
    first = publish_snapshot(tmp_path, StarterSource())
    made_next_year(first.folder)
    second = publish_snapshot(tmp_path, StarterSource(equilibrium_only=True))
    assert [s.id for s in list_snapshots(tmp_path)] == [first.id, second.id]
    assert publish_snapshot(tmp_path, StarterSource()).id == open_snapshot(tmp_path).id == first.id, "published again"


def test_the_screen_made_last_is_the_newest_whatever_the_clock_said(trained_home: Path, tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    (tmp_path / "models").symlink_to(trained_home / "models")
    source, model = StarterSource(equilibrium_only=True), open_model(where.models)
    first = screen(source, model, None, where, Quiet())
    made_next_year(where.runs / f"{first.manifest['id']}.json")
    second = screen(source, model, None, where, Quiet(), PROFILES["explore"])
    assert [run["id"] for run in list_runs(where)] == [first.manifest["id"], second.manifest["id"]]
    assert second.manifest["previous"] == first.manifest["id"]


@pytest.mark.parametrize("wrong", [timedelta(days=400), timedelta(days=-400)], ids=["ahead", "behind"])
def test_a_lease_and_not_the_clock_says_who_lives(tmp_path: Path, wrong: timedelta) -> None:
    process, book = dying(tmp_path), Ledger(tmp_path)
    seen = (datetime.now(UTC) + wrong).isoformat(timespec="milliseconds")
    connection = sqlite3.connect(tmp_path / "ledger.sqlite")
    with connection:
        connection.execute("update run set started = ?, seen = ?", (seen, seen))
    connection.close()
    assert book.entries()[0].state == "running"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert book.entries()[0].state == LOST
    with book.run("screen", "k", {}):
        pass
    lost, done = book.entries()
    assert (done.state, done.takes_over) == (DONE, lost.id)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
def test_the_ledger_writes_utc_in_any_zone(tmp_path: Path, zone: str) -> None:
    code = (
        "import sys; from pathlib import Path; from pipeline.ops.ledger import Ledger\n"
        "with Ledger(Path(sys.argv[1])).run('screen', 'k', {}): pass"
    )
    before = datetime.now(UTC)
    subprocess.run([sys.executable, "-c", code, tmp_path], cwd=ROOT, env={**os.environ, "TZ": zone}, check=True)
    (entry,) = Ledger(tmp_path).entries()
    started = datetime.fromisoformat(entry.started)
    assert started.utcoffset() == timedelta(0)
    assert before - timedelta(seconds=1) < started < datetime.now(UTC)


@pytest.mark.parametrize("change", ["2026-03-29", "2026-10-25"], ids=["an hour less", "an hour more"])
def test_every_job_runs_once_a_day_when_clocks_change(change: str) -> None:
    """As Prefect itself works the schedules out that are deployed; the same in Berlin's time would not pass."""
    start = datetime.fromisoformat(change).replace(tzinfo=UTC) - timedelta(days=7)
    for job in yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]:
        (schedule,) = job["schedules"]
        step = timedelta(days=7 if job["name"].startswith("weekly") else 1)
        assert steps(schedule["cron"], schedule["timezone"], start) == {step}, job["name"]
    assert steps("15 2 * * *", "Europe/Berlin", start) != {timedelta(days=1)}


def steps(cron: str, timezone: str, start: datetime) -> set[timedelta]:
    """The times between runs in a fortnight and a bit."""
    asked = CronSchedule(cron=cron, timezone=timezone).get_dates(100, start, start + timedelta(days=16))
    with ThreadPoolExecutor(1) as thread:  # a browser's test may have left a running loop in this one
        dates = thread.submit(asyncio.run, asked).result()
    moments = [date.timestamp() for date in dates]
    return {timedelta(seconds=later - earlier) for earlier, later in pairwise(moments)}
