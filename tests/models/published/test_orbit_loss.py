"""The loss that takes the nearest image of the truth."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.published.orbit_loss import orbit_minimum

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
