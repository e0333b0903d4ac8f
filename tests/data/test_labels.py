"""Labels: units, and each rule that finds a bad one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.labels import (
    AFM_TOLERANCE,
    IDENTITY_TOLERANCE,
    MAGNETIC_THRESHOLD,
    MAX_MUB_PER_ATOM,
    TESLA_PER_MUB_PER_A3,
    Label,
    find_fault,
    saturation_T,
)
from data.rejection import Reason

IRON_TESLA = 2.17
LITERATURE_TOLERANCE = 0.01  # relative
UNIT_TOLERANCE = 1e-6  # relative, between normalisations of one moment
MU_0 = 1.25663706127e-6  # T m/A
MU_B = 9.2740100657e-24  # A m²
INSIDE, OUTSIDE = 0.999, 1.001  # just within a limit, just beyond

atoms = st.integers(1, 200)
moments = st.floats(-MAX_MUB_PER_ATOM * INSIDE, MAX_MUB_PER_ATOM * INSIDE)  # µB/atom


def test_iron_has_the_saturation_of_iron() -> None:
    assert saturation_T(2.2, 11.8) == pytest.approx(IRON_TESLA, rel=LITERATURE_TOLERANCE)


def test_the_tesla_constant_is_that_of_physics() -> None:
    assert pytest.approx(MU_0 * MU_B / 1e-30, rel=1e-4) == TESLA_PER_MUB_PER_A3


@given(moments, atoms, st.floats(5.0, 60.0))
def test_all_normalisations_are_one_moment(per_atom: float, n_sites: int, volume_per_atom: float) -> None:
    label = Label(per_atom * n_sites)
    volume = volume_per_atom * n_sites
    assert label.per_A3(volume) * volume / n_sites == pytest.approx(label.per_atom(n_sites), rel=UNIT_TOLERANCE, abs=1e-12)
    assert label.per_atom(n_sites) == pytest.approx(abs(per_atom), rel=UNIT_TOLERANCE, abs=1e-12)
    tesla = saturation_T(label.per_atom(n_sites), volume_per_atom)
    assert tesla == pytest.approx(TESLA_PER_MUB_PER_A3 * label.per_A3(volume), rel=UNIT_TOLERANCE, abs=1e-12)


def test_the_sign_of_a_total_is_a_convention() -> None:
    assert Label(-4.4).per_atom(2) == Label(4.4).per_atom(2) == pytest.approx(2.2)


def reason_of(label: Label, n_sites: int = 2) -> Reason | None:
    fault = find_fault(label, n_sites)
    assert fault is None or fault[1], "a fault without words"
    return None if fault is None else fault[0]


@pytest.mark.parametrize("moment", [math.nan, math.inf, -math.inf])
def test_a_moment_that_is_no_number(moment: float) -> None:
    assert reason_of(Label(moment)) is Reason.BAD_LABEL


@pytest.mark.parametrize("sign", [1, -1])
def test_more_than_an_element_carries(sign: int) -> None:
    assert reason_of(Label(sign * 2 * MAX_MUB_PER_ATOM * OUTSIDE)) is Reason.BAD_LABEL
    assert reason_of(Label(sign * 2 * MAX_MUB_PER_ATOM * INSIDE)) is None


def test_a_stated_normalisation_that_disagrees() -> None:
    assert reason_of(Label(4.4, 2.2 + IDENTITY_TOLERANCE * 1.1)) is Reason.CONTRADICTORY_LABEL
    assert reason_of(Label(4.4, 2.2 - IDENTITY_TOLERANCE * 1.1)) is Reason.CONTRADICTORY_LABEL
    assert reason_of(Label(4.4, math.nan)) is Reason.CONTRADICTORY_LABEL
    assert reason_of(Label(4.4, 4.4)) is Reason.CONTRADICTORY_LABEL, "per cell where per atom must stand"
    assert reason_of(Label(4.4, 2.2 + IDENTITY_TOLERANCE * 0.9)) is None
    assert reason_of(Label(4.4, -2.2)) is None, "the sign is a convention"


@pytest.mark.parametrize(("ordering", "limit"), [("NM", MAGNETIC_THRESHOLD), ("AFM", AFM_TOLERANCE)])
def test_an_ordering_that_contradicts_the_moment(ordering: str, limit: float) -> None:
    assert reason_of(Label(-2 * limit * OUTSIDE, ordering=ordering)) is Reason.CONTRADICTORY_LABEL
    assert reason_of(Label(2 * limit * INSIDE, ordering=ordering)) is None


@given(moments, atoms, st.sampled_from([None, "FM", "FiM"]), st.booleans(), st.sampled_from([1, -1]))
def test_sound_labels_pass(per_atom: float, n_sites: int, ordering: str | None, stated: bool, sign: int) -> None:
    assert find_fault(Label(per_atom * n_sites, sign * per_atom if stated else None, ordering), n_sites) is None


@given(st.floats(-MAGNETIC_THRESHOLD * INSIDE, MAGNETIC_THRESHOLD * INSIDE), atoms, st.sampled_from(["NM", "AFM", "FM", None]))
def test_small_moments_pass_under_any_ordering(per_atom: float, n_sites: int, ordering: str | None) -> None:
    assert find_fault(Label(per_atom * n_sites, per_atom, ordering), n_sites) is None


@given(st.floats(allow_nan=True, allow_infinity=True), st.one_of(st.none(), st.floats(allow_nan=True)), atoms)
def test_no_label_raises_and_a_sound_one_is_consistent(total: float, stated: float | None, n_sites: int) -> None:
    fault = find_fault(Label(total, stated), n_sites)
    if fault is None:
        assert math.isfinite(total)
        assert stated is None or abs(abs(stated) - abs(total) / n_sites) <= IDENTITY_TOLERANCE
