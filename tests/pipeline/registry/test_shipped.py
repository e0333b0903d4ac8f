"""The shipped model: what it must not carry, when it is in use, and what takes its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, open_snapshot
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.promotion import promote, rollback
from pipeline.registry.published import CURRENT_FILE, current_models
from pipeline.registry.shipped import SYSTEMS_FILE, choose_model, ship, shipped_model, shipped_rival, system_hash
from pipeline.settings import Settings
from pipeline.training.splits import split_rows

SAME = 1e-9  # µB/atom


@pytest.fixture
def where(trained_home: Path, tmp_path: Path) -> Settings:
    """A home of one's own with the trained model and its snapshot, and no model in use."""
    home = tmp_path / "home"
    shutil.copytree(trained_home, home, ignore=shutil.ignore_patterns("work", "leases", "ledger.sqlite"))
    return Settings(home=home, workers=1)


@pytest.fixture
def shelf(where: Settings, tmp_path: Path) -> Path:
    """Where the trained model is shipped."""
    ship(open_model(where.models), where, tmp_path / "pretrained")
    return tmp_path / "pretrained"


def shipped(shelf: Path) -> Ensemble:
    found = shipped_model(shelf)
    assert found is not None
    return found


def snapshot_of(where: Settings) -> Snapshot:
    return open_snapshot(where.snapshots)


def test_it_says_the_same_as_the_model_it_was_made_from(where: Settings, shelf: Path) -> None:
    from pipeline.registry.ensemble_gates import starter_examples

    before, after = open_model(where.models), shipped(shelf)
    examples = starter_examples(before)
    np.testing.assert_allclose(before.judge(examples).moment, after.judge(examples).moment, rtol=0, atol=SAME)
    assert after.manifest["shipped_from"] == before.id != after.id == after.manifest["id"]


def test_no_row_of_the_data_goes_with_it(where: Settings, shelf: Path) -> None:
    rows = snapshot_of(where).table(["material_id", "formula", "chemsys"])
    ids = rows.column("material_id").to_pylist()
    for path in shelf.rglob("*"):
        if path.is_file() and path.name not in ("manifest.json", "CARD.md"):
            content = path.read_bytes()
            assert not any(identifier.encode() in content for identifier in ids), path.name
    assert not {"material_id", "formula", "chemsys"} & set(shipped(shelf).held_out())
    systems = {s for s in rows.column("chemsys").to_pylist() if "-" in s}
    assert not any(s in (shelf / shipped(shelf).id / SYSTEMS_FILE).read_text() for s in systems)


def test_only_hashes_of_what_it_has_seen(where: Settings, shelf: Path) -> None:
    table = snapshot_of(where).table(["chemsys", "split"])
    split, systems = split_rows(table), table.column("chemsys").to_pylist()
    seen = set(json.loads((shelf / shipped(shelf).id / SYSTEMS_FILE).read_text()))
    assert seen == {system_hash(systems[k]) for k in [*split.train, *split.validation]}
    assert not seen & {system_hash(systems[k]) for k in split.test}


def test_one_lies_on_the_shelf(where: Settings, shelf: Path) -> None:
    first = shipped(shelf).id
    assert ship(open_model(where.models), where, shelf).id == first, "the same content"
    (shelf / first / "manifest.json").rename(shelf / first / "elsewhere")
    shutil.copytree(shelf / first, shelf / "older")
    (shelf / "older" / "elsewhere").rename(shelf / "older" / "manifest.json")
    (shelf / first / "elsewhere").rename(shelf / first / "manifest.json")
    ship(open_model(where.models), where, shelf)
    assert [path.name for path in shelf.iterdir()] == [first]


def test_the_card_names_data_licence_and_limits(shelf: Path) -> None:
    card = (shipped(shelf).folder / "CARD.md").read_text()
    for words in ("Materials Project", "CC-BY 4.0", "## Not for", "## Known defects", "| compounds | test rows |"):
        assert words in card


def test_which_model_is_in_use(where: Settings, shelf: Path) -> None:
    own, model = open_model(where.models), shipped(shelf)
    assert choose_model(where, root=shelf).id == model.id, "nothing was promoted"
    assert choose_model(where, own.id[:8], shelf).id == own.id
    assert choose_model(where, model.id[:8], shelf).id == model.id
    (where.models / CURRENT_FILE).write_text(json.dumps({"promoted": [own.id]}))
    assert choose_model(where, root=shelf).id == own.id
    assert rollback(where.models, model) == (own.id, model.id)
    assert choose_model(where, root=shelf).id == model.id
    with pytest.raises(UserError, match="no model to go back to"):
        rollback(where.models, model)
    with pytest.raises(UserError, match="no single model"):
        choose_model(where, "nonsense", shelf)


def test_without_any_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model yet"):
        choose_model(Settings(home=tmp_path), root=tmp_path / "nothing")


def test_a_first_model_is_held_against_the_shipped_one_on_rows_it_never_saw(where: Settings, shelf: Path) -> None:
    own, rival = open_model(where.models), shipped_rival(where, Quiet(), shelf)
    assert rival is not None
    errors = rival.errors(own)
    held_out = own.held_out().set_index("material_id")
    mine = (held_out["moment_muB_per_atom"] - held_out["moment_dft"]).abs()
    assert set(errors.index) == set(held_out.index), "they split alike"
    np.testing.assert_allclose(errors["error"], mine[errors.index], rtol=0, atol=1e-5)
    seen = shelf / rival.model.id / SYSTEMS_FILE
    table = snapshot_of(where).table(["chemsys"]).column("chemsys").to_pylist()
    seen.write_text(json.dumps([system_hash(s) for s in table]))
    decision = promote(where.models, own.id, rival)
    assert not decision.promoted and any("too few rows in common (0)" in reason for reason in decision.reasons)
    assert current_models(where.models) == []


def test_what_the_checkout_ships_is_sound() -> None:
    model = shipped_model()
    if model is None:
        pytest.skip("no shipped model in this checkout")
    assert len(model.members) == len(model.manifest["members"]) and model.manifest["gate_passed"]
    assert model.error_model.domain is not None
    assert sum(path.stat().st_size for path in model.folder.rglob("*")) < 40e6
    assert model.manifest["rows"]["train"] > 40_000
