from __future__ import annotations

import dataclasses
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import models.networks.training as training
from models.contract import Examples, FitControl, ModelError
from models.graphs.crystal_graphs import GraphBatch
from models.networks.cgcnn import CGCNN
from models.networks.heads import TwoPart
from models.networks.megnet import MEGNet
from models.networks.network_model import NetworkModel
from models.networks.training import CHECKPOINT_FILE, moments_task, train_network
from tests.contract.crystals import starter_examples

EPOCHS = 4
NETWORKS = [CGCNN, MEGNet]


class Killed(Exception):
    pass


def parts() -> tuple[Examples, Examples]:
    examples = starter_examples()
    rows = np.arange(len(examples))
    train = examples.take(rows[rows % 4 > 0])
    learned = dataclasses.replace(train, site_moment=np.ones(len(train.graphs.numbers)))  # not every family learns them
    return learned, examples.take(rows[rows % 4 == 0])


def fit(kind: type[NetworkModel], stop_after: int | None = None, **control: Any) -> tuple[NetworkModel, list[dict[str, float]]]:
    def report(row: dict[str, float]) -> None:
        if row["epoch"] == stop_after:
            raise Killed

    model = kind()
    return model, model.fit(*parts(), FitControl(**{"epochs": EPOCHS, "report": report} | control))


def assert_same_weights(one: NetworkModel, other: NetworkModel) -> None:
    theirs = other.network.state_dict()
    for name, weight in one.network.state_dict().items():
        assert torch.equal(weight, theirs[name]), name


def without_time(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("kills", [[1], [2], [3, 4]])
def test_a_killed_fit_goes_on_to_the_same_bits(kind: type[NetworkModel], kills: list[int], tmp_path: Path) -> None:
    whole, history = fit(kind)
    for epoch in kills:  # the report comes after the checkpoint of its epoch, so that epoch is kept
        with pytest.raises(Killed):
            fit(kind, stop_after=epoch, checkpoint=tmp_path)
    torch.manual_seed(12345)
    seen: list[float] = []
    resumed, again = fit(kind, checkpoint=tmp_path, report=lambda row: seen.append(row["epoch"]))
    assert_same_weights(resumed, whole)
    assert without_time(again) == without_time(history)
    assert seen == list(range(kills[-1] + 1, EPOCHS + 1)), "finished epochs were trained again"


def test_a_finished_fit_is_not_trained_again(tmp_path: Path) -> None:
    first, history = fit(CGCNN, checkpoint=tmp_path)
    seen: list[dict[str, float]] = []
    again, told = fit(CGCNN, checkpoint=tmp_path, report=seen.append)
    assert seen == []
    assert told == history
    assert_same_weights(again, first)


OTHERS: dict[str, dict[str, Any]] = {"seed": {"seed": 5}, "epochs": {"epochs": EPOCHS - 1}}


@pytest.mark.parametrize("other", OTHERS)
def test_a_checkpoint_of_other_settings_is_ignored(other: str, tmp_path: Path) -> None:
    with pytest.raises(Killed):
        fit(CGCNN, stop_after=3, checkpoint=tmp_path, **OTHERS[other])
    assert (tmp_path / CHECKPOINT_FILE).is_file()
    assert_same_weights(fit(CGCNN, checkpoint=tmp_path)[0], fit(CGCNN)[0])


def test_a_checkpoint_of_another_family_or_other_moments_is_ignored(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        fit(MEGNet, stop_after=2, checkpoint=tmp_path)
    assert_same_weights(fit(CGCNN, epochs=2, checkpoint=tmp_path)[0], fit(CGCNN, epochs=2)[0])
    train, validation = parts()
    shifted = Examples(train.graphs, train.descriptors, train.targets() + 0.1)
    model, fresh = CGCNN(), CGCNN()
    model.fit(shifted, validation, FitControl(epochs=2, checkpoint=tmp_path))
    fresh.fit(shifted, validation, FitControl(epochs=2))
    assert_same_weights(model, fresh)


def test_a_checkpoint_holds_data_only(tmp_path: Path) -> None:
    fit(CGCNN, epochs=1, checkpoint=tmp_path)
    assert torch.load(tmp_path / CHECKPOINT_FILE, weights_only=True)["run"]["epoch"] == 1
    assert [p.name for p in tmp_path.iterdir()] == [CHECKPOINT_FILE], "a temporary file was left behind"


def test_a_poisoned_checkpoint_never_runs(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"

    class Poison:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (marker,)

    (tmp_path / CHECKPOINT_FILE).write_bytes(pickle.dumps(Poison(), protocol=2))
    assert_same_weights(fit(CGCNN, epochs=1, checkpoint=tmp_path)[0], fit(CGCNN, epochs=1)[0])
    assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"torn", None])
def test_a_damaged_checkpoint_is_as_good_as_none(content: bytes | None, tmp_path: Path) -> None:
    if content is None:
        fit(CGCNN, epochs=2, checkpoint=tmp_path)
        content = (tmp_path / CHECKPOINT_FILE).read_bytes()[:-500]
    (tmp_path / CHECKPOINT_FILE).write_bytes(content)
    assert_same_weights(fit(CGCNN, epochs=2, checkpoint=tmp_path)[0], fit(CGCNN, epochs=2)[0])


def test_deadline_wraps_up_with_the_best_so_far() -> None:
    started = time.monotonic()
    model, history = fit(CGCNN, epochs=100_000, deadline=started + 1.5)
    assert time.monotonic() - started < 15
    assert 1 <= len(history) < 100_000
    truth = parts()[1].targets()
    error = np.abs(model.predict(parts()[1]).moment - truth).mean()
    assert error == pytest.approx(min(row["validation_mae"] for row in history), abs=1e-5)


class Hot(CGCNN):
    training = dataclasses.replace(CGCNN.training, learning_rate=1e30, clip_norm=1e30)


def test_divergence_is_an_error_and_leaves_no_poisoned_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="diverged in epoch"):
        Hot().fit(*parts(), FitControl(epochs=3, checkpoint=tmp_path))
    if (tmp_path / CHECKPOINT_FILE).is_file():
        best = torch.load(tmp_path / CHECKPOINT_FILE, weights_only=True)["best"]
        assert all(torch.isfinite(w).all() for w in best.values())


