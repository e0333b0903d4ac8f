"""Profiles: pure functions of a row, and the order that they make."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import UserError
from pipeline.screening.columns import COLUMNS, EXPERIMENT
from pipeline.screening.profile_texts import TEXTS
from pipeline.screening.profiles import PROFILES, find_profile, profile_of
from pipeline.screening.ranking import in_order, rank

ROWS = [  # id, µ0·Ms low / mid / high (T), P, USD/kg, rare earths, radioactive, eV/atom above the hull, known id, duplicate of
    ("iron", 2.0, 2.2, 2.4, 1.0, 0.1, "", "", 0.0, "mp-13", ""),
    ("alnico", 1.0, 1.2, 1.4, 1.0, 30.0, "", "", np.nan, "", ""),
    ("neo", 1.4, 1.6, 1.7, 1.0, 120.0, "Nd", "", 0.0, "", ""),
    ("hidden", 0.0, 0.9, 3.0, 0.8, 2.0, "", "", np.nan, "", ""),
    ("uranium", 1.8, 1.9, 2.0, 1.0, np.nan, "", "U", np.nan, "", ""),
    ("unstable", 1.9, 2.0, 2.1, 1.0, 1.0, "", "", 0.31, "", ""),
    ("iron again", 2.0, 2.2, 2.4, 1.0, 0.1, "", "", 0.0, "mp-13", "iron"),
]


P_FM = {"iron": 1.0, "iron again": 1.0, "alnico": 0.9, "neo": 0.5, "hidden": 0.8, "uranium": 0.3, "unstable": 0.9}
P_HOT = {"iron": 1.0, "iron again": 1.0, "alnico": 1.0, "neo": 0.9, "hidden": 0.5, "uranium": 0.1, "unstable": 0.5}
TC = {"iron": 1000.0, "iron again": 1000.0, "alnico": 310.0, "neo": 290.0, "hidden": 60.0, "uranium": 20.0, "unstable": 700.0}
WINDOWED = ("magnetocaloric", "low-temperature-refrigerant")
UNIAXIAL = ("neo", "alnico")


def table() -> pd.DataFrame:
    names = [
        "candidate_id", "low", "mid", "high", "p_magnetic", "price_USD_per_kg", "rare_earths", "radioactive", "e_above_hull",
        "known_id", "duplicate_of",
    ]  # fmt: skip
    frame = pd.DataFrame(ROWS, columns=names)
    per_tesla = 1 / 11.654  # µB/atom at 1 Å³ an atom
    return frame.assign(
        formula="Fe", n_sites=1, source_file="a.cif", space_group=1, note="", volume_per_atom=1.0, known_moment=np.nan,
        hhi_production=2400.0, hhi_reserve=1400.0, moment_dft=np.nan, moment_std=0.1, p_moment_above_1=0.1, ood_score=0.2,
        p_ferromagnetic=[P_FM[name] for name in frame["candidate_id"]], p_ferrimagnetic=0.1, p_antiferromagnetic=0.1,
        afm_risk=0.1, ordering_most_likely="FM", label_provenance="",
        saturation_300K_T=frame["mid"] * 0.8, p_fm_or_fim=[P_FM[name] for name in frame["candidate_id"]],
        p_tc_above_450=[P_HOT[name] for name in frame["candidate_id"]], tc_K=[TC[name] for name in frame["candidate_id"]],
        tc_low_K=[0.7 * TC[name] for name in frame["candidate_id"]], tc_high_K=[1.5 * TC[name] for name in frame["candidate_id"]],
        order_basis="predicted", known_order="",
        uniaxial_possible=[name in UNIAXIAL for name in frame["candidate_id"]],
        moment_low=frame["low"] * per_tesla,
        moment_muB_per_atom=frame["mid"] * per_tesla, moment_high=frame["high"] * per_tesla,
    )  # fmt: skip


EXPECTED = {
    "permanent-magnet": (["iron", "iron again", "alnico", "neo", "unstable", "hidden", "uranium"], 0),
    "soft-magnet": (["iron", "iron again", "alnico", "unstable", "neo", "hidden", "uranium"], 0),
    "magnetocaloric": (["alnico", "neo", "unstable", "iron", "iron again", "hidden", "uranium"], 1),
    "low-temperature-refrigerant": (["hidden", "neo", "alnico", "unstable", "iron", "iron again", "uranium"], 1),
    "high-ms": (["iron", "iron again", "unstable", "alnico", "neo", "uranium", "hidden"], 0),
    "as-calculated": (["iron", "iron again", "unstable", "uranium", "neo", "alnico", "hidden"], 0),
    "rare-earth-free": (["iron", "iron again", "alnico", "hidden", "unstable", "neo", "uranium"], 3),
    "low-cost": (["iron", "iron again", "alnico", "neo", "hidden", "unstable", "uranium"], 2),
    "explore": (["hidden", "alnico", "neo", "uranium", "iron", "iron again", "unstable"], 3),
}


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_order(name: str) -> None:
    ordered, aside = EXPECTED[name]
    found = rank(table(), PROFILES[name])
    assert found["candidate_id"].tolist() == ordered and found["rank"].tolist() == list(range(1, len(ROWS) + 1))
    window = ["p_tc_in_window"] if name in WINDOWED else []
    assert list(found.columns) == [*COLUMNS, *(column.name for column in EXPERIMENT if column.name in table()), *window]
    assert (found["exclusion_reason"] != "").tolist() == [False] * (len(ROWS) - aside) + [True] * aside


def test_reasons_are_named_and_stability_stays_apart() -> None:
    found = rank(table(), PROFILES["rare-earth-free"]).set_index("candidate_id")
    reasons = found["exclusion_reason"].drop_duplicates().tolist()
    assert reasons == ["", "0.31 eV/atom above the hull", "rare earth: Nd", "radioactive: U"]
    assert found.loc["alnico", "stability"] == "unknown" and found.loc["iron", "stability"] == "known"
    assert np.isnan(found.loc["alnico", "e_above_hull"]), "unknown is not zero"
    explore = rank(table(), PROFILES["explore"]).set_index("candidate_id")["exclusion_reason"]
    assert explore["iron again"] == "known to the model: mp-13; duplicate of iron"


@pytest.mark.parametrize(("order", "reason"), [("AFM", "measured antiferromagnet"), ("NM", "measured: no magnetic order")])
def test_what_was_measured_to_be_no_ferromagnet_is_ranked_last(order: str, reason: str) -> None:
    known = table().assign(order_basis="measured", known_order="")
    known.loc[known["candidate_id"] == "iron", "known_order"] = order
    for name in ("permanent-magnet", "soft-magnet", *WINDOWED, "magnetocaloric-290K"):
        found = rank(known, find_profile(name)).set_index("candidate_id")
        assert found.loc["iron", "exclusion_reason"] == reason
        assert found.loc["iron", "rank"] > found.loc["iron again", "rank"] and found.loc["iron", "rank"] >= len(found) - 1


def test_scores_are_the_written_formulas() -> None:
    rows = {name: rank(table(), profile).set_index("candidate_id")["score"] for name, profile in PROFILES.items()}
    assert rows["as-calculated"]["neo"] == pytest.approx(1.4)
    assert rows["permanent-magnet"]["neo"] == pytest.approx(0.8 * 1.6 * 0.5 * 0.9)
    assert rows["permanent-magnet"]["iron"] == pytest.approx(0.8 * 2.2 * 0.5)
    assert rows["soft-magnet"]["iron"] == pytest.approx(0.8 * 2.2)
    assert rows["high-ms"]["neo"] == pytest.approx(0.5 * 1.4)
    assert rows["low-cost"]["neo"] == pytest.approx(0.5 * 1.4 / (1 + 120 / 10))
    assert rows["explore"]["hidden"] == pytest.approx(0.8 * 3.0)
    for profile in PROFILES.values():
        assert profile.formula.startswith("score = ") and "\n" not in profile.formula


@given(st.permutations(range(len(ROWS))), st.sampled_from(sorted(PROFILES)), st.sampled_from(sorted(PROFILES)))
def test_neither_the_order_of_rows_nor_an_earlier_profile_matters(order: list[int], first: str, then: str) -> None:
    direct = rank(table(), PROFILES[then])
    again = in_order(rank(table().iloc[order].reset_index(drop=True), PROFILES[first]), PROFILES[then])
    pd.testing.assert_frame_equal(direct, again[direct.columns])


def test_magnetocaloric_takes_a_working_temperature() -> None:
    at_290 = find_profile("magnetocaloric", 290.0)
    assert at_290.name == "magnetocaloric-290K" and find_profile(at_290.name).formula == at_290.formula
    assert "P(250 K < Tc < 330 K)" in at_290.formula and "P(10 K < Tc < 30 K)" in find_profile("magnetocaloric", 20.0).formula
    assert find_profile("magnetocaloric", 300.0).formula == find_profile("magnetocaloric").formula
    found = rank(table(), at_290).set_index("candidate_id")
    assert found.loc["neo", "p_tc_in_window"] == pytest.approx(found.loc["alnico", "p_tc_in_window"], abs=0.2)
    assert found.loc["neo", "score"] == pytest.approx(1.6 * 0.5 * found.loc["neo", "p_tc_in_window"])
    cold = rank(table(), find_profile("magnetocaloric", 20.0)).set_index("candidate_id")["p_tc_in_window"]
    assert cold["hidden"] < cold["uranium"] and cold["iron"] < 1e-6


@pytest.mark.parametrize(
    ("name", "temperature", "said"),
    [
        ("high-ms", 290.0, "--working-temperature belongs to --profile magnetocaloric"),
        ("magnetocaloric", -5.0, "1 to 1500 K, not -5"),
        ("magnetocaloric", float("nan"), "not nan"),
        ("magnetocaloric", float("inf"), "not inf"),
        ("magnetocaloric-290K", 280.0, "belongs to --profile magnetocaloric, not to magnetocaloric-290K"),
        ("magnetocaloric-9999K", None, "not 9999"),
        ("magnetocaloric-K", None, "not 'magnetocaloric-K'"),
    ],
)
def test_a_temperature_that_cannot_be_used(name: str, temperature: float | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        find_profile(name, temperature)


def test_another_profile_takes_the_column_of_the_window_away() -> None:
    warm = rank(table(), find_profile("magnetocaloric"))
    again = in_order(warm, find_profile("low-temperature-refrigerant"))
    direct = rank(table(), find_profile("low-temperature-refrigerant"))
    pd.testing.assert_frame_equal(again[direct.columns], direct)
    assert "p_tc_in_window" not in in_order(warm, find_profile("high-ms"))


def test_every_profile_has_its_text() -> None:
    assert {name: (p.purpose, p.formula) for name, p in PROFILES.items()} == TEXTS


def test_an_unknown_profile() -> None:
    with pytest.raises(UserError, match=f"{' or '.join(PROFILES)}, not 'cheap'"):
        find_profile("cheap")


@pytest.mark.parametrize("name", sorted(PROFILES))
def test_the_working_says_what_the_score_is(name: str) -> None:
    ranking = rank(table(), PROFILES[name])
    np.testing.assert_allclose(ranking.eval(PROFILES[name].working), ranking["score"])


def test_the_columns_that_a_score_reads() -> None:
    temperatures = {"tc_K", "tc_low_K", "tc_high_K"}
    assert PROFILES["magnetocaloric"].columns == {"saturation_if_fm_or_fim_T", "p_fm_or_fim"} | temperatures
    assert PROFILES["high-ms"].columns == {"saturation_sure_T"}
    assert PROFILES["low-temperature-refrigerant"].window_K == (0.0, 80.0)


def test_the_profile_of_a_manifest_is_the_same_one_or_none() -> None:
    known = PROFILES["high-ms"]
    assert profile_of({"profile": "high-ms", "formula": known.formula}) is known
    assert profile_of({"profile": "high-ms", "formula": "another"}) is None
    assert profile_of({"profile": "of another release", "formula": known.formula}) is None
