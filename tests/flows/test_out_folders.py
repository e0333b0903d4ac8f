"""`--out` mixes with nothing: another run's folder, foreign files, and files that are not those of their manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.sources.starter import StarterSource
from pipeline.export.export import export
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.screening.profiles import PROFILES
from pipeline.screening.runs import find_run
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings

SOURCE = StarterSource(equilibrium_only=True)


@pytest.fixture(scope="module")
def where(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home that shares the models, so that its runs are its own."""
    home = tmp_path_factory.mktemp("home")
    for name in ("models", "snapshots"):
        (home / name).symlink_to(trained_home / name)
    return Settings(home=home, workers=1)


def ranked(where: Settings, out: Path | None, profile: str = "high-ms", force: bool = False) -> Screened:
    return screen(SOURCE, open_model(where.models), out, where, Quiet(), PROFILES[profile], force=force)


def test_another_profile_does_not_write_over_a_run(where: Settings, tmp_path: Path) -> None:
    out = tmp_path / "mixed"
    first = ranked(where, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(UserError, match=r"holds run .* by the profile high-ms: choose another --out, or .* --force"):
        ranked(where, out, "explore")
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert ranked(where, out).manifest == first.manifest, "the same question is answered again"

    second = ranked(where, out, "explore", force=True)
    assert find_run(where, str(out)).manifest["id"] == second.manifest["id"]
    with pytest.raises(UserError, match=f"now holds run {second.manifest['id']}"):
        find_run(where, first.manifest["id"])


@pytest.mark.parametrize("name", ["ranking.csv", "ranking.parquet", "rejected.csv", "structures.parquet"])
def test_a_file_that_is_not_its_manifests(where: Settings, tmp_path: Path, name: str) -> None:
    """As when another run's file was copied into the folder."""
    out = tmp_path / "out"
    run = ranked(where, out)
    (out / name).write_bytes((out / name).read_bytes() + b"x")
    with pytest.raises(UserError, match=f"{name} is not the file that run {run.manifest['id']} wrote"):
        find_run(where, str(out))


def test_foreign_files_are_never_touched(where: Settings, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"holds thesis.tex, which is not of a run: choose another --out"):
        ranked(where, tmp_path)
    ranked(where, tmp_path, force=True)
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("name", ["ranking.csv", "report.html", "manifest.json", "shipped"])
def test_a_foreign_file_with_a_name_of_ours_is_not_overwritten_by_force(where: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match=f"holds {name} that ferroscreen did not write"):
        ranked(where, tmp_path, force=True)
    assert (tmp_path / name).read_text() == "{}"


def test_force_replaces_an_export_and_leaves_the_rest(where: Settings, tmp_path: Path) -> None:
    run, out = ranked(where, None), tmp_path / "export"
    export(run, 2, [], ["cif"], out, Quiet())
    (calculated,) = list(out.glob("00001-*"))
    (calculated / "OUTCAR").write_text("days of work")
    with pytest.raises(UserError, match=r"not an empty folder.*--force replaces the export in it"):
        export(run, 1, [], ["poscar"], out, Quiet())
    export(run, 1, [], ["poscar"], out, Quiet(), force=True)
    assert sorted(path.name for path in calculated.iterdir()) == ["OUTCAR", "POSCAR"]
    assert not list(out.glob("00002-*")), "nothing of the earlier export remains"
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "README.md").write_text("mine")
    with pytest.raises(UserError, match="not an empty folder"):
        export(run, 1, [], ["poscar"], tmp_path / "foreign", Quiet(), force=True)
