from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from data.errors import UserError
from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from pipeline.features.graphs import GRAPH_CODE
from pipeline.ops.progress import Quiet
from pipeline.registry import promotion
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.ensemble_gates import gates
from pipeline.registry.promotion import promote, promote_trained, rollback
from pipeline.registry.published import (
    CURRENT_FILE,
    artefact_files,
    artefact_id,
    current_models,
    given_up_models,
    put_to_use,
)
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Ensemble:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    snapshot = publish_snapshot(where.snapshots, StarterSource())
    return train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet())


@pytest.fixture
def root(trained: Ensemble, tmp_path: Path) -> Path:
    """Models of one's own: the trained one, in use, with intervals that hold nine in ten of its test rows."""
    first = variant(trained, tmp_path, calm)
    assert promote(tmp_path, first.id).promoted
    return tmp_path


def variant(model: Ensemble, root: Path, change: Change, **manifest: object) -> Ensemble:
    """A published copy with other held-out predictions."""
    building = root / ".building"
    shutil.copytree(model.folder, building)
    change(pd.read_parquet(building / "held_out.parquet")).to_parquet(building / "held_out.parquet", index=False)
    files = {n: h for n, h in artefact_files(building).items() if n not in ("manifest.json", "CARD.md")}
    content = {**model.manifest, "files": files, "id": artefact_id(files), **manifest}
    (building / "manifest.json").write_text(json.dumps(content))
    building.rename(root / str(content["id"]))
    return Ensemble(root / str(content["id"]))


def calm(rows: pd.DataFrame) -> pd.DataFrame:
    """Intervals that hold nine in ten rows of each range, whatever the little forest said of them."""
    error = (rows["moment_muB_per_atom"] - rows["moment_dft"]).abs()
    width = np.where(np.arange(len(rows)) % 10 == 9, 0.5, 1.5) * error + 1e-9 * (np.arange(len(rows)) % 10 != 9)
    return rows.assign(moment_low=(rows["moment_muB_per_atom"] - width), moment_high=rows["moment_muB_per_atom"] + width)


def closer(factor: float) -> Change:
    """Errors times a factor, with intervals that follow."""

    def change(rows: pd.DataFrame) -> pd.DataFrame:
        moment = rows["moment_dft"] + factor * (rows["moment_muB_per_atom"] - rows["moment_dft"])
        return calm(rows.assign(moment_muB_per_atom=moment))

    return change


def test_the_first_sound_model_is_in_use(root: Path) -> None:
    (in_use,) = current_models(root)
    assert open_model(root).id == in_use


def test_a_better_one_takes_over_and_can_be_given_up(root: Path, trained: Ensemble) -> None:
    (before,) = current_models(root)
    better = variant(trained, root, closer(0.5))
    decision = promote(root, better.id[:8])
    assert decision.promoted and decision.against == before
    assert decision.gain is not None and decision.gain.low > 0
    assert open_model(root).id == better.id
    assert rollback(root) == (better.id, before)
    assert open_model(root).id == before
    with pytest.raises(UserError, match="no model to go back to"):
        rollback(root)


