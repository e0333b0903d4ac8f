"""Spins with learned couplings: probabilities that know no image, and probes that settle into patterns."""

import itertools

import numpy as np
import pytest
import torch

from models.ordering.ising import EXACT, SignField, compensated, energy, log_likelihood, patterns

SAME = 1e-9
RING = torch.tensor([[(s * k + t) % 8 for k in range(8)] for s, t in itertools.product((1, -1), range(8))])


def ring_coupling(first: float, second: float) -> torch.Tensor:
    gap = (torch.arange(8)[:, None] - torch.arange(8)) % 8
    near, next_near = (gap == 1) | (gap == 7), (gap == 2) | (gap == 6)
    return (first * near + second * next_near).double()


def test_patterns_come_once_up_to_time_reversal() -> None:
    rows = {tuple(row) for row in patterns(5).tolist()}
    assert len(rows) == 16 and all(row[0] == 1 for row in rows)
    assert patterns(1).tolist() == [[1]]


@pytest.mark.parametrize(("signs", "rivals"), [([1, -1, 1, -1], 3), ([1, 1, 1, 1], 5), ([1, 1, 1, -1], 5)])
def test_likelihoods_add_up_to_one_within_a_kind(signs: list[int], rivals: int) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(4, 4, dtype=torch.float64)
    coupling = (matrix + matrix.T).fill_diagonal_(0.0)
    size = torch.ones(1, 4, dtype=torch.float64)
    every = patterns(4).double()
    balanced = compensated(every[None], size, 0.1)[0]
    kind = bool(compensated(torch.tensor([[signs]]).double(), size, 0.1))
    total = sum(float(log_likelihood(coupling[None], row[None], size, 0.1).exp()) for row in every[balanced == kind])
    assert int((balanced == kind).sum()) == rivals
    assert total == pytest.approx(1.0, abs=SAME)


@pytest.mark.parametrize("n", [4, EXACT + 2])
def test_likelihoods_do_not_change_under_permutation_and_time_reversal(n: int) -> None:
    torch.manual_seed(1)
    matrix = torch.randn(1, n, n, dtype=torch.float64)
    coupling = matrix + matrix.transpose(1, 2)
    coupling[:, range(n), range(n)] = 0.0
    signs, size = torch.sign(torch.randn(1, n, dtype=torch.float64)), torch.rand(1, n, dtype=torch.float64)
    order = torch.randperm(n)
    here = log_likelihood(coupling, signs, size, 0.1)
    assert abs(float(log_likelihood(coupling, -signs, size, 0.1) - here)) < SAME
    moved = log_likelihood(coupling[:, order][:, :, order], signs[:, order], size[:, order], 0.1)
    assert abs(float(moved - here)) < SAME


def test_the_sign_field_is_odd_and_commutes_with_the_group() -> None:
    field = SignField(12).double()
    coupling = ring_coupling(-1.0, -0.2)[None]
    probe = torch.randn(1, 5, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        sigma = field(coupling, probe)
        assert float((field(coupling, -probe) + sigma).abs().max()) < SAME
        for g in RING:
            assert float((field(coupling, probe[:, :, g]) - sigma[:, :, g]).abs().max()) < SAME


@pytest.mark.parametrize(("first", "second"), [(-1.0, -0.2), (-0.3, -1.0), (1.0, 0.3)])
def test_probes_find_the_ground_state_of_a_ring(first: float, second: float) -> None:
    """Alternating, pairwise alternating, parallel: the ground states of the J1-J2 ring, by looking at all patterns."""
    coupling = ring_coupling(first, second)
    every = energy(coupling, patterns(8).double())
    probe = torch.randn(1, 32, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        settled = torch.sign(SignField(12).double()(coupling[None], probe))[0]
    assert float(energy(coupling, settled).min()) == pytest.approx(float(every.min()), abs=SAME)


def test_energies_are_those_of_a_double_sum() -> None:
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(5, 5))
    coupling, signs = matrix + matrix.T, rng.choice([-1.0, 1.0], size=5)
    wanted = -0.5 * sum(coupling[i, j] * signs[i] * signs[j] for i in range(5) for j in range(5))
    assert float(energy(torch.from_numpy(coupling), torch.from_numpy(signs[None]))[0]) == pytest.approx(wanted, abs=SAME)
