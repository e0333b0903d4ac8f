"""What counts as the same ordering, and the loss that takes the nearest one."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ordering.orbits import equal_up_to_group, orbit_minimum, orbit_names

SAME = 1e-9
RING = np.array([[(s * k + t) % 6 for k in range(6)] for s, t in itertools.product((1, -1), range(6))])


def slow_minimum(said: np.ndarray, truth: np.ndarray, group: np.ndarray) -> float:
    return min(float(((said - sign * truth[g]) ** 2).mean()) for g in group for sign in (1, -1))


@given(st.integers(0, 2**31))
@settings(max_examples=50, deadline=None)
def test_the_orbit_minimum_is_the_smallest_of_all_errors_and_knows_no_image(seed: int) -> None:
    rng = np.random.default_rng(seed)
    said, truth = rng.normal(size=(3, 6)), rng.normal(size=6)
    group = torch.from_numpy(RING)
    found = orbit_minimum(torch.from_numpy(said), torch.from_numpy(truth), group)
    assert found.tolist() == pytest.approx([slow_minimum(row, truth, RING) for row in said], abs=SAME)
    for image in (truth[RING[seed % 12]], -truth):
        moved = orbit_minimum(torch.from_numpy(said), torch.from_numpy(image), group)
        assert float((moved - found).abs().max()) < SAME
    turned = orbit_minimum(torch.from_numpy(-said[:, RING[seed % 12]]), torch.from_numpy(truth), group)
    assert float((turned - found).abs().max()) < SAME


def test_the_orbit_minimum_tells_orderings_apart() -> None:
    alternating, pairs = torch.tensor([1.0, -1, 1, -1, 1, -1]), torch.tensor([1.0, 1, 1, -1, -1, -1])
    assert float(orbit_minimum(alternating[None], pairs, torch.from_numpy(RING))[0]) > 0.5


def test_patterns_are_equal_up_to_the_group_on_the_sites_that_count() -> None:
    one, other = np.array([1.0, -1, 1, -1, 1, -1]), np.array([-2.0, 2, -2, 2, -2, 2])
    everywhere = np.ones(6, dtype=bool)
    assert equal_up_to_group(one, other, RING[:1], everywhere)  # time reversal
    assert not equal_up_to_group(one, np.array([1.0, 1, 1, -1, -1, -1]), RING, everywhere)
    silent = np.array([0.0, -1, 1, -1, 1, -1])
    assert not equal_up_to_group(silent, other, RING, everywhere)
    assert equal_up_to_group(silent, other, RING[:1], silent != 0)


@pytest.mark.parametrize("copies", [1, 11])  # 66 sites do not fit into a machine word
def test_orbit_names_agree_exactly_where_patterns_are_images(copies: int) -> None:
    rng = np.random.default_rng(0)
    group = np.concatenate([RING + 6 * k for k in range(copies)], axis=1)
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), size=(12, 6 * copies))
    signs = np.concatenate([signs, -signs[:3], signs[:3][:, group[5]]])
    names = orbit_names(signs, group)
    for a, b in itertools.combinations(range(len(signs)), 2):
        image = equal_up_to_group(signs[a].astype(float), signs[b].astype(float), group, np.ones(6 * copies, dtype=bool))
        assert (names[a] == names[b]) == image
