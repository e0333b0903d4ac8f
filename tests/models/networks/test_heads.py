from __future__ import annotations

import numpy as np
import torch

from models.graphs.crystal_graphs import CrystalGraphs, GraphBatch
from models.networks.heads import SITES, TwoPart, TwoPartHead, site_loss, two_part_loss
from tests.contract.crystals import starter_examples

LOSS = 1e-12  # relative, float64 against numpy


def example_graphs(n: int) -> CrystalGraphs:
    return starter_examples().graphs.take(np.arange(n))


def by_hand(logit: np.ndarray, size: np.ndarray, moment: np.ndarray) -> float:
    total = 0.0
    for z, y, mu in zip(logit, size, moment, strict=True):
        p = 1 / (1 + np.exp(-z))
        total += -np.log(p) + abs(y - mu) if mu > 0.05 else -np.log(1 - p)
        total += abs(p * y - mu)
    return total / len(moment)


def test_loss_is_the_sum_of_its_three_parts() -> None:
    rng = np.random.default_rng(0)
    logit, size = rng.normal(0, 2, 50), rng.gamma(1.0, 1.0, 50)
    moment = np.where(rng.random(50) < 0.5, 0.0, rng.gamma(2.0, 0.5, 50))
    moment[:3] = [0.05, 0.0500001, 0.04]  # the threshold itself is not magnetic
    said = TwoPart(torch.from_numpy(logit), torch.from_numpy(size))
    np.testing.assert_allclose(two_part_loss(said, torch.from_numpy(moment)).item(), by_hand(logit, size, moment), rtol=LOSS)


def test_loss_by_pencil() -> None:
    said = TwoPart(torch.zeros(2, dtype=torch.float64), torch.tensor([2.0, 4.0], dtype=torch.float64))
    # gate ln 2; size (|2 - 1| + 0) / 2; product (|1 - 1| + |2 - 0|) / 2
    loss = two_part_loss(said, torch.tensor([1.0, 0.0], dtype=torch.float64))
    np.testing.assert_allclose(loss.item(), np.log(2) + 0.5 + 1.0, rtol=LOSS)


def test_a_hopeless_gate_keeps_a_finite_loss_and_gradient() -> None:
    logit = torch.tensor([-500.0, 500.0], requires_grad=True)
    size = torch.tensor([3.0, 3.0], requires_grad=True)
    loss = two_part_loss(TwoPart(logit, size), torch.tensor([2.0, 0.0]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logit.grad).all()
    assert logit.grad[0] < 0 < logit.grad[1]


def test_head_gives_a_size_that_is_never_negative() -> None:
    torch.manual_seed(0)
    said = TwoPartHead(8)(100 * torch.randn(200, 8))
    assert said.size.min() >= 0
    assert ((said.p_magnetic >= 0) & (said.p_magnetic <= 1)).all()
    assert torch.equal(said.moment, said.p_magnetic * said.size)


def test_weights_count_labels_as_often_as_they_say() -> None:
    said = TwoPart(torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64), torch.tensor([1.0, 2.0, 0.5], dtype=torch.float64))
    moment = torch.tensor([0.0, 1.5, 0.7], dtype=torch.float64)
    index = torch.tensor([0, 0, 0, 1, 2])  # the first three times
    repeated = two_part_loss(TwoPart(said.logit[index], said.size[index]), moment[index])
    weighted = two_part_loss(said, moment, torch.tensor([3.0, 1.0, 1.0], dtype=torch.float64))
    np.testing.assert_allclose(weighted.item(), repeated.item(), rtol=LOSS)
    equal = two_part_loss(said, moment, torch.full((3,), 0.2, dtype=torch.float64))
    np.testing.assert_allclose(equal.item(), two_part_loss(said, moment).item(), rtol=LOSS)


def test_the_site_loss_counts_known_sites_by_their_share_of_the_crystal() -> None:
    graphs = example_graphs(2)
    nodes = int(graphs.node_ptr[-1])
    label = np.full(nodes, np.nan)
    label[0] = 2.0  # one site of the first crystal; the second has none
    batch = GraphBatch.collate(graphs, np.arange(2), torch.float64, label)
    said = TwoPart(torch.zeros(2), torch.zeros(2), torch.full((nodes,), 0.5, dtype=torch.float64, requires_grad=True))
    loss = site_loss(said, batch)
    np.testing.assert_allclose(loss.item(), SITES * 1.5 * float(graphs.node_weight[0]) / 2, rtol=LOSS)
    loss.backward()
    assert said.sites is not None and said.sites.grad is not None
    assert torch.isfinite(said.sites.grad).all() and int((said.sites.grad != 0).sum()) == 1


def test_without_labels_or_without_a_head_the_site_loss_is_zero() -> None:
    graphs = example_graphs(1)
    said = TwoPart(torch.zeros(1), torch.zeros(1), torch.zeros(int(graphs.node_ptr[-1])))
    assert site_loss(said, GraphBatch.collate(graphs, np.arange(1))).item() == 0
    labelled = GraphBatch.collate(graphs, np.arange(1), torch.float32, np.ones(int(graphs.node_ptr[-1])))
    assert site_loss(TwoPart(said.logit, said.size), labelled).item() == 0


def test_a_batch_without_any_weight_has_no_loss_and_a_finite_gradient() -> None:
    logit = torch.tensor([1.0, -2.0], requires_grad=True)
    loss = two_part_loss(TwoPart(logit, torch.tensor([1.0, 2.0])), torch.tensor([2.0, 0.0]), torch.zeros(2))
    loss.backward()
    assert loss.item() == 0 and logit.grad is not None and bool(torch.isfinite(logit.grad).all())
