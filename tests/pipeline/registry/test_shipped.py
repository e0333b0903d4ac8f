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
def shipped_root(where: Settings, tmp_path: Path) -> Path:
    """Where the trained model is shipped."""
    ship(open_model(where.models), where, tmp_path / "pretrained")
    return tmp_path / "pretrained"


def shipped(shipped_root: Path) -> Ensemble:
    found = shipped_model(shipped_root)
    assert found is not None
    return found


def snapshot_of(where: Settings) -> Snapshot:
    return open_snapshot(where.snapshots)


def test_it_says_the_same_as_the_model_it_was_made_from(where: Settings, shipped_root: Path) -> None:
    from pipeline.registry.ensemble_gates import starter_examples

    before, after = open_model(where.models), shipped(shipped_root)
    examples = starter_examples(before)
    np.testing.assert_allclose(before.predict(examples).moment, after.predict(examples).moment, rtol=0, atol=SAME)
    assert after.manifest["shipped_from"] == before.id != after.id == after.manifest["id"]


def test_no_row_of_the_data_goes_with_it(where: Settings, shipped_root: Path) -> None:
    rows = snapshot_of(where).table(["material_id", "formula", "chemsys"])
    ids = rows.column("material_id").to_pylist()
    for path in shipped_root.rglob("*"):
        if path.is_file() and path.name not in ("manifest.json", "CARD.md"):
            content = path.read_bytes()
            assert not any(identifier.encode() in content for identifier in ids), path.name
    assert not {"material_id", "formula", "chemsys"} & set(shipped(shipped_root).held_out())
    systems = {s for s in rows.column("chemsys").to_pylist() if "-" in s}
    assert not any(s in (shipped_root / shipped(shipped_root).id / SYSTEMS_FILE).read_text() for s in systems)


def test_only_hashes_of_what_it_has_seen(where: Settings, shipped_root: Path) -> None:
    table = snapshot_of(where).table(["chemsys", "split"])
    split, systems = split_rows(table), table.column("chemsys").to_pylist()
    seen = set(json.loads((shipped_root / shipped(shipped_root).id / SYSTEMS_FILE).read_text()))
    assert seen == {system_hash(systems[k]) for k in [*split.train, *split.validation]}
    assert not seen & {system_hash(systems[k]) for k in split.test}


def test_one_model_is_shipped(where: Settings, shipped_root: Path) -> None:
    first = shipped(shipped_root).id
    assert ship(open_model(where.models), where, shipped_root).id == first, "the same content"
    (shipped_root / first / "manifest.json").rename(shipped_root / first / "elsewhere")
    shutil.copytree(shipped_root / first, shipped_root / "older")
    (shipped_root / "older" / "elsewhere").rename(shipped_root / "older" / "manifest.json")
    (shipped_root / first / "elsewhere").rename(shipped_root / first / "manifest.json")
    ship(open_model(where.models), where, shipped_root)
    assert [path.name for path in shipped_root.iterdir()] == [first]


def test_the_card_names_data_licence_and_limits(shipped_root: Path) -> None:
    card = (shipped(shipped_root).folder / "CARD.md").read_text()
    for words in ("Materials Project", "CC-BY 4.0", "## Not for", "## Known defects", "| compounds | test rows |"):
        assert words in card


def test_which_model_is_in_use(where: Settings, shipped_root: Path) -> None:
    own, model = open_model(where.models), shipped(shipped_root)
    assert choose_model(where, root=shipped_root).id == model.id, "nothing was promoted"
    assert choose_model(where, own.id[:8], shipped_root).id == own.id
    assert choose_model(where, model.id[:8], shipped_root).id == model.id
    (where.models / CURRENT_FILE).write_text(json.dumps({"promoted": [own.id]}))
    assert choose_model(where, root=shipped_root).id == own.id
    assert rollback(where.models, model) == (own.id, model.id)
    assert choose_model(where, root=shipped_root).id == model.id
    with pytest.raises(UserError, match="no model to go back to"):
        rollback(where.models, model)
    with pytest.raises(UserError, match="no single model"):
        choose_model(where, "nonsense", shipped_root)


def test_without_any_model(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no model yet"):
        choose_model(Settings(home=tmp_path), root=tmp_path / "nothing")


def test_a_first_model_is_held_against_the_shipped_one_on_rows_it_never_saw(where: Settings, shipped_root: Path) -> None:
    own, rival = open_model(where.models), shipped_rival(where, Quiet(), shipped_root)
    assert rival is not None
    errors = rival.errors(own)
    held_out = own.held_out().set_index("material_id")
    mine = (held_out["moment_muB_per_atom"] - held_out["moment_dft"]).abs()
    assert set(errors.index) == set(held_out.index), "they split alike"
    np.testing.assert_allclose(errors["error"], mine[errors.index], rtol=0, atol=1e-5)
    seen = shipped_root / rival.model.id / SYSTEMS_FILE
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
