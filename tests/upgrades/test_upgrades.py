"""Artefacts that other releases made: read as they are, made again, or refused with exit code 2 and what to do.

artefacts/ holds them as they were written (make_artefacts.py says how): `unnumbered` before the numbers were kept, `1` with
them, `domain1`, `screen4` and `literature-2` by releases whose models, screens and tables of measured values are no longer read.
Newer ones do not exist yet: the number of an old one is raised.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from data.snapshot import open_snapshot
from data.store.artifact import file_hash
from pipeline.comparison.compare import compare
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.old_names import COLUMNS, RUN_KEYS
from pipeline.ops.ledger import LEDGER_FORMAT, Ledger
from pipeline.registry.ensemble import open_model
from pipeline.registry.ensemble_gates import starter_examples
from pipeline.registry.published import CURRENT_FILE
from pipeline.report.screened import report_screen
from pipeline.screening.runs import find_run
from pipeline.settings import Settings
from tests.servers.commands import call

ARTEFACTS = Path(__file__).parent / "artefacts"
ROOMS = {
    "snapshot": "snapshots", "literature": "literature", "model": "models", "graphs": "graphs", "run": "runs", "ledger": ".",
    "current": "models",
}  # fmt: skip
IRON = "iron\n2.866\n1 0 0\n0 1 0\n0 0 1\nFe\n2\nDirect\n0 0 0\n0.5 0.5 0.5\n"
READ = [f"{kind}-{edition}" for kind in ("model", "run", "ledger", "graphs") for edition in ("unnumbered", "1")]
READ += ["snapshot-1", "graphs-2", "current-unnumbered"]
REFUSED = ["model-domain1", "run-screen4", "literature-2"]
FAR = 1000  # number of a format


def place(home: Path, *names: str) -> Settings:
    """A home with copies of some artefacts."""
    for name in names:
        shutil.copytree(ARTEFACTS / name, home / ROOMS[name.split("-")[0]], dirs_exist_ok=True)
    return Settings(home=home, workers=1)


def ferroscreen(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return call(*arguments, env={**os.environ, "FERROSCREEN_HOME": str(home), "FERROSCREEN_WORKERS": "1", "COLUMNS": "160"})


def only(folder: Path) -> Path:
    (found,) = folder.iterdir()
    return found


def test_every_artefact_is_read_or_refused_below() -> None:
    assert sorted(path.name for path in ARTEFACTS.iterdir()) == sorted(READ + REFUSED)


def test_a_snapshot_is_read(tmp_path: Path) -> None:
    snapshot = open_snapshot(place(tmp_path, "snapshot-1").snapshots)
    snapshot.verify()
    assert len(list(snapshot.crystals())) == snapshot.table().num_rows == snapshot.manifest["crystals"] > 30


@pytest.mark.parametrize("edition", ["unnumbered", "1"])
def test_a_model_is_read_and_says_the_same(tmp_path: Path, edition: str) -> None:
    model = open_model(place(tmp_path, f"model-{edition}").models)
    predicted = model.predict(starter_examples(model))
    assert np.isfinite(predicted.moment).all() and (predicted.low < predicted.high).all()
    other = open_model(place(tmp_path / "other", "model-1").models)
    np.testing.assert_array_equal(predicted.moment, other.predict(starter_examples(other)).moment)
    held_out = model.held_out()
    assert "stratified_errors" in model.manifest["metrics"] and "tier" not in model.manifest["settings"]
    assert len(held_out) == model.manifest["rows"]["test"] and {"ood_score", "p_moment_above_1"} <= set(held_out)


@pytest.mark.parametrize("edition", ["unnumbered", "1"])
def test_a_screen_is_read_and_reported(tmp_path: Path, edition: str) -> None:
    where = place(tmp_path, f"run-{edition}", "model-1")
    run = find_run(where, str(only(where.runs)))
    ranking = run.ranking()
    assert run.manifest["ranked"] == len(ranking) and not {*COLUMNS, *RUN_KEYS} & {*ranking, *run.manifest}
    assert run.manifest["excluded"] == (ranking["exclusion_reason"] != "").sum()
    assert run.manifest["out_of_domain"] == (ranking["ood_score"] > 1).sum()
    assert compare(run, run).counts == {"new": 0, "withdrawn": 0, "up": 0, "down": 0, "changed": 0, "unmoved": len(ranking)}
    page = report_screen(run, open_model(where.models, run.manifest["model"])).read_text()
    assert str(run.ranking()["candidate_id"][0]) in page


@pytest.mark.parametrize("edition", ["unnumbered", "1"])
def test_a_ledger_is_read_and_goes_on(tmp_path: Path, edition: str) -> None:
    book = Ledger(place(tmp_path, f"ledger-{edition}").home)
    assert [(e.job, e.state, e.parts, e.host) for e in book.entries()] == [("train", "done", 1, "somewhere")]
    with book.run("train", "train-0", {}) as run:
        run.finished("member", "forest-1")
    assert [e.state for e in Ledger(tmp_path).entries()] == ["done", "done"]
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as connection:
        assert connection.execute("pragma user_version").fetchone() == (LEDGER_FORMAT,)


def test_models_in_use_are_read(tmp_path: Path) -> None:
    where = place(tmp_path, "current-unnumbered", "model-1", "model-domain1")
    named = json.loads((where.models / CURRENT_FILE).read_text())["promoted"][-1]
    assert open_model(where.models).id == named == only(ARTEFACTS / "model-1").name


@pytest.mark.parametrize(("edition", "built"), [("unnumbered", True), ("1", True), ("2", False)])
def test_a_graph_store_is_read_or_built_again(tmp_path: Path, edition: str, built: bool) -> None:
    where = place(tmp_path, "snapshot-1", f"graphs-{edition}")
    folder, ticks = only(where.graphs), list[int]()
    store = graph_store(where.graphs, open_snapshot(where.snapshots), GraphSettings(), 1, ticks.append)
    assert store.folder == folder, "it was not found: a release that changes the graphs adds its store here"
    assert bool(ticks) is built
    hashes = {path.name: file_hash(path) for path in only(ARTEFACTS / "graphs-2").glob("*.npy")}
    assert {path.name: file_hash(path) for path in store.folder.glob("*.npy")} == hashes


@pytest.mark.parametrize(
    ("names", "arguments", "words"),
    [
        (
            ("snapshot-1", "model-domain1"),
            ("evaluate", "--model", "37110cf4"),
            "model 37110cf40dabaf62 cannot be loaded: .* train again, restore it from a backup, or go back",
        ),
        (("run-screen4",), ("report", "{home}/runs/93400efb97b6fd9e"), "made by an older ferroscreen, .* screen again"),
    ],
    ids=["model", "screen"],
)
def test_what_is_too_old_is_refused(tmp_path: Path, names: tuple[str, ...], arguments: tuple[str, ...], words: str) -> None:
    place(tmp_path, *names)
    refused(tmp_path, [argument.replace("{home}", str(tmp_path)) for argument in arguments], words)


def test_tables_read_by_older_rules_are_neither_looked_up_nor_learned(tmp_path: Path) -> None:
    """Those of literature-2 knew some marks of handbooks as none, and an absent reference as "None"."""
    place(tmp_path, "literature-2")
    (tmp_path / "POSCAR").write_text(IRON)
    for command in (["predict", f"{tmp_path}/POSCAR"], ["screen", f"{tmp_path}/POSCAR"], ["train-experiment"]):
        refused(tmp_path, command, r"of another release \(literature-2; .*`ferroscreen refresh --source literature:FOLDER` reads")
    assert "7673b53626ab73a7 is sound" in ferroscreen(tmp_path, "verify").stdout


def state(key: str) -> Callable[[Path], None]:
    """Replaces the number under a key of the manifest by one that no release has reached."""

    def change(path: Path) -> None:
        file = path if path.is_file() else path / "manifest.json"
        content = json.loads(file.read_text())
        file.write_text(json.dumps({**content, key: FAR}))

    return change


def newer_member(path: Path) -> None:
    """The ensemble is of this release, one of its members is not; the hash fits."""
    name = "forest-0/model.json"
    state("format")(path / name)
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["files"][name] = file_hash(path / name)
    (path / "manifest.json").write_text(json.dumps(manifest))


def raise_user_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"pragma user_version = {LEDGER_FORMAT + 1}")


TAKE = "made by a newer ferroscreen .*update ferroscreen, or"
NEWER: list[tuple[tuple[str, ...], str, Callable[[Path], None], list[str], str]] = [
    (("snapshot-1",), "snapshots/*", state("schema_version"), ["verify"], f"{TAKE} refresh again"),
    (("model-1", "snapshot-1"), "models/*", state("format"), ["evaluate", "--model", "3745a2f1"], f"{TAKE} train again"),
    (
        ("model-1", "snapshot-1"), "models/*", newer_member, ["evaluate", "--model", "3745a2f1"],
        f"holds a forest of format {FAR}, not forest 1; train again",
    ),
    (("model-1", "current-unnumbered"), "models/current.json", state("format"), ["rollback"], f"{TAKE} delete it and promote"),
    (("run-1",), "runs/*", state("format"), ["report", "{home}/runs/2482627902e348dd"], f"{TAKE} delete it and screen again"),
    (("ledger-1",), "ledger.sqlite", raise_user_version, ["jobs"], f"{TAKE} move it away"),
]  # fmt: skip
KINDS = ["snapshot", "model", "member", "current", "screen", "ledger"]


@pytest.mark.parametrize(("names", "pattern", "change", "arguments", "words"), NEWER, ids=KINDS)
def test_what_a_newer_release_made_is_refused(
    tmp_path: Path, names: tuple[str, ...], pattern: str, change: Callable[[Path], None], arguments: list[str], words: str
) -> None:
    place(tmp_path, *names)
    (path,) = tmp_path.glob(pattern)
    change(path)
    before = {p: file_hash(p) for p in tmp_path.rglob("*") if p.is_file()}
    refused(tmp_path, [argument.replace("{home}", str(tmp_path)) for argument in arguments], words)
    assert {p: file_hash(p) for p in before} == before, "what was refused was changed"


def refused(home: Path, arguments: list[str], words: str) -> None:
    done = ferroscreen(home, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert re.search(words, done.stderr), done.stderr
    assert "Traceback" not in done.stderr
