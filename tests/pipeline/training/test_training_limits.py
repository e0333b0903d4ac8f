"""Time limits and data with which nothing can be learned."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from data.errors import UserError
from data.rejection import Rejection
from data.snapshot import Snapshot, publish_snapshot
from data.sources import Record, Shard
from data.sources.starter import StarterSource
from pipeline.ops.progress import Quiet
from pipeline.settings import Settings
from pipeline.training.train import TrainSettings, train_ensemble
from tests.contract.relabelled import Relabelled

INSTANT_MIN = 1e-9
JOULE_PER_TESLA = Relabelled("joule per tesla", lambda record, label: 9.274e-24 * label.moment_muB_per_cell)
EVEN = Relabelled("even", lambda record, label: 0.5 * record.crystal.n_sites)


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


def test_moments_in_another_unit_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    snapshot = publish_snapshot(where.snapshots, JOULE_PER_TESLA)
    with pytest.raises(UserError, match=r"rows has a moment above 0\.05 µB/atom \(the largest: .*e-23\).*µB per cell"):
        train_ensemble(snapshot, TrainSettings(members=("forest",)), where, Quiet())
    assert not list(where.work.glob("*/forest-0")), "a member was trained all the same"


def test_labels_that_are_all_alike_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    snapshot = publish_snapshot(where.snapshots, EVEN)
    with pytest.raises(UserError, match=r"training rows have the moment 0\.5 µB/atom: nothing can be learned"):
        train_ensemble(snapshot, TrainSettings(members=("forest", "cgcnn")), where, Quiet())
    assert not where.models.exists() or list(where.models.iterdir()) == []
    assert not list(where.work.glob("*/forest-0")), "a member was trained all the same"


class FewRows(StarterSource):
    """One row of the starter set in thirty-two."""

    def identity(self) -> str:
        return "few rows"

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        return islice(super().read(shard), None, None, 32)


def test_rows_that_are_too_few_for_boosted_trees_are_a_mistake_of_the_user(tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    with pytest.raises(UserError, match=r"boosting-0: the same prediction for every crystal.*More training rows"):
        train_ensemble(publish_snapshot(where.snapshots, FewRows()), TrainSettings(members=("boosting",)), where, Quiet())
    assert not where.models.exists() or list(where.models.iterdir()) == []