class Watcher(torch.nn.Module):
    """A network that remembers what it was shown, and learns next to nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.shown = torch.nn.Parameter(torch.zeros(2)), list[float]()

    def forward(self, batch: GraphBatch) -> TwoPart:
        if self.training:
            first = torch.searchsorted(batch.node_crystal, torch.arange(batch.n_crystals))
            self.shown += batch.edge_distance[torch.searchsorted(batch.edge_target, first)].tolist()
        both = self.weight.expand(batch.n_crystals, 2)
        return TwoPart(both[:, 0], both[:, 1].exp())


def test_every_epoch_shows_every_crystal_once_in_an_order_of_its_own() -> None:
    train, validation = parts()
    network = Watcher()
    task = moments_task(train, validation, torch.float32, CGCNN.collate, CGCNN().loss)
    train_network(network, task, CGCNN.training, FitControl(epochs=3), "watcher")
    orders = np.array(network.shown).reshape(3, len(train))
    wanted = np.sort(train.graphs.edge_distance[train.graphs.edge_ptr[:-1]])
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), wanted)
    assert (orders[0] != orders[1]).any()
    assert (orders[1] != orders[2]).any()


class Impatient(CGCNN):
    training = dataclasses.replace(CGCNN.training, learning_rate=0.0, patience=2)


def test_patience_ends_a_run_that_no_longer_improves() -> None:
    history = Impatient().fit(*parts(), FitControl(epochs=50))
    assert len(history) == 3


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_learning_rate_leaves_no_member_untrained(kind: type[NetworkModel]) -> None:
    """A run of one epoch, the shortest there is, must move every weight that takes part."""
    torch.manual_seed(0)
    before = {name: w.clone() for name, w in kind().network.state_dict().items()}
    after = fit(kind, epochs=1)[0].network.state_dict()
    still = [name for name in before if "centres" not in name and torch.equal(before[name], after[name])]
    assert still == []


@pytest.fixture
def hear_ctrl_c() -> Iterator[None]:
    """A shell starts its background jobs deaf to Ctrl-C, and so all that they start."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("hear_ctrl_c")
def test_ctrl_c_while_a_checkpoint_is_written_is_an_interruption(tmp_path: Path) -> None:
    """Inside torch's writer it would come out as a RuntimeError, and leave half a file."""
    network = torch.nn.Linear(800, 800)
    averaged = torch.optim.swa_utils.AveragedModel(network)
    optimiser = torch.optim.AdamW(network.parameters())
    best = network.state_dict()
    training.save_state(tmp_path, "same", network, averaged, optimiser, best, training.Progress())

    def save_until_interrupted(wait: float) -> None:
        timer = threading.Timer(wait, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
        timer.start()
        for epoch in range(10_000):
            training.save_state(tmp_path, "same", network, averaged, optimiser, best, training.Progress(epoch=epoch))

    for wait in np.linspace(0.01, 0.03, 12):
        with pytest.raises(KeyboardInterrupt):
            save_until_interrupted(float(wait))
        assert torch.load(tmp_path / training.CHECKPOINT_FILE, weights_only=True)["identity"] == "same"


def test_a_label_with_little_weight_teaches_little() -> None:
    """Half of the labels are wrong: with next to no weight for them the network learns the right ones."""
    train, validation = parts()
    wrong = np.arange(len(train)) % 2 == 0
    spoiled = dataclasses.replace(train, moment=np.where(wrong, 5.0, 0.0))
    asked = dataclasses.replace(validation, moment=np.zeros(len(validation)))
    errors = []
    for weight in (None, np.where(wrong, 1e-3, 1.0)):
        network = CGCNN()
        network.fit(dataclasses.replace(spoiled, weight=weight), asked, FitControl(epochs=4))
        errors.append(network.predict(asked).moment.mean())
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan])  # zero for every label
def test_weights_that_cannot_be(weight: float) -> None:
    train, validation = parts()
    with pytest.raises(ModelError, match="weights"):
        CGCNN().fit(dataclasses.replace(train, weight=np.full(len(train), weight)), validation, FitControl(epochs=1))


def test_subnormal_numbers_count_as_zero_in_training_only() -> None:
    """They make the backward pass of a trained network six times as slow."""
    halves, half = list[float](), lambda: float(torch.tensor(1.5e-38) * 0.5)  # of the smallest normal number, about
    network = torch.nn.Linear(1, 1)

    def loss(network: torch.nn.Module, index: np.ndarray) -> torch.Tensor:
        halves.append(half())
        return network(torch.ones(len(index), 1)).square().mean()

    task = training.Task(rows=4, loss=loss, validate=lambda network: 0.0)
    train_network(network, task, training.TrainingSettings(epochs=1), FitControl(seed=0), "")
    assert halves and not any(halves) and half() > 0
    task = dataclasses.replace(task, validate=lambda network: np.nan)
    with pytest.raises(ModelError, match="diverged"):
        train_network(network, task, training.TrainingSettings(epochs=1), FitControl(seed=0), "")
    assert half() > 0, "an interrupted training gives the processor back as it was"
