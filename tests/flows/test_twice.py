"""Each source through each flow twice in a row, then with one crystal added, changed and removed: nothing fails, and a second
time gives the same."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from data.crystal import Crystal
from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade
from data.sources.starter import StarterSource
from flows.cli import app
from pipeline.settings import settings
from tests.pipeline.dft.samples import bcc
from tests.pipeline.dft.samples import calculated as write_calculated
from tests.servers import optimade
from tests.servers.documents import document, records
from tests.servers.loopback import running
from tests.servers.materials_project import Database, MaterialsProjectServer

KEY = "canary7kanarienvogel7canari7kana"
Place = Callable[[Path, list[Crystal]], list[str]]  # puts crystals where a source finds them; what to screen
STRETCH = 1.01
IRON = 26
MAGNETIC = (25, 26, 27)
MOMENT_MUB = 2.0  # of each such atom, in labelled tables


def run(*arguments: str) -> str:
    """The command in this process; its standard output."""
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def crystals() -> list[Crystal]:
    source = StarterSource(equilibrium_only=True)
    return [item.crystal for shard in source.shards() for item in source.read(shard)][:5]  # type: ignore[union-attr]


def stretched(crystal: Crystal) -> Crystal:
    return Crystal(crystal.id, STRETCH * crystal.lattice, crystal.frac, crystal.numbers)


def states(five: list[Crystal]) -> dict[str, list[Crystal]]:
    first, second, third, fourth, _ = five
    return {
        "first": [first, second, third],
        "again": [first, second, third],
        "added": [first, second, third, fourth],
        "changed": [stretched(first), second, third, fourth],
        "removed": [second, third, fourth],
    }


def cif_folder(folder: Path, chosen: list[Crystal]) -> list[str]:
    place = fresh(folder / "cifs")
    for crystal in chosen:
        (place / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))
    return [str(place)]


def icsd_export(folder: Path, chosen: list[Crystal]) -> list[str]:
    place = fresh(folder / "icsd")
    for k, crystal in enumerate(chosen):
        text = crystal.to_pymatgen().to(fmt="cif").split("\n", 2)[2]
        (place / f"{k}.cif").write_text(f"data_{k}-ICSD\n_database_code_ICSD {k}\n{text}")
    return [str(place)]


def table(folder: Path, chosen: list[Crystal], labelled: bool) -> list[str]:
    moments = [MOMENT_MUB * np.isin(crystal.numbers, MAGNETIC).sum() for crystal in chosen] if labelled else [None] * len(chosen)
    columns = {
        "material_id": [crystal.id for crystal in chosen],
        "cif": [crystal.to_pymatgen().to(fmt="cif") for crystal in chosen],
        "total_magnetization_muB": pa.array(moments, pa.float64()),
    }
    if not labelled:
        del columns["total_magnetization_muB"]
    pq.write_table(pa.table(columns), folder / "table.parquet")
    return [str(folder / "table.parquet")]


def labelled_table(folder: Path, chosen: list[Crystal]) -> list[str]:
    return table(folder, chosen, labelled=True)


def unlabelled_table(folder: Path, chosen: list[Crystal]) -> list[str]:
    return table(folder, chosen, labelled=False)


def labelled_from_the_second_on(folder: Path, chosen: list[Crystal]) -> list[str]:
    """The columns of the ranking change from one day to the next."""
    return table(folder, chosen, labelled=(folder / "table.parquet").exists())


def labelled_at_first(folder: Path, chosen: list[Crystal]) -> list[str]:
    return table(folder, chosen, labelled=not (folder / "table.parquet").exists())


def optimade_folder(folder: Path, chosen: list[Crystal]) -> list[str]:
    place = fresh(folder / "optimade")
    with running(optimade.OptimadeServer([optimade.entry_of(crystal) for crystal in chosen])) as server:
        named = OptimadeQuery("tests", server.url, "nelements>0", 2)  # one provider, whatever the port of the day
        fetch_optimade(named, place, lambda entries, total: None)
    return [str(place)]


def fresh(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


PLACES: list[Place] = [
    cif_folder, icsd_export, labelled_table, unlabelled_table, labelled_from_the_second_on, labelled_at_first, optimade_folder,
]  # fmt: skip


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_screen_report_compare_and_export(place: Place, home: Path, tmp_path: Path, crystals: list[Crystal]) -> None:
    """With results below the home and, in between, in a folder that holds the results of the day before."""
    runs: list[str] = []
    for name, chosen in states(crystals).items():
        paths = place(tmp_path, chosen)
        out = ["--out", str(tmp_path / "out")] if name in ("again", "added") else []
        done = summary(run("screen", *paths, "--licensed-details", "--json", *out))
        assert done["ranked"] == len(chosen), name
        runs.append(done["id"])
    run("report")
    run("screen", *paths, "--profile", "explore", "--licensed-details")
    run("export", runs[-1], "--top", "1", "--format", "cif,csv", "--out", str(tmp_path / "export"))
    run("compare", runs[-2], runs[-1])


def summary(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.mark.parametrize("labelled", ["parquet", "calculated", "parquet and calculated"])
def test_refresh_and_train(labelled: str, home: Path, tmp_path: Path) -> None:
    """A labelled source that changes: each refresh publishes, and a training on it ends well."""
    source = StarterSource(equilibrium_only=True)
    many = [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    for chosen in (many[:-1], many, [stretched(many[0]), *many[2:]]):
        table(tmp_path, chosen, labelled=True)
        (tmp_path / "calculated").mkdir(exist_ok=True)
        if not any((tmp_path / "calculated").iterdir()):
            write_calculated(tmp_path / "calculated", bcc(IRON))
        names = {"parquet": f"parquet:{tmp_path / 'table.parquet'}", "calculated": f"calculated:{tmp_path / 'calculated'}"}
        name = ",".join(names[word] for word in labelled.split(" and "))
        published = summary(run("refresh", "--source", name, "--json"))["id"]
        assert summary(run("refresh", "--source", name, "--json"))["id"] == published
        if labelled != "calculated":
            command = ("train", "--snapshot", published, "--members", "forest", "--json")
            assert summary(run(*command))["id"] == summary(run(*command))["id"]


def test_the_materials_project(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = list(records(StarterSource(equilibrium_only=True)))
    documents = [document(record, f"mp-{10 + k}") for k, record in enumerate(rows)]
    data = Database(documents[:-1])
    monkeypatch.setenv("MP_API_KEY", KEY)
    with MaterialsProjectServer(data, KEY).running() as server:
        monkeypatch.setenv("FERROSCREEN_MP_ENDPOINT", server.endpoint)
        settings.cache_clear()
        for number, change in enumerate((lambda: None, lambda: None, lambda: data.put(documents[-1]))):
            change()
            data.version = f"2026.11.{min(number, 1)}"
            run("refresh", "--source", "mp")
            run("screen", "mp", "--quiet")
            run("screen", "mp", "--profile", "explore", "--quiet")
            run("report")


def test_other_epochs_that_change_nothing_are_said(home: Path) -> None:
    """A forest has no epochs: the same model, and the summary says by which settings it was made."""
    command = ("train", "--members", "forest", "--first-seed", "3", "--epochs")  # no other test's model
    first = summary(run(*command, "2", "--json"))
    second = summary(run(*command, "3", "--json"))
    assert first["id"] == second["id"] and first["known_before"] == ""
    assert second["known_before"] == "made before, by epochs 2, not 3; these settings change nothing in it"
    assert "made before, by epochs 2" in run(*command, "3")
