"""Spin configurations that are images of each other."""

import itertools

import numpy as np
import pytest

from models.ordering.orbits import orbit_names

SAME = 1e-9
RING = np.array([[(s * k + t) % 6 for k in range(6)] for s, t in itertools.product((1, -1), range(6))])


@pytest.mark.parametrize("copies", [1, 6, 10, 11])  # 36 sites are two halves of a machine word; 66 do not fit into one
def test_orbit_names_agree_exactly_where_patterns_are_images(copies: int) -> None:
    rng = np.random.default_rng(0)
    group = np.concatenate([RING + 6 * k for k in range(copies)], axis=1)
    signs = rng.choice(np.array([-1, 1], dtype=np.int8), size=(12, 6 * copies))
    signs = np.concatenate([signs, -signs[:3], signs[:3][:, group[5]]])
    names = orbit_names(signs, group)
    for a, b in itertools.combinations(range(len(signs)), 2):
        images = signs[a][group]
        image = bool(((images == signs[b]).all(axis=1) | (images == -signs[b]).all(axis=1)).any())
        assert (names[a] == names[b]) == image