def test_two_decisions_do_not_undo_one_another(root: Path, trained: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    """The better one is promoted, by another process as it were, while the good one is compared with the one before both."""
    good, better = variant(trained, root, closer(0.8)), variant(trained, root, closer(0.5))
    other = threading.Thread(target=promote, args=(root, better.id))
    compared = promotion.compare

    def meanwhile(*arguments: Any) -> Any:
        if not other.ident:
            other.start()
            other.join(0.5)
        return compared(*arguments)

    monkeypatch.setattr(promotion, "compare", meanwhile)
    assert promote(root, good.id).promoted
    other.join()
    assert current_models(root)[-2:] == [good.id, better.id]


def test_a_worse_one_does_not_and_says_why(root: Path, trained: Ensemble) -> None:
    (before,) = current_models(root)
    content = (root / CURRENT_FILE).read_bytes()
    worse = variant(trained, root, closer(1.5))
    decision = promote(root, worse.id)
    assert not decision.promoted and decision.gain is not None and decision.gain.high < 0
    assert f"may be worse than {before}" in decision.reasons[0]
    assert (root / CURRENT_FILE).read_bytes() == content
    assert open_model(root).id == before, "the newest is not the one in use"


def test_a_training_that_learned_nothing_new_does_not_undo_what_a_person_chose(root: Path, trained: Ensemble) -> None:
    """The weekly training of the same data ends with the model of before, week after week."""
    (first,) = current_models(root)
    given_up = variant(trained, root, closer(0.5))
    assert promote_trained(root, given_up.id, None).promoted
    assert promote_trained(root, given_up.id, None).promoted, "it is in use"
    rollback(root)
    decision = promote_trained(root, given_up.id, None)
    assert not decision.promoted and decision.against == first and current_models(root) == [first]
    assert f"`ferroscreen promote {given_up.id}` takes it again" in decision.reasons[0]
    replaced = variant(trained, root, closer(0.5001))
    assert promote_trained(root, replaced.id, None).promoted, "a new one is decided on"
    assert not promote_trained(root, first, None).promoted
    assert promote(root, given_up.id).promoted and open_model(root).id == given_up.id, "a person may"
    assert promote_trained(root, given_up.id, None).promoted and given_up_models(root) == []


@pytest.mark.parametrize("fate", ["of other features", "damaged", "deleted"])
def test_a_model_in_use_that_no_longer_predicts_keeps_no_sound_one_out(root: Path, trained: Ensemble, fate: str) -> None:
    """It erred less, but an upgrade or a disk has taken it; the one before it counts."""
    (first,) = current_models(root)
    older = [code.replace(GRAPH_CODE, "graphs-0") for code in trained.manifest["code"]]
    best = variant(trained, root, closer(0.2), code=older if fate == "of other features" else trained.manifest["code"])
    put_to_use(root, [first, best.id], given_up=[])
    if fate == "damaged":
        (best.folder / "forest-0" / "model.safetensors").write_bytes(b"")
    if fate == "deleted":
        shutil.rmtree(best.folder)
    worse, better = variant(trained, root, closer(1.5)), variant(trained, root, closer(0.8))
    decision = promote(root, worse.id)
    assert not decision.promoted and decision.against == first
    assert promote(root, better.id).promoted
    assert current_models(root) == [first, best.id, better.id]


def test_a_model_that_somebody_deleted_is_named_and_gone_back_behind(root: Path, trained: Ensemble) -> None:
    (first,) = current_models(root)
    second, third = variant(trained, root, closer(0.8)), variant(trained, root, closer(0.5))
    put_to_use(root, [first, second.id, third.id], given_up=[])
    for gone in (second, third):
        shutil.rmtree(gone.folder)
    with pytest.raises(UserError, match=rf"model {third.id}, which is in use, is no longer in .*train again, .*rollback"):
        open_model(root)
    assert rollback(root) == (third.id, first)
    assert current_models(root) == [first] and open_model(root).id == first
    shutil.rmtree(root / first)
    assert rollback(root, shipped=trained) == (first, trained.id) and current_models(root) == []


def test_a_damaged_model_is_gone_back_behind(root: Path, trained: Ensemble) -> None:
    """It would be in use, and refused by the next screen."""
    (first,) = current_models(root)
    second, third = variant(trained, root, closer(0.8)), variant(trained, root, closer(0.5))
    put_to_use(root, [first, second.id, third.id], given_up=[])
    weights = next(second.folder.rglob("model.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    assert rollback(root) == (third.id, first) and current_models(root) == [first]


def test_an_equal_one_takes_over(root: Path, trained: Ensemble) -> None:
    decision = promote(root, variant(trained, root, closer(1.0001)).id)
    assert decision.promoted and decision.gain is not None and abs(decision.gain.mean) < 1e-3


def test_promoting_the_model_in_use_changes_nothing(root: Path) -> None:
    content = (root / CURRENT_FILE).read_bytes()
    assert promote(root, current_models(root)[0]).promoted
    assert (root / CURRENT_FILE).read_bytes() == content


UNSOUND: dict[str, tuple[Change, str]] = {
    "not finite": (
        lambda rows: rows.assign(p_magnetic=np.where(np.arange(len(rows)) == 3, np.nan, rows["p_magnetic"])),
        "not finite",
    ),
    "constant": (
        lambda rows: rows.assign(moment_muB_per_atom=0.6, moment_low=0.0, moment_high=9.0),
        "the same of every test row",
    ),
    "too narrow": (
        lambda rows: rows.assign(moment_low=rows["moment_muB_per_atom"] - 1e-6, moment_high=rows["moment_muB_per_atom"] + 1e-6),
        "interval holds",
    ),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_model_is_refused(trained: Ensemble, tmp_path: Path, name: str) -> None:
    change, words = UNSOUND[name]
    decision = promote(tmp_path, variant(trained, tmp_path, change).id)
    assert not decision.promoted and any(words in reason for reason in decision.reasons), decision.reasons
    assert current_models(tmp_path) == []


def test_an_ensemble_that_failed_its_own_gate_is_refused(trained: Ensemble, tmp_path: Path) -> None:
    found = gates(variant(trained, tmp_path, calm, gate_passed=False))
    assert found == ["none of its members is better than a constant with confidence"]


def test_models_without_common_rows_are_not_compared(root: Path, trained: Ensemble) -> None:
    other = variant(trained, root, lambda rows: closer(0.5)(rows.assign(material_id="x" + rows["material_id"])))
    decision = promote(root, other.id)
    assert not decision.promoted and "too few rows in common" in decision.reasons[0]


def test_an_id_that_is_another_crystal_is_no_common_row(root: Path, trained: Ensemble) -> None:
    """Tables of a user count their rows from 1, and most moments are the same zero."""
    other = variant(trained, root, lambda rows: closer(0.5)(rows.assign(chemsys="X-" + rows["chemsys"])))
    decision = promote(root, other.id)
    assert not decision.promoted and "too few rows in common (0)" in decision.reasons[0]


def test_a_model_of_before_the_systems_were_kept_can_be_compared(root: Path, trained: Ensemble) -> None:
    old = variant(trained, root, lambda rows: closer(0.5)(rows).drop(columns="chemsys"))
    assert promote(root, old.id).promoted


def test_an_unreadable_list_is_no_reason_to_guess(root: Path) -> None:
    (root / CURRENT_FILE).write_text("{")
    with pytest.raises(UserError, match="does not name the models in use"):
        open_model(root)
