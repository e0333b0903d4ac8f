"""Integer moments of insulators and half-metals: parity, the expected moment, what is learned of the composition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from safetensors.numpy import load_file, save_file

from data.crystal import Crystal
from models.contract import Examples, ModelError, Prediction
from models.saved import WEIGHTS_FILE
from pipeline.features.descriptors import composition_names
from pipeline.featurise import Needs, featurise
from pipeline.uncertainty.applicability_domain import Domain
from pipeline.uncertainty.ensemble_errors import ErrorModel
from pipeline.uncertainty.error_model import FLOOR
from pipeline.uncertainty.integer_moments import NOISE, IntegerMoments, electron_parity, expected_moment
from pipeline.uncertainty.probability_calibration import Platt
from tests.contract.crystals import starter_examples

CLOSE = 1e-9


def of(*structures: Structure) -> Examples:
    crystals = [Crystal.from_pymatgen(one, f"c{k}") for k, one in enumerate(structures)]
    return featurise(crystals, Needs()).examples


def rock_salt(metal: str, a: float, repeat: int = 1) -> Structure:
    made = Structure.from_spacegroup("Fm-3m", Lattice.cubic(a), [metal, "O"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return made * (repeat, 1, 1)


def test_parity_is_that_of_the_primitive_cell_with_frozen_4f_shells() -> None:
    """MnO 25 + 8; CrO 24 + 8 in a cell of eight atoms; HoO: three valence electrons and 8; YbO: Yb 2+; GdO 64 + 8."""
    made = of(*(rock_salt(metal, 4.4) for metal in ("Mn", "Cr", "Ho", "Yb", "Gd")), rock_salt("Mn", 4.4, repeat=2))
    assert electron_parity(made).tolist() == [1, 0, 1, 0, 0, 1]
    assert electron_parity(made.take(np.zeros(0, dtype=np.int64))).tolist() == []


def test_small_shifts_of_the_atoms_of_a_supercell_do_not_change_the_parity() -> None:
    """33 electrons in MnO: the eight MnO of a supercell have an even number of them, but they are eight times an odd one."""
    moved = rock_salt("Mn", 4.4).get_primitive_structure() * (2, 2, 2)
    moved.perturb(0.02, seed=0)
    assert electron_parity(of(rock_salt("Mn", 4.4), moved, rock_salt("Cr", 4.4))).tolist() == [1, 1, 0]


def test_a_sure_integer_is_met_and_a_metal_stays() -> None:
    said, odd = np.array([4.8, 3.3, 0.0]), np.ones(3, dtype=np.int64)
    np.testing.assert_allclose(expected_moment(said, odd, np.ones(3)), [5.0, 3.0, 0.0], atol=0.05)
    lower, upper = 4 + 2 / (1 + np.exp(1.6)), 4 - 2 / (1 + np.exp(2.4))  # 4.8 and 3.3 between 2, 4 and 6, with NOISE 0.5
    np.testing.assert_allclose(expected_moment(said, 1 - odd, np.ones(3)), [lower, upper, 0.0], atol=1e-3)
    np.testing.assert_array_equal(expected_moment(said, odd, np.zeros(3)), said)


@given(moment=st.floats(0, 300), step=st.floats(1e-4, 0.01), parity=st.integers(0, 1), p=st.floats(0, 1))
def test_the_expected_moment_rises_smoothly_and_stays_near(moment: float, step: float, parity: int, p: float) -> None:
    cells, odd = np.array([moment, moment + step]), np.array([parity, parity])
    first, second = expected_moment(cells, odd, np.array([p, p]))
    assert -CLOSE <= second - first <= step / NOISE**2 + CLOSE
    assert first >= 0 and abs(first - moment) < 1.0


def labelled() -> Examples:
    """Two thirds of the crystals have integers (those whose first descriptor is positive), the others anything."""
    rng = np.random.default_rng(0)
    base = starter_examples()
    examples = base.take(rng.integers(0, len(base), 1500))
    descriptors = examples.descriptors.copy()
    descriptors[:, 0] = rng.normal(0.4, 1.0, len(examples))
    parity = electron_parity(examples)
    whole, any_moment = parity + 2.0 * rng.integers(0, 3, len(examples)), rng.uniform(0.5, 5, len(examples))
    cell = np.where(descriptors[:, 0] > 0, whole, any_moment)
    return replace(examples, descriptors=descriptors, moment=cell / examples.graphs.n_atoms)


def test_it_learns_which_compositions_have_integers_and_errs_less() -> None:
    examples, rng = labelled(), np.random.default_rng(1)
    known = examples.take(np.arange(1000))
    fresh = examples.take(np.arange(1000, 1500))
    learned = IntegerMoments.fit(known)
    assert learned is not None
    p, integer = learned.probability(fresh), fresh.descriptors[:, 0] > 0
    assert p[integer].mean() > 0.8 > 0.4 > p[~integer].mean()
    said = np.maximum(fresh.targets() + rng.normal(0, 0.3, len(fresh)) / fresh.graphs.n_atoms, 0)
    errors = [np.abs(m - fresh.targets()).mean() for m in (said, learned.expected(said, fresh))]
    assert errors[1] < 0.75 * errors[0]


def test_few_magnets_teach_nothing() -> None:
    assert IntegerMoments.fit(labelled().take(np.arange(40))) is None
    everything = labelled()
    assert IntegerMoments.fit(replace(everything, moment=np.zeros(len(everything)))) is None


def test_the_error_model_keeps_it(tmp_path: Path) -> None:
    examples, rng = labelled(), np.random.default_rng(2)
    truth = examples.targets()
    said = [Prediction(np.maximum(truth + rng.normal(0, 0.05, len(truth)), 0), np.full(len(truth), 0.9)) for _ in range(2)]
    domain = Domain.fit(examples, examples, examples.descriptors.shape[1])
    systems = [f"S{k // 3}" for k in range(len(truth))]
    weights, integer = np.array([0.5, 0.5]), IntegerMoments.fit(examples)
    plain, moved = (ErrorModel.fit(truth, said, weights, examples, systems, domain, integer=kept) for kept in (None, integer))
    named = dict(zip("ab", said, strict=True))
    errors = [np.abs(model.predict(named, weights, examples).moment - truth).mean() for model in (plain, moved)]
    assert errors[1] < errors[0]
    moved.save(tmp_path)
    loaded = ErrorModel.load(tmp_path, {"errors": moved.to_json()})
    there, here = (model.predict(named, weights, examples) for model in (loaded, moved))
    for name in ("moment", "low", "high", "std", "size", "p_moment_above_1"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name))
    assert ((here.low <= here.moment) & (here.moment <= here.high)).all()


def test_an_unpaired_electron_makes_a_moment_likelier() -> None:
    rng = np.random.default_rng(3)
    said, unpaired = rng.uniform(0.05, 0.95, 4000), rng.choice([0.0, 0.9], 4000)
    truly = 1 / (1 + np.exp(-(np.log(said / (1 - said)) + 3 * unpaired)))
    fitted = Platt.fit(rng.random(4000) < truly, said, unpaired)
    np.testing.assert_allclose([fitted.slope, fitted.offset, fitted.unpaired], [1, 0, 3], atol=0.35)
    np.testing.assert_allclose(fitted.of(said, unpaired), truly, atol=0.04)
    np.testing.assert_array_equal(fitted.of(said), fitted.of(said, np.zeros(4000)))


def test_evidence_against_an_unpaired_electron_is_discarded() -> None:
    rng = np.random.default_rng(4)
    said, unpaired = rng.uniform(0.05, 0.95, 2000), rng.choice([0.0, 0.9], 2000)
    truly = 1 / (1 + np.exp(-(np.log(said / (1 - said)) - 3 * unpaired)))
    happened = rng.random(2000) < truly
    assert Platt.fit(happened, said, unpaired) == Platt.fit(happened, said)


def test_an_odd_cell_of_an_insulator_has_an_unpaired_electron() -> None:
    examples = labelled()
    learned = IntegerMoments.fit(examples)
    assert learned is not None
    odd = electron_parity(examples) == 1
    assert (learned.unpaired(examples)[~odd] == 0).all()
    np.testing.assert_array_equal(learned.unpaired(examples)[odd], learned.probability(examples)[odd])


@pytest.mark.parametrize("damage", ["too few columns", "not a number", "no deviation", "another array"])
def test_damaged_files_are_refused(tmp_path: Path, damage: str) -> None:
    learned = IntegerMoments.fit(labelled())
    assert learned is not None
    learned.save(tmp_path)
    arrays = load_file(tmp_path / WEIGHTS_FILE)
    if damage == "too few columns":
        arrays = {name: values[:1] for name, values in arrays.items()}
    elif damage == "not a number":
        arrays["weight"][0] = np.nan
    elif damage == "no deviation":
        arrays["deviation"][0] = 0
    else:
        arrays["more"] = arrays["mean"]
    save_file(arrays, tmp_path / WEIGHTS_FILE)
    with pytest.raises(ModelError):
        IntegerMoments.load(tmp_path)


def test_the_expected_moment_in_numbers() -> None:
    """4.8 µB, an odd integer with probability 1/2: 5 counts 0.7365, 3 counts 0.0012, the moment itself 0.5."""
    assert expected_moment(np.array([4.8]), np.array([1]), np.array([0.5]))[0] == pytest.approx(4.9173, abs=2e-4)


def test_a_moment_an_atom_is_that_of_its_primitive_cell_over_its_atoms() -> None:
    """MnO has an odd number of electrons, CrO an even one: 2.4 µB/atom are 4.8 a cell, next to 5 and to 4."""
    made, columns = of(rock_salt("Mn", 4.4), rock_salt("Cr", 4.4)), len(composition_names())
    sure = IntegerMoments(np.zeros(columns), np.ones(columns), np.zeros(columns), np.array([np.log(0.999 / 0.001)]))
    said = np.array([2.4, 2.4])
    np.testing.assert_allclose(sure.probability(made), 0.999)
    np.testing.assert_allclose(sure.expected(said, made), expected_moment(2 * said, np.array([1, 0]), np.full(2, 0.999)) / 2)
    assert sure.expected(said, made)[0] == pytest.approx(2.5, abs=0.02)
    hints = [[0.999, np.log(0.1 + FLOOR), np.log(2 / 2)], [0.999, np.log(0.4 + FLOOR), np.log(2 / 2)]]
    np.testing.assert_allclose(sure.hints(said, made), hints, rtol=1e-6, atol=1e-6)
    four = of(Structure.from_spacegroup("Pm-3m", Lattice.cubic(3.8), ["Fe", "N", "Fe"], [[0] * 3, [0.5] * 3, [0.5, 0.5, 0]]))
    assert sure.hints(np.array([1.0]), four)[0, 2] == pytest.approx(np.log(2 / 5))
