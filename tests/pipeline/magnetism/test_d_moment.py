"""The d moment that is read from the forecast of a calculation, by numbers written out."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.magnetism.d_moment import d_moment
from pipeline.magnetism.moment_facts import FACTS, TEXTS, MomentFacts


def of(
    moment: float, p_magnetic: float, p_d_order: float = 0.0, label_4f: float = 0.0, typical_d: float = 1.0, beyond: float = 0.0
) -> float:  # fmt: skip
    given = {"label_4f": label_4f, "typical_d": typical_d}
    numbers = {name: np.array([given.get(name, 0.0)]) for name in FACTS if name not in TEXTS}
    facts = MomentFacts(**numbers, **dict.fromkeys(TEXTS, np.array([""], dtype=object)))
    given_p = (np.array([p]) for p in (p_magnetic, p_d_order, beyond))
    return float(d_moment(facts, np.array([moment]), *given_p)[0])


def test_without_4f_shells_it_is_the_size_given_that_the_crystal_is_magnetic() -> None:
    """A forecast is P(magnetic) times the size. From P = 0.05 downwards that division says nothing more."""
    assert of(0.9, 0.5) == pytest.approx(1.8)
    assert of(0.9, 0.5, typical_d=0.0) == pytest.approx(1.8)
    assert of(0.01, 0.02) == pytest.approx(0.01 / 0.05)


@pytest.mark.parametrize(
    ("label", "rest"),
    [
        (3.0 + 0.8, 0.8),  # parallel
        (3.0 - 0.8, 0.8),  # the calculation has turned the 4f moments, which are the larger ones
        (1.4 - 0.3, 1.4),  # turned, and the smaller ones
    ],
)
def test_of_three_readings_the_one_nearest_to_typical_moments_holds(label: float, rest: float) -> None:
    """Typical moments have half of the weight in it."""
    label_4f = 0.3 if rest == 1.4 else 3.0
    assert of(label, 1.0, label_4f=label_4f, typical_d=rest) == pytest.approx(rest)
    assert of(label, 1.0, label_4f=label_4f, typical_d=1.2 * rest) == pytest.approx((rest + 1.2 * rest) / 2)


@pytest.mark.parametrize(("part", "weight"), [(0.10, 0.0), (0.15, 0.0), (0.225, 0.25), (0.3, 0.5), (0.6, 0.5)])
def test_a_small_rest_is_a_sublattice_without_moments(part: float, weight: float) -> None:
    """From 0.15 to 0.3 of typical moments on it becomes credible that the d atoms have moments."""
    for typical in (1.0, 0.4, 2.0):
        found = of(3.0 + part * typical, 1.0, label_4f=3.0, typical_d=typical)
        assert found == pytest.approx(typical * ((1 - weight) * part + weight))


@pytest.mark.parametrize(("part", "beyond", "read"), [(0.1, 0.0, 0.1), (0.1, 0.5, 0.45), (0.1, 1.0, 0.8), (0.3, 1.0, 0.65)])
def test_a_temperature_beyond_4f_moments_gives_a_small_rest_eight_tenths(part: float, beyond: float, read: float) -> None:
    assert of(3.0 + part, 1.0, label_4f=3.0, beyond=beyond) == pytest.approx(read)


@pytest.mark.parametrize(("label", "induced"), [(2.5, 0.0), (3.2, 0.2), (3.9, 0.3)])
def test_without_d_atoms_conduction_electrons_add_a_tenth_of_the_4f_moment_at_most(label: float, induced: float) -> None:
    assert of(label, 1.0, label_4f=3.0, typical_d=0.0) == pytest.approx(induced)


@pytest.mark.parametrize(
    ("p_magnetic", "p_d_order", "lost"), [(0.5, 1.0, 0.0), (0.25, 1.0, 0.5), (0.25, 0.4, 0.2), (0.0, 1.0, 1.0), (0.0, 0.0, 0.0)]
)
def test_a_moment_that_the_curie_temperature_demands_is_eight_tenths_of_typical_ones(
    p_magnetic: float, p_d_order: float, lost: float
) -> None:
    moment = 0.6 * max(p_magnetic, 0.05)
    assert of(moment, p_magnetic, p_d_order) == pytest.approx((1 - lost) * 0.6 + lost * 0.8)
    assert of(moment, p_magnetic, p_d_order, typical_d=0.0) == pytest.approx(0.6), "no d atoms, nothing to demand"
