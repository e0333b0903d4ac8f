"""Spectral decoupling: the margins at which training ends, and what the penalty does not see."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from models.networks.layers import mlp
from models.published.spectral_decoupling import (
    binary_loss,
    classes_loss,
    decay_all_but,
    fixed_class_margin,
    fixed_margin,
    prior_logit,
)

TABLE = {0.0003: 5.679, 0.001: 4.665, 0.003: 3.767, 0.01: 2.818, 0.03: 1.995, 0.1: 1.178, 0.3: 0.593}
ROUNDED = 6e-4  # the table has three decimals
EXACT = 1e-12
TRAINED = 0.03  # relative, mean margin of a trained network


def double(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize(("strength", "margin"), TABLE.items())
def test_margins_of_the_table(strength: float, margin: float) -> None:
    assert abs(fixed_margin(strength) - margin) < ROUNDED


@pytest.mark.parametrize("strength", [1e-12, 1e-5, 0.02, 1.0, 1e3, 1e9])
@pytest.mark.parametrize("prior", [-8.0, 0.0, 3.0])
def test_the_margin_solves_its_equation(strength: float, prior: float) -> None:
    m = fixed_margin(strength, prior)
    assert abs(2 * strength * m * (1 + math.exp(m + prior)) - 1) < 1e-9


@pytest.mark.parametrize("strength", [0.0, -0.1, math.nan, math.inf])
def test_no_penalty_has_no_margin(strength: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        fixed_margin(strength)


@pytest.mark.parametrize("strength", TABLE)
@pytest.mark.parametrize("prior", [0.0, -1.5])
def test_the_loss_is_stationary_and_smallest_there(strength: float, prior: float) -> None:
    up, down = fixed_margin(strength, prior), fixed_margin(strength, -prior)
    positive = double(1, 0, 0, 1)
    logit = double(prior + up, prior - down, prior - down, prior + up).requires_grad_()
    lowest = binary_loss(logit, positive, strength, prior)
    lowest.backward()
    assert logit.grad.abs().max() < EXACT
    for step in torch.eye(4, dtype=torch.float64):
        for sign in (-1e-2, 1e-2):
            assert binary_loss(logit.detach() + sign * step, positive, strength, prior) > lowest


@pytest.mark.parametrize("classes", [2, 3, 10])
@pytest.mark.parametrize("strength", [0.003, 0.3])
def test_several_classes_are_stationary_at_their_margin(classes: int, strength: float) -> None:
    label = torch.arange(classes)
    logits = fixed_class_margin(strength, classes) * functional.one_hot(label, classes).double()
    logits.requires_grad_()
    classes_loss(logits, label, strength).backward()
    assert logits.grad.abs().max() < EXACT


def test_loss_by_pencil() -> None:
    # BCE of z = 0 is ln 2, of z = ln 3 for the wrong class ln 4; squares of z - 1
    loss = binary_loss(double(0.0, math.log(3)), double(1, 0), 0.5, prior=1.0)
    assert abs(loss.item() - (math.log(2) + math.log(4)) / 2 - 0.25 * (1 + (math.log(3) - 1) ** 2)) < EXACT
    # logits 3, 0, 0 are centred to 2, -1, -1, whose squares have the mean 2
    loss = classes_loss(double(3, 0, 0)[None], torch.tensor([0]), 0.5)
    assert abs(loss.item() - math.log(1 + 2 * math.exp(-3)) - 1.0) < EXACT


def test_without_strength_it_is_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    z, y = torch.randn(50, generator=generator), (torch.rand(50, generator=generator) < 0.3).float()
    assert torch.equal(binary_loss(z, y, 0.0, prior=-2.0), functional.binary_cross_entropy_with_logits(z, y))
    z, label = torch.randn(50, 4, generator=generator), torch.randint(4, (50,), generator=generator)
    assert torch.equal(classes_loss(z, label, 0.0), functional.cross_entropy(z, label))


def test_two_classes_as_two_logits_are_four_times_as_weak() -> None:
    z, y = double(-3, 0.2, 1.7), double(0, 0, 1)
    pair = torch.stack([-z / 2, z / 2], dim=1)
    torch.testing.assert_close(classes_loss(pair, y.long(), 0.4), binary_loss(z, y, 0.1), rtol=EXACT, atol=0)
    assert abs(fixed_class_margin(0.4, 2) - fixed_margin(0.1)) < EXACT


def test_a_number_added_to_all_classes_changes_nothing() -> None:
    generator = torch.Generator().manual_seed(1)
    z, label = torch.randn(20, 5, generator=generator, dtype=torch.float64), torch.randint(5, (20,), generator=generator)
    prior = torch.randn(5, generator=generator, dtype=torch.float64)
    shift = 7 * torch.randn(20, 1, generator=generator, dtype=torch.float64)
    same = classes_loss(z, label, 0.2, prior)
    torch.testing.assert_close(classes_loss(z + shift, label, 0.2, prior), same, rtol=EXACT, atol=0)
    torch.testing.assert_close(classes_loss(z, label, 0.2, prior - 3), same, rtol=EXACT, atol=0)  # shares need not add up to 1
    z.requires_grad_()
    classes_loss(z, label, 0.2, prior).backward()
    assert z.grad.sum(dim=1).abs().max() < EXACT  # and no gradient moves all classes together


def test_gradient_without_and_with_the_penalty_on_a_settled_example() -> None:
    z = double(8.0).requires_grad_()
    binary_loss(z, double(1), 0.0).backward()
    starved = float(z.grad)
    z.grad = None
    binary_loss(z, double(1), 0.01).backward()
    assert -1e-3 < starved < 0 < float(z.grad)  # beyond the margin the penalty pulls back


@pytest.mark.parametrize("strength", [0.003, 0.3, 30.0])
def test_the_prior_keeps_a_blind_classifier_at_the_base_rate(strength: float) -> None:
    positive = double(*[1] * 1, *[0] * 9)
    prior = prior_logit(0.1)

    def slope(logit: float, prior: float) -> float:
        z = double(logit).requires_grad_()
        binary_loss(z.expand(10), positive, strength, prior).backward()
        return float(z.grad)

    assert abs(slope(prior, prior)) < EXACT  # one logit for all: stationary at the share of positives, whatever c
    assert slope(prior, 0.0) < -1e-3  # without the prior it is drawn up, to one half


def test_the_prior_of_several_classes_keeps_a_blind_classifier_at_the_shares() -> None:
    label = torch.tensor([0, 0, 0, 0, 0, 1, 1, 1, 2, 2])
    prior = torch.log(torch.bincount(label).double() / len(label))
    z = prior.clone().requires_grad_()
    classes_loss(z.expand(10, 3), label, 0.3, prior).backward()
    assert z.grad.abs().max() < EXACT


@pytest.mark.parametrize("strength", [0.003, 0.03, 0.3])
def test_a_separable_toy_ends_at_the_margin(strength: float) -> None:
    """One coordinate separates the classes widely, the other one barely: all examples end at one margin all the same."""
    rng = np.random.default_rng(0)
    y = np.repeat([0.0, 1.0], 20)
    x = torch.from_numpy(np.stack([(2 * y - 1) + 0.3 * rng.uniform(-1, 1, 40), rng.normal(size=40)], axis=1))
    positive = torch.from_numpy(y)
    torch.manual_seed(0)
    network = mlp(2, 100, 1).double()
    optimiser = torch.optim.LBFGS(network.parameters(), max_iter=400, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss = binary_loss(network(x)[:, 0], positive, strength)
        loss.backward()
        return loss

    optimiser.step(closure)
    with torch.no_grad():
        z = network(x)[:, 0]
    assert ((z > 0) == (positive > 0)).all()
    np.testing.assert_allclose(z.abs().mean(), fixed_margin(strength), rtol=TRAINED)


def test_the_head_is_spared_weight_decay_and_no_weight_is_lost() -> None:
    network = mlp(3, 4, 1)
    trunk, head = decay_all_but(network[-1], network, 0.1)
    assert (trunk["weight_decay"], head["weight_decay"]) == (0.1, 0.0)
    assert {id(p) for p in head["params"]} == {id(p) for p in network[-1].parameters()}
    both = [id(p) for group in (trunk, head) for p in group["params"]]
    assert sorted(both) == sorted(id(p) for p in network.parameters())
