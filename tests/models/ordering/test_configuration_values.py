"""The features of spin configurations by numbers written out: a ring of four spins, alternating singly and in pairs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.networks.element_table import N_PROPERTIES, element_table
from models.ordering.configuration_features import (
    COLUMNS,
    N_PATHS,
    OWN,
    SHELLS,
    STRICTION_SHELLS,
    TOLERANCES_A,
    SpinCell,
    pattern_features,
)
from models.ordering.orbits import WORD

SINGLY, IN_PAIRS = 0, 1
SIGNS = np.array([[1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=float)  # the last one is the second turned round
SIZE = np.array([2.0, 1.0, 2.0, 1.0])
NEAR_A, NEXT_A, FAR = 3.0, 4.2, 0.05
OF_SYMMETRY, OF_SHIFT = 5 * len(TOLERANCES_A), 5
LOG_FAR, LOG_ZERO = np.log(FAR + 1e-4), np.log(1e-4)


def ring(copies: int = 1) -> SpinCell:
    """Rotations by 0 to 3 places, which are translations, and reflections t - i. The cell as it came obeys those rotations and
    reflections that keep or turn the pattern in pairs; bonds 0-1 and 2-3 of it are 0.01 Å shorter than the two others. With more
    copies, as many rings that do not touch."""
    rows = [[(i + t) % 4 for i in range(4)] for t in range(4)] + [[(t - i) % 4 for i in range(4)] for t in range(4)]
    shift = np.array([0, FAR, 0, FAR, FAR, 0, FAR, 0.0])
    near = [(i, (i + s) % 4) for i in range(4) for s in (1, -1)]
    links, kind = [*near, *((i, (i + 2) % 4) for i in range(4))], np.array([0] * 8 + [1] * 4)
    stretch = np.array([-0.01 if set(link) in ({0, 1}, {2, 3}) else 0.01 for link in near] + [0.0] * 4)
    paths = np.zeros((2, N_PATHS))
    paths[0, 0], paths[1, 3] = 1.0, 0.5
    each = np.repeat(np.arange(copies) * 4, len(links))
    target, source = (np.tile([link[side] for link in links], copies) + each for side in (0, 1))
    kind, stretch = np.tile(kind, copies), np.tile(stretch, copies)
    permutations = np.concatenate([np.array(rows) + 4 * k for k in range(copies)], axis=1)
    return SpinCell(
        np.full(4 * copies, 26), np.tile([0, 1, 0, 1], copies), permutations, np.arange(8) < 4, shift, np.zeros(8), target,
        source, kind, np.ones(len(kind)), np.array([NEAR_A, NEXT_A])[kind], stretch, paths[kind], np.zeros(N_PROPERTIES),
    )  # fmt: skip


def found(copies: int = 1) -> np.ndarray:
    return pattern_features(ring(copies), np.tile(SIGNS, (1, copies)), np.tile(SIZE, copies))


@pytest.mark.parametrize("copies", [1, WORD // 4 + 1])  # patterns within a machine word and longer ones
def test_symmetry(copies: int) -> None:
    """Which operations keep a pattern, turn it or break it: of all, of the translations but the identity, by tolerance."""
    own = found(copies)[:, :OWN]
    assert own[:, 0] == pytest.approx([1 / 3, 2 / 3, 2 / 3]), "share of its images among the rivals"
    every, obeyed = own[:, 1:6], own[:, 6:11]
    np.testing.assert_allclose(every[SINGLY], [4 / 8, 4 / 8, 1 / 3, 2 / 3, 0.0])
    np.testing.assert_allclose(every[IN_PAIRS], [2 / 8, 2 / 8, 0.0, 1 / 3, 4 / 8])
    np.testing.assert_allclose(obeyed[SINGLY], [2 / 4, 2 / 4, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(obeyed[IN_PAIRS], [2 / 4, 2 / 4, 0.0, 1.0, 0.0])


def test_how_badly_broken_operations_are_obeyed() -> None:
    """Differences of mean logarithms (broken less kept or turned, turned less kept), the worst that is not broken, the best that
    is, and the chance that a broken one is obeyed worse."""
    shift = found()[:, 1 + OF_SYMMETRY :][:, :OF_SHIFT]
    np.testing.assert_allclose(shift[SINGLY], [0.0, 0.0, LOG_FAR, 1.0, 0.5], atol=1e-9)
    np.testing.assert_allclose(shift[IN_PAIRS], [LOG_FAR - LOG_ZERO, 0.0, LOG_ZERO, LOG_FAR, 1.0], atol=1e-9)
    strain = found()[:, 1 + OF_SYMMETRY + OF_SHIFT :][:, :OF_SHIFT]
    np.testing.assert_allclose(strain[IN_PAIRS], [0.0, 0.0, LOG_ZERO, LOG_ZERO, 0.5], atol=1e-9)


def test_correlations_of_shells_of_all_neighbours_and_along_paths() -> None:
    start = 1 + OF_SYMMETRY + 3 * OF_SHIFT
    shells = found()[:, start:][:, :SHELLS]
    np.testing.assert_allclose(shells[:2], [[-1, 1, 0, 0, 0], [0, -1, 0, 0, 0]], atol=1e-12)
    falling = found()[:, start + SHELLS :][:, :2]
    for column, fall_A in enumerate((0.3, 1.0)):
        far = np.exp(-(NEXT_A - NEAR_A) / fall_A)
        assert falling[SINGLY, column] == pytest.approx((-8 + 4 * far) / (8 + 4 * far))
        assert falling[IN_PAIRS, column] == pytest.approx(-4 * far / (8 + 4 * far))
    along = found()[:, start + SHELLS + 2 :][:, :N_PATHS]
    np.testing.assert_allclose(along[:2, [0, 3]], [[-8 / 4, 0.5 * 4 / 4], [0.0, -0.5 * 4 / 4]], atol=1e-12)


def test_striction_is_the_correlation_of_parallel_spins_and_long_bonds() -> None:
    """Parallel neighbours are nearer in the pattern in pairs, which has as many of either kind."""
    start = 1 + OF_SYMMETRY + 3 * OF_SHIFT + SHELLS + 2 + N_PATHS
    near = found()[:, start:][:, :4]
    np.testing.assert_allclose(near, [[0] * 4, [-1, 1, -0.01, 0.01], [1, 1, 0.01, 0.01]], atol=1e-9)
    every = found()[:, start + 4 * STRICTION_SHELLS :][:, :2]
    far = np.exp(-(NEXT_A - NEAR_A))
    expected = -0.01 * 8 / (8 + 4 * far) / (0.01 * np.sqrt(8 / (8 + 4 * far)) + 1e-4)
    np.testing.assert_allclose(every[IN_PAIRS], [expected, -expected])


def test_what_is_left_of_the_moments_and_the_distance_from_the_rivals() -> None:
    own = found()[:, :OWN]
    np.testing.assert_allclose(own[:, -3:], [[0, 1, 2 / 6], [0, 0, 0], [0, 0, 0]], atol=1e-12)
    for block, rival in enumerate((own.mean(axis=0), own.max(axis=0), own.min(axis=0)), start=1):
        np.testing.assert_allclose(found()[:, block * OWN : (block + 1) * OWN], own - rival, atol=1e-12)


def test_what_all_rivals_share() -> None:
    shared = found()[:, 4 * OWN :]
    assert found().shape == (3, COLUMNS) and (shared == shared[0]).all()
    assert shared[0, :4].tolist() == [4, 2, 1, 2], "spins, orbits of patterns, elements, orbits of sites"
    assert shared[0, 4:8].tolist() == [8, 4, 4, 2], "operations and translations, all and obeyed to 0.03 Å"
    lengths = shared[0, 4 + 2 * len(TOLERANCES_A) :][: SHELLS + STRICTION_SHELLS]
    np.testing.assert_allclose(lengths, [3.0, 4.2, 12.0, 12.0, 12.0, np.log(0.01 + 1e-4), LOG_ZERO, LOG_ZERO])
    assert shared[0, -2:].tolist() == [1.5, 0.5], "mean and deviation of the sizes"
    paths = shared[0, 4 + 2 * len(TOLERANCES_A) + SHELLS + STRICTION_SHELLS :][:N_PATHS]
    assert [paths[0], paths[3], paths.sum()] == pytest.approx([8 / 4, 4 * 0.5 / 4, 8 / 4 + 4 * 0.5 / 4])
    mixed = pattern_features(replace(ring(), number=np.array([26, 25, 26, 25])), SIGNS, SIZE)[0, 4 * OWN :]
    table, start = element_table().numpy(), 4 + 2 * len(TOLERANCES_A) + SHELLS + STRICTION_SHELLS + N_PATHS
    np.testing.assert_allclose(mixed[start:][:N_PROPERTIES], (table[25] + table[26]) / 2, rtol=1e-6)
    assert mixed[2] == 2


def test_a_strain_counts_as_three_angstroms_of_it() -> None:
    """One operation of 0 Å has a strain of 0.02: 0.06 Å, worse than the shift of the others. It keeps the pattern in pairs."""
    own = pattern_features(replace(ring(), strain=np.where(np.arange(8) == 5, 0.02, 0.0)), SIGNS, SIZE)[:, :OWN]
    both = own[:, 1 + OF_SYMMETRY + 2 * OF_SHIFT :][:, :OF_SHIFT]
    assert both[SINGLY, 2] == both[IN_PAIRS, 2] == pytest.approx(np.log(0.06 + 1e-4))
    np.testing.assert_allclose(own[IN_PAIRS, 6:11], [1 / 3, 2 / 3, 0.0, 1.0, 0.0], err_msg="obeyed to 0.03 Å: without it")


def test_a_pattern_of_both_kinds() -> None:
    """Two rings, one singly and one in pairs: half of the neighbours' products are -1, and the others cancel."""
    signs, size = np.array([[1.0, -1, 1, -1, 1, 1, -1, -1], [1, 1, 1, -1, 1, -1, 1, -1]]), np.array([1.0] * 7 + [2.0])
    own = pattern_features(replace(ring(2), node=np.repeat([0, 1], 4)), signs, size)[:, :OWN]
    start = 1 + OF_SYMMETRY + 3 * OF_SHIFT
    assert own[0, start] == pytest.approx(-0.5)
    near = own[0, start + SHELLS + 2 + N_PATHS :][:4]
    np.testing.assert_allclose(near[[0, 2]], [-0.005 / (0.01 * np.sqrt(0.75)), -0.005 / 0.75], rtol=1e-6)
    assert own[1, -3:] == pytest.approx([2 / 8, (2 / 4 + 0.0) / 2, 1 / 9]), "of elements, of orbits, of moments"
    assert own[0, -1] == pytest.approx(1 / 9), "whatever its sign"
