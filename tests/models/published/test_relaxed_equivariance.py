"""Relaxed equivariance in the E-MLP form: the answer may be less symmetric than the input, but only up to its own symmetry."""

import itertools

import numpy as np
import pytest
import torch

from models.published.relaxed_equivariance import SharedLinear, bias_basis, matrices, stabiliser, transversal, weight_basis

RELAXED, STRICT = 1e-6, 1e-3  # the first must be below, the second above
D4 = np.array([[(s * k + t) % 4 for k in range(4)] for s, t in itertools.product((1, -1), range(4))])
X = np.array([1.0, 0.0, 0.5, 0.0])


def images(values: torch.Tensor, group: np.ndarray) -> torch.Tensor:
    """(g, n) of a group on values (n,)."""
    return torch.from_numpy(matrices(group)) @ values


def test_a_transversal_has_one_element_of_each_coset() -> None:
    inside = stabiliser(D4, X)
    chosen = transversal(D4, inside)
    assert inside.sum() == 2 and len(chosen) == 4
    cosets = {frozenset(tuple(D4[c][h].tolist()) for h in D4[inside]) for c in chosen}
    assert len(cosets) == 4 and set().union(*cosets) == {tuple(row) for row in D4.tolist()}


def test_d4_on_four_sites_gains_one_weight() -> None:
    everything, some = matrices(D4), matrices(D4[transversal(D4, stabiliser(D4, X))])
    assert (len(weight_basis(everything, everything)), len(weight_basis(some, some))) == (3, 4)
    assert len(bias_basis(everything)) == 1


@pytest.mark.parametrize("seed", range(5))
def test_a_relaxed_layer_is_right_up_to_the_inputs_own_symmetry(seed: int) -> None:
    torch.manual_seed(seed)
    inside = stabiliser(D4, X)
    layer = SharedLinear(D4[transversal(D4, inside)])
    x = torch.from_numpy(X)
    said = layer(x).detach()
    relaxed, strict = 0.0, 0.0
    for g in D4:
        turned = layer(images(x, g[None])[0]).detach()
        coset = np.array([g[h] for h in D4[inside]])
        apart = (images(said, coset) - turned).abs().amax(dim=1)
        relaxed = max(relaxed, float(apart.min()))
        strict = max(strict, float((images(said, g[None])[0] - turned).abs().max()))
    assert relaxed < RELAXED
    assert strict > STRICT
    assert abs(float(said[1] - said[3])) > STRICT  # sites that the input does not tell apart


@pytest.mark.parametrize("x", [X, np.ones(4)])
def test_a_strictly_equivariant_layer_keeps_the_inputs_symmetry(x: np.ndarray) -> None:
    torch.manual_seed(0)
    layer = SharedLinear(D4)
    said = layer(torch.from_numpy(x)).detach()
    for g in D4[stabiliser(D4, x)]:
        assert float((images(said, g[None])[0] - said).abs().max()) < RELAXED
    if (x == 1).all():
        assert float((said - said.mean()).abs().max()) < RELAXED  # no antiferromagnet


def test_a_trivial_stabiliser_leaves_nothing_to_relax() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0])
    assert sorted(transversal(D4, stabiliser(D4, x)).tolist()) == list(range(8))


def test_of_equal_sites_only_a_relaxed_layer_makes_different_ones() -> None:
    torch.manual_seed(0)
    x = np.ones(4)
    said = SharedLinear(D4[transversal(D4, stabiliser(D4, x))])(torch.from_numpy(x)).detach()
    assert float((said - said.mean()).abs().max()) > STRICT
