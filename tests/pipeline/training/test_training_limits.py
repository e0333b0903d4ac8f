"""Time limits and data with which nothing can be learned."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble

INSTANT_MIN = 1e-9


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, Snapshot]:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    return where, publish_snapshot(where.snapshots, StarterSource())


def test_a_network_without_an_epoch_is_never_taken_for_trained(home: tuple[Settings, Snapshot]) -> None:
    where, snapshot = home
    wanted = TrainSettings(members=("forest", "cgcnn"), epochs=1, max_minutes=INSTANT_MIN)
    for _ in range(2):  # nor by a later run
        with pytest.raises(UserError, match="the time limit ended before cgcnn-0 had learned for one epoch"):
            train_ensemble(snapshot, wanted, where, Quiet())
    assert list(where.work.glob("train-*/forest-0/done.json")), "the forest, which takes no time limit, is kept"
    assert not list(where.work.glob("train-*/cgcnn-0/done.json"))
    assert not where.models.exists() or list(where.models.iterdir()) == []


def test_half_a_minute_is_a_limit_that_a_small_network_keeps(home: tuple[Settings, Snapshot], tmp_path: Path) -> None:
    where, snapshot = home
    wanted = TrainSettings(members=("cgcnn",), epochs=1, max_minutes=0.5)
    (member,) = train_ensemble(snapshot, wanted, where, Quiet()).manifest["members"]
    assert len(member["training"]) == 1


@pytest.mark.parametrize("minutes", [-1.0, float("inf")])
def test_a_time_limit_that_is_none_is_refused_before_anything_is_trained(home: tuple[Settings, Snapshot], minutes: float) -> None:
    where, snapshot = home
    with pytest.raises(UserError, match=f"a number of minutes above zero, not {minutes:g}"):
        train_ensemble(snapshot, TrainSettings(members=("forest",), max_minutes=minutes), where, Quiet())
