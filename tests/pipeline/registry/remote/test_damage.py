"""What damage or malice puts at a URL stays there, and keeps nothing else away."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import list_snapshots
from data.store.artifact import text_hash
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.registry.remote import pull, push
from pipeline.settings import Settings
from tests.pipeline.registry.remote.homes import FILES, contents, flip, leftovers


def rewrite(manifest: Path, **changes: object) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changes))


@pytest.mark.parametrize("harm", [flip, Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-1])])
@pytest.mark.parametrize("kind", ["snapshot", "model"])
def test_a_damaged_artefact_stays_away_and_the_others_come(
    home: Settings, empty: Settings, there: Path, harm: object, kind: str
) -> None:
    one = list_snapshots(home.snapshots)[0] if kind == "snapshot" else open_model(home.models)
    name = FILES[0] if kind == "snapshot" else "domain/model.safetensors"
    assert callable(harm)
    harm(there / f"{kind}s" / one.id / name)
    with pytest.raises(UserError, match=rf"{one.id}.*{name}.*2 artefacts copied from .* all the same"):
        pull(empty, str(there), Quiet())
    assert contents(empty) == {name: files for name, files in contents(home).items() if name != one.id}
    assert leftovers(empty) == []
    shutil.rmtree(there / f"{kind}s" / one.id)  # as the message says
    assert [moved.id for moved in push(home, str(there), Quiet())] == [one.id]
    assert [moved.id for moved in pull(empty, str(there), Quiet())] == [one.id]
    assert contents(empty) == contents(home)


def test_a_damaged_artefact_of_the_home_is_not_pushed_and_the_others_are(home: Settings, empty: Settings, tmp_path: Path) -> None:
    shutil.copytree(home.home, empty.home)
    bad = list_snapshots(empty.snapshots)[0]
    flip(bad.folder / FILES[0])
    with pytest.raises(UserError, match=f"snapshot {bad.id}: {FILES[0]} is damaged or missing.*2 artefacts copied to"):
        push(empty, str(tmp_path / "there"), Quiet())
    assert not (tmp_path / "there" / "snapshots" / bad.id).exists()
    assert len(pull(Settings(home=tmp_path / "third", workers=1), str(tmp_path / "there"), Quiet())) == 2


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..", "", ".", "a//b", "..\\x", "a\0b"])
@pytest.mark.parametrize("part", ["files", "pages"])
def test_a_manifest_cannot_lead_out_of_the_folder(empty: Settings, there: Path, name: str, part: str) -> None:
    for manifest in there.glob("*/*/manifest.json"):
        (manifest.parents[1] / "x").write_text("not ours")
        rewrite(manifest, **{part: json.loads(manifest.read_text()).get(part, {}) | {name: text_hash("x")}})
    with pytest.raises(UserError, match=r"leads out of its folder.*leads out of its folder.*leads out of its folder"):
        pull(empty, str(there), Quiet())
    assert contents(empty) == {}
    assert [path for path in empty.home.rglob("*") if path.is_file() and not path.name.startswith(".writer")] == []


@pytest.mark.parametrize("files", [None, [], "x", 3, {}, {"crystals.parquet": 3}, {"a": "b", "a/b": "c"}])
def test_a_manifest_that_makes_no_sense_is_damaged(empty: Settings, there: Path, files: object) -> None:
    for manifest in there.glob("*/*/manifest.json"):
        rewrite(manifest, files=files)
    with pytest.raises(UserError, match="0 artefacts copied"):
        pull(empty, str(there), Quiet())
    assert contents(empty) == {}
    assert leftovers(empty) == []


def test_an_artefact_under_the_name_of_another_is_refused(home: Settings, empty: Settings, there: Path) -> None:
    for kind in ("snapshots", "models"):
        folder = next(path for path in (there / kind).iterdir())
        folder.rename(folder.with_name("0123456789abcdef"))
    with pytest.raises(UserError, match=r"snapshot 0123456789abcdef.*model 0123456789abcdef"):
        pull(empty, str(there), Quiet())
    assert len(contents(empty)) == 1


def test_an_artefact_of_a_newer_release_is_refused(home: Settings, empty: Settings, there: Path) -> None:
    rewrite(there / "models" / open_model(home.models).id / "manifest.json", format=99)
    with pytest.raises(UserError, match="made by a newer ferroscreen"):
        pull(empty, str(there), Quiet())
    assert len(contents(empty)) == 2


def test_other_things_at_the_url_are_left_alone(home: Settings, empty: Settings, there: Path) -> None:
    whole = next(path for path in (there / "snapshots").iterdir())
    for name in (".building-abc", "notes", "0123456789ABCDEF", "backup of 0123456789abcdef"):
        shutil.copytree(whole, there / "snapshots" / name)
    (there / "snapshots" / "0123456789abcdef").write_text("a file")
    (there / "models" / "current.json").write_text("{}")
    (whole / "run_me.py").write_text("raise SystemExit")
    pull(empty, str(there), Quiet())
    assert contents(empty) == contents(home)
