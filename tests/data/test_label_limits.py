"""The limits of labels as numbers, so that a limit that moves is noticed; each limit itself still passes."""

from __future__ import annotations

import dataclasses
import math

import pytest

from data.labels import Label, find_fault, saturation_T
from data.rejection import Reason

BAD, CONTRADICTORY = Reason.BAD_LABEL, Reason.CONTRADICTORY_LABEL


@pytest.mark.parametrize(
    ("label", "reason"),
    [
        (Label(20.0), None), (Label(20.02), BAD), (Label(-20.02), BAD),  # of two atoms: 10 µB/atom
        (Label(0.1, ordering="NM"), None), (Label(0.102, ordering="NM"), CONTRADICTORY),  # 0.05 µB/atom
        (Label(0.2, ordering="AFM"), None), (Label(0.202, ordering="AFM"), CONTRADICTORY),  # 0.1 µB/atom
        (Label(2.0, 1.0009), None), (Label(2.0, 1.0011), CONTRADICTORY), (Label(2.0, 0.9989), CONTRADICTORY),
        (Label(2.0, site_moments_muB=(12.0, -12.0)), None), (Label(2.0, site_moments_muB=(1.0, 12.01)), BAD),
        (Label(2.0, site_moments_muB=(-12.01, 1.0)), BAD), (Label(2.0, site_moments_muB=(math.nan, 1.0)), BAD),
        (Label(2.0, site_moments_muB=(1.0,)), BAD), (Label(2.0, site_moments_muB=(1.0, 0.5, 0.5)), BAD),
        (Label(2.0, site_moments_muB=()), BAD),
    ],
)  # fmt: skip
def test_limits(label: Label, reason: Reason | None) -> None:
    fault = find_fault(label, 2)
    assert (None if fault is None else fault[0]) is reason


def test_what_is_wrong_is_said_in_numbers() -> None:
    site = find_fault(Label(2.0, site_moments_muB=(1.0, 12.5)), 2)
    assert site is not None and site[1] == "a site moment of 12.5 µB; the limit is 12"
    assert find_fault(Label(2.0, site_moments_muB=(1.0,)), 2) == (BAD, "1 site moments for 2 sites")


def test_units() -> None:
    assert Label(-6.0).per_atom(4) == 1.5 and Label(-6.0).per_A3(48.0) == 0.125
    assert saturation_T(2.0, 10.0) == pytest.approx(2.3308)


def test_a_label_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Label(1.0).ordering = "FM"  # type: ignore[misc]
