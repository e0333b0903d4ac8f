"""Kuz'min's M(T), its interval, and what follows from a magnetisation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.magnetism.working_temperature import (
    DRAWS,
    POINTS,
    anisotropy_needed,
    kuzmin,
    largest_energy_product,
    magnetisation_at,
    uniaxial_possible,
)

# saturation magnetisation, A m²/kg, at 0 K and near room temperature (Crangle and Goodman, Proc. R. Soc. A 321, 477, 1971), the
# Curie temperature, and the shape parameter of Kuz'min 2005
MEASURED = {"iron": (221.7, 217.6, 293.0, 1044.0, 0.35), "nickel": (58.6, 55.1, 293.0, 628.0, 0.15)}
NEAR = 0.015


def of(*values: float) -> np.ndarray:
    return np.array(values)


@pytest.mark.parametrize("name", MEASURED)
def test_metals(name: str) -> None:
    cold, warm, temperature, curie, shape = MEASURED[name]
    assert kuzmin(of(temperature / curie), shape)[0] == pytest.approx(warm / cold, abs=NEAR)


def test_spin_waves_at_low_temperature() -> None:
    """Bloch: 1 - m goes as the temperature to 3/2, here with a third of the shape parameter."""
    tau = 1e-3
    assert (1 - kuzmin(of(tau), 0.6)[0]) / tau**1.5 == pytest.approx(0.6 / 3, rel=1e-2)


def test_its_ends() -> None:
    np.testing.assert_array_equal(kuzmin(of(0.0, 1.0, 1.7)), [1.0, 0.0, 0.0])


@given(st.floats(0.1, 1.1), st.floats(0, 1), st.floats(0, 1))
def test_it_never_rises(shape: float, a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert kuzmin(of(low), shape)[0] >= kuzmin(of(high), shape)[0] - 1e-12


def test_the_interval_holds_the_value_and_grows_with_both_uncertainties() -> None:
    sure = magnetisation_at(300.0, of(1.5), of(1.5), of(1.5), of(900.0), of(900.0), of(900.0))
    moment = magnetisation_at(300.0, of(1.5), of(1.0), of(2.0), of(900.0), of(900.0), of(900.0))
    both = magnetisation_at(300.0, of(1.5), of(1.0), of(2.0), of(900.0), of(320.0), of(1200.0))
    for found in (sure, moment, both):
        assert found.low[0] <= found.value[0] <= found.high[0]
    assert sure.high[0] - sure.low[0] < moment.high[0] - moment.low[0] < both.high[0] - both.low[0]
    assert both.low[0] < moment.low[0]


def test_above_its_curie_temperature_a_magnet_is_none() -> None:
    found = magnetisation_at(300.0, of(1.5), of(1.4), of(1.6), of(60.0), of(40.0), of(80.0))
    assert found.value[0] == found.low[0] == found.high[0] == 0.0


def test_rows_stand_for_themselves_and_the_same_input_gives_the_same_numbers() -> None:
    values = [np.linspace(a, b, 9000) for a, b in ((1, 2), (0.5, 1.5), (1.5, 2.5), (300, 900), (200, 600), (400, 1200))]
    whole = magnetisation_at(300.0, *values)
    one = magnetisation_at(300.0, *(v[5000:5001] for v in values))
    assert (whole.low[5000], whole.high[5000]) == (one.low[0], one.high[0])


def test_no_crystals() -> None:
    assert len(magnetisation_at(300.0, *(np.zeros(0) for _ in range(6))).low) == 0


def test_one_tesla() -> None:
    energy, mgoe = largest_energy_product(of(1.0))
    assert energy[0] == pytest.approx(198.9, abs=0.1) and mgoe[0] == pytest.approx(25.0, abs=0.1)
    assert anisotropy_needed(of(1.0))[0] == pytest.approx(0.796, abs=0.001)


def test_both_go_as_the_square_of_the_magnetisation() -> None:
    """Iron, 2.16 T: (BH)max 928 kJ/m³ and K1 3.71 MJ/m³."""
    energy, mgoe = largest_energy_product(of(2.16, 4.32))
    assert energy == pytest.approx([928.0, 4 * 928.0], rel=1e-3) and mgoe[1] == pytest.approx(4 * mgoe[0])
    assert anisotropy_needed(of(2.16, 4.32)) == pytest.approx([3.713, 4 * 3.713], rel=1e-3)


def test_lattices_with_one_axis() -> None:
    groups = np.array([1, 62, 74, 75, 136, 166, 191, 194, 195, 225])
    assert uniaxial_possible(groups).tolist() == [False] * 3 + [True] * 5 + [False] * 2


def test_the_kept_points_are_a_sobol_sequence() -> None:
    from scipy.stats import qmc

    points = np.load(POINTS)
    assert points.shape == (DRAWS, 3)
    np.testing.assert_array_equal(points, qmc.Sobol(3, scramble=True, rng=0).random(DRAWS))
