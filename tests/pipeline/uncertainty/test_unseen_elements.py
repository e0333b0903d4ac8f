"""Crystals with elements that no member learned from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.contract import Examples, Prediction
from pipeline.features.descriptors import descriptor_names
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.conformal import Calibration
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.probability_calibration import Platt
from pipeline.uncertainty.unseen_elements import free_atom_spin, has_unseen_element, unseen_spin
from tests.contract import crystals as made

IRON, OXYGEN, MANGANESE, COPPER = 26, 8, 25, 29


@pytest.mark.parametrize(
    ("number", "unpaired"), [(1, 1), (2, 0), (8, 2), (24, 6), (25, 5), (26, 4), (29, 1), (30, 0), (63, 7), (64, 8)]
)
def test_the_spin_of_free_atoms(number: int, unpaired: int) -> None:
    assert free_atom_spin(number) == unpaired


def test_the_spin_is_that_of_the_unseen_atoms_for_each_atom() -> None:
    names, there = list(made.hand_built()), hand_built()
    seen = set(there.graphs.numbers.tolist())
    assert not unseen_spin(there.graphs, seen).any()
    spin = dict(zip(names, unseen_spin(there.graphs, seen - {IRON, OXYGEN}), strict=True))
    assert spin["Fe"] == pytest.approx(4.0) and spin["Ni"] == 0.0
    assert spin["MnO"] == pytest.approx(0.5 * 2.0)
    assert spin["CuFeO triclinic"] == pytest.approx((4.0 + 2 * 2.0) / 4)
    assert unseen_spin(there.graphs.take(np.arange(0)), seen).shape == (0,)


def test_crystals_with_any_unseen_atom_are_found_also_where_it_has_no_spin() -> None:
    names, there = list(made.hand_built()), hand_built()
    seen = set(there.graphs.numbers.tolist())
    assert not has_unseen_element(there.graphs, seen).any()
    found = dict(zip(names, has_unseen_element(there.graphs, seen - {COPPER, OXYGEN}), strict=True))
    assert found["CuFeO triclinic"] and found["MnO"] and not found["Fe"]
    assert has_unseen_element(there.graphs, ()).all()
    assert has_unseen_element(there.graphs.take(np.arange(0)), seen).shape == (0,)


def test_an_interval_holds_what_an_unseen_element_may_carry() -> None:
    there = hand_built()
    domain = Domain.fit(there, there, len(descriptor_names()))
    said = {"m": Prediction(np.full(len(there), 0.5), np.full(len(there), 0.9))}
    errors = ErrorModel(calibration(), Platt(1.0, 0.0), None, domain)
    known = errors.predict(said, np.ones(1), there)
    unknown = replace(errors, domain=replace(domain, elements=tuple(set(domain.elements) - {MANGANESE})))
    wide = unknown.predict(said, np.ones(1), there)
    spin = unseen_spin(there.graphs, unknown.domain.elements)  # type: ignore[union-attr]
    strange = spin > 0
    assert strange.any() and not strange.all()
    assert (wide.high[strange] >= 0.5 + spin[strange]).all() and (wide.low[strange] == 0.0).all()
    assert (wide.std[strange] > spin[strange] / 2).all()
    far = spin > 1.0
    expected = np.array([np.mean(0.5 + np.linspace(-1.0, 1.0, 2001) * one > 1.0) for one in spin[far]])
    np.testing.assert_allclose(wide.p_moment_above_1[far], expected, atol=0.1)
    assert (known.p_moment_above_1[far] < expected - 0.1).all()
    small = {"m": Prediction(np.full(len(there), 0.001), np.full(len(there), 0.01))}
    there_may_be_one = unknown.predict(small, np.ones(1), there)
    assert (there_may_be_one.p_magnetic[far] > 0.4).all() and (there_may_be_one.p_magnetic[~strange] < 0.1).all()
    assert (there_may_be_one.p_magnetic[far] >= there_may_be_one.p_moment_above_1[far]).all()
    assert (errors.predict(small, np.ones(1), there).p_magnetic < 0.1).all()
    for name in ("low", "high", "std", "moment", "p_magnetic", "p_moment_above_1"):
        np.testing.assert_array_equal(getattr(wide, name)[~strange], getattr(known, name)[~strange])
    np.testing.assert_array_equal(wide.moment, known.moment)


def hand_built() -> Examples:
    return made.examples_of(list(made.hand_built().values()))


def calibration() -> Calibration:
    rng = np.random.default_rng(0)
    moment = rng.uniform(0, 2, 400)
    return Calibration.fit(moment + rng.normal(0, 0.1, 400), moment, np.full(400, 0.1))
