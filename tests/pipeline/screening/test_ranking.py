"""The order of a ranking where scores are equal, and its columns in tesla, by numbers written out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline.screening.profiles import PROFILES
from pipeline.screening.ranking import in_order, rank
from tests.pipeline.screening.test_profiles import table

AS_CALCULATED = PROFILES["as-calculated"]


def alike(**changes: object) -> pd.DataFrame:
    """Rows that differ in nothing but the changes."""
    first = table().iloc[[0]]
    rows = len(next(iter(changes.values())))  # type: ignore[arg-type]
    return pd.concat([first] * rows, ignore_index=True).assign(**changes)


def test_tesla_is_the_moment_over_the_volume() -> None:
    """2.2 µB in 11.8 Å³, as in iron: 11.654 T × 2.2 / 11.8."""
    row = alike(
        moment_muB_per_atom=[2.2], moment_low=[2.0], moment_high=[2.5], volume_per_atom=[11.8], e_above_hull=[np.nan]
    )  # fmt: skip
    found = rank(row, AS_CALCULATED).iloc[0]
    assert found["saturation_T"] == pytest.approx(2.17278, abs=1e-4)
    assert found["saturation_T_low"] == pytest.approx(1.97525, abs=1e-4)
    assert found["saturation_T_high"] == pytest.approx(2.46907, abs=1e-4)
    assert found["saturation_dft_T"] == pytest.approx(2.17278, abs=1e-4)
    assert found["saturation_dft_T_low"] == pytest.approx(1.97525, abs=1e-4)
    assert found["stability"] == "unknown"


def test_equal_scores_go_by_probability_times_magnetisation() -> None:
    rows = alike(
        candidate_id=["a", "b", "c"], p_magnetic=[0.3, 0.9, 0.6], moment_muB_per_atom=[0.2, 0.1, 0.2], moment_low=[0.0] * 3
    )  # fmt: skip
    assert rank(rows, AS_CALCULATED)["candidate_id"].tolist() == ["c", "b", "a"]


def test_then_by_id_and_by_file() -> None:
    rows = alike(candidate_id=["b", "a", "a"], source_file=["1.cif", "2.cif", "1.cif"])
    found = rank(rows, AS_CALCULATED)
    assert list(zip(found["candidate_id"], found["source_file"], strict=True)) == [("a", "1.cif"), ("a", "2.cif"), ("b", "1.cif")]


def test_what_is_set_aside_comes_last_whatever_its_score() -> None:
    rows = alike(candidate_id=["strong", "weak"], moment_low=[0.2, 0.1], radioactive=["U", ""])
    found = rank(rows, PROFILES["rare-earth-free"])
    assert found["candidate_id"].tolist() == ["weak", "strong"] and found["rank"].tolist() == [1, 2]


@pytest.mark.parametrize(("moments", "there"), [([np.nan, np.nan], False), ([np.nan, 0.3], True)])
def test_a_known_moment_has_a_column_where_one_is_known(moments: list[float], there: bool) -> None:
    assert ("moment_dft" in rank(alike(moment_dft=moments), AS_CALCULATED)) is there


@pytest.mark.parametrize(("licensed", "there"), [([False, False], False), ([False, True], True)])
def test_licensed_has_a_column_where_a_crystal_is(licensed: list[bool], there: bool) -> None:
    assert ("licensed" in rank(alike(licensed=licensed), AS_CALCULATED)) is there


def test_the_last_columns_are_the_members_and_the_place() -> None:
    found = rank(alike(member_x=[0.1], place=[3], known_order=["FM"]), AS_CALCULATED)
    assert list(found.columns[-2:]) == ["member_x", "place"] and "known_order" in found
    assert "place" not in rank(alike(member_x=[0.1]), AS_CALCULATED)


def test_the_disagreement_of_families_is_that_of_their_means() -> None:
    """Means 0.3, 0.6 and 0.0 µB/atom: variance (0 + 0.09 + 0.09) / 3."""
    row = {"member_cgcnn-0": [0.2], "member_cgcnn-1": [0.4], "member_mcegnn-0": [0.6], "member_half-known-0": [0.0]}
    found = rank(alike(candidate_id=["a"], **row), AS_CALCULATED)
    assert found["family_disagreement"].tolist() == pytest.approx([0.06**0.5])
    assert list(found.columns[-5:]) == ["family_disagreement", *row]
    two = rank(alike(candidate_id=["a", "b"], **{"member_a-x-0": [0.1, 0.3], "member_a-y-0": [0.1, 0.5]}), AS_CALCULATED)
    assert two.set_index("candidate_id")["family_disagreement"].to_dict() == pytest.approx({"a": 0.0, "b": 0.1})


def test_one_family_does_not_disagree_with_itself() -> None:
    found = rank(alike(**{"member_cgcnn-0": [0.2], "member_cgcnn-1": [0.4]}), AS_CALCULATED)
    assert "family_disagreement" not in found
    assert "family_disagreement" not in rank(alike(candidate_id=["a"]), AS_CALCULATED)


def test_another_profile_starts_from_the_same_rows() -> None:
    rows = alike(candidate_id=["a", "b"], p_ferromagnetic=[0.1, 0.9], moment_low=[0.2, 0.1])
    first = rank(rows, AS_CALCULATED)
    assert first["candidate_id"].tolist() == ["a", "b"]
    again = in_order(first, PROFILES["high-ms"])
    assert set(again.columns) == set(first.columns)
    assert again["candidate_id"].tolist() == ["b", "a"] and again["score"].tolist() == pytest.approx([0.9 * 1.1654, 0.1 * 2.3308])
