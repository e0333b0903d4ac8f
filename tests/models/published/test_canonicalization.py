"""Learned canonicalization of crystals: one prediction for every pose, and what happens where poses tie."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from data.symmetry import symmetrise
from models.contract import Examples, FitControl, ModelError
from models.graphs.vector_graphs import VectorBatch
from models.networks.cgcnn import CGCNN
from models.published.adaptation import distance_to_standard, prior_loss, share_in_standard_pose
from models.published.canonicalization import Canonical, chosen_poses
from models.published.coordinate_network import Coordinates
from models.published.frame_score import _powers, _turned, shortest_of_each_parity
from tests.contract import crystals as made

EXACT = 1e-9  # float64, µB/atom or without unit
TURNED = 1e-4  # float32, µB/atom
NAMED = ("Fe", "MnO", "Co2MnSi", "MnF2", "MnSi")


@lru_cache(maxsize=1)
def some() -> Examples:
    """Starter crystals to learn from."""
    return made.starter_examples().take(np.arange(0, made.FIRST_ROWS, 3))


@lru_cache(maxsize=1)
def upright() -> Coordinates:
    model = Coordinates()
    model.fit(some(), some(), FitControl(seed=1, epochs=12))
    return model


@lru_cache(maxsize=1)
def adapted(folder: Path) -> Canonical:
    model = Canonical()
    model.fit(some(), some(), FitControl(seed=1, epochs=20, pretrained=folder))
    return model


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("upright")
    upright().save(folder)
    return folder


def named(exact: bool = False) -> Examples:
    return made.examples_of_cells([symmetrise(made.hand_built()[name]) for name in NAMED], exact=exact)


def batch_of(examples: Examples) -> VectorBatch:
    assert examples.vectors is not None
    return VectorBatch.collate(examples.vectors, np.arange(len(examples)), torch.float64)


@pytest.mark.parametrize("handedness", [1, -1])
def test_every_pose_gets_one_prediction(pretrained: Path, handedness: int) -> None:
    model = adapted(pretrained)
    for examples in (named(), some()):
        turned = made.turned(examples, seed=3, handedness=handedness)
        np.testing.assert_allclose(model.predict(turned).moment, model.predict(examples).moment, rtol=0, atol=TURNED)


def test_the_network_inside_does_not_know_turned_crystals(pretrained: Path) -> None:
    turned = made.turned(some(), seed=3)
    change = np.abs(upright().predict(turned).moment - upright().predict(some()).moment)
    assert change.max() > 20 * TURNED


def test_adapting_leaves_the_network_inside_as_it_is(pretrained: Path) -> None:
    inner = adapted(pretrained).network.get_submodule("coordinates").state_dict()
    for name, weight in upright().network.state_dict().items():
        assert torch.equal(inner[name], weight), name


def test_the_prior_teaches_the_standard_setting(pretrained: Path) -> None:
    batch = VectorBatch.collate(some().vectors, np.arange(len(some())))  # type: ignore[arg-type]
    with torch.no_grad():
        hit, known = share_in_standard_pose(batch, adapted(pretrained).network.frame_score(batch))
        fresh, _ = share_in_standard_pose(batch, Canonical().network.frame_score(batch))
    assert known == len(some())
    assert hit > 0.9 * known and fresh < 0.5 * known


@pytest.mark.parametrize("name", NAMED)
def test_the_prior_is_zero_for_every_equivalent_frame(name: str) -> None:
    group = torch.from_numpy(np.asarray(named(exact=True).take(np.array([NAMED.index(name)])).vectors.rotation))  # type: ignore[union-attr]
    standard = torch.from_numpy(made.random_rotation(5))
    assert distance_to_standard(standard @ group.transpose(1, 2), standard, group).max() < 1e-10
    other = torch.from_numpy(made.random_rotation(6))
    assert distance_to_standard(other[None], standard, group).min() > 0.01


def test_the_prior_passes_over_crystals_without_the_standard_setting() -> None:
    batch = batch_of(named(exact=True))
    score = torch.randn(len(batch.frame), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    by_hand = []
    for k in range(batch.n_crystals):
        own = batch.frame_crystal == k
        by_hand.append(-torch.log_softmax(score[own], dim=0)[batch.frame_standard[own]].logsumexp(dim=0))
    assert prior_loss(batch, score) == pytest.approx(float(torch.stack(by_hand).mean()), abs=1e-12)
    lost = replace(batch, frame_standard=batch.frame_standard & (batch.frame_crystal != 2))
    assert prior_loss(lost, score) == pytest.approx(float(torch.stack(by_hand[:2] + by_hand[3:]).mean()), abs=1e-12)


def test_crystals_without_found_symmetry_are_averaged_over_their_ties(pretrained: Path) -> None:
    """The same crystal as 48 tied frames instead of one class: the policy of tied frames must give the same prediction."""
    model = copy.deepcopy(adapted(pretrained))
    model.network.margin = 1e-3  # one class of frames, not several that the small training leaves alike
    cells = [symmetrise(made.hand_built()[name]) for name in NAMED]
    blind = [replace(cell, exact=False, space_group=1, orbit=np.arange(len(cell.numbers))) for cell in cells]
    said = model.predict(made.examples_of_cells(blind)).moment
    np.testing.assert_allclose(said, model.predict(named()).moment, rtol=0, atol=TURNED)


def test_weights_of_poses() -> None:
    batch = batch_of(named(exact=True))
    score = torch.linspace(0, 1, len(batch.frame), dtype=torch.float64)
    best = chosen_poses(batch, score, margin=1e-6, most=4)
    assert best.weight.tolist() == [1.0] * batch.n_crystals and best.crystal.tolist() == list(range(batch.n_crystals))
    tied = chosen_poses(batch, torch.zeros_like(score), margin=0.1, most=4)
    assert torch.bincount(tied.crystal).tolist() == [min(4, n) for n in torch.bincount(batch.frame_crystal).tolist()]
    total = torch.zeros(batch.n_crystals, dtype=torch.float64).index_add(0, tied.crystal, tied.weight)
    assert (total - 1).abs().max() < 1e-12


def test_no_jump_where_two_frames_change_places() -> None:
    batch = batch_of(named(exact=True).take(np.array([NAMED.index("MnSi")])))
    score = torch.full((len(batch.frame),), -10.0, dtype=torch.float64)
    for gap in (0.0999, 0.1001):  # the margin is 0.1: the second frame leaves with a weight near zero
        score[3], score[8] = 1.0, 1.0 - gap
        assert chosen_poses(batch, score, margin=0.1, most=4).weight[0] > 0.998
    score[8] = 1.0
    assert chosen_poses(batch, score, margin=0.1, most=4).weight.tolist() == [0.5, 0.5]


def test_components_in_a_frame_are_those_of_its_cross_moved_about() -> None:
    batch, network = batch_of(named(exact=True)), Canonical().network.frame_score.double()
    moments = _powers(torch.randn(batch.n_crystals, 3, dtype=torch.float64))[:, None]
    direct = _turned(moments[batch.frame_crystal], batch.frame)[:, 0]
    along = _turned(moments[batch.triad_crystal], batch.triad)[:, 0]
    moved = along[batch.frame_triad].gather(1, network.place[batch.frame_axes]) * network.sign[batch.frame_axes]
    assert (moved - direct).abs().max() < EXACT


def test_shortest_vectors_do_not_depend_on_the_reduced_basis() -> None:
    hexagonal = torch.tensor([[3.0, 0, 0], [-1.5, 1.5 * 3**0.5, 0], [0, 0, 5]], dtype=torch.float64)
    other = torch.tensor([[1.0, 1, 0], [0, 1, 0], [0, 0, -1]], dtype=torch.float64) @ hexagonal
    found = []
    for lattice in (hexagonal, other):
        vector, weight = shortest_of_each_parity(lattice[None])
        rows = torch.cat([vector[0], weight[0, :, None]], dim=1)[weight[0] > 0]
        found.append(sorted(tuple(np.round(row, 6) + 0.0) for row in rows.numpy()))
    assert found[0] == found[1]


def test_what_cannot_be_adapted_is_refused(pretrained: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="adapts no pretrained model"):
        CGCNN().fit(some(), some(), FitControl(epochs=1, pretrained=pretrained))
    CGCNN().save(tmp_path)
    with pytest.raises(ModelError, match="not coordinates"):
        Canonical().fit(some(), some(), FitControl(epochs=1, pretrained=tmp_path))
