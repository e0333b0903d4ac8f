"""What another profile does to an earlier run: on its own predictions, on runs of older releases, and in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.profile_change import TOP, profile_change
from pipeline.screening.profiles import find_profile
from pipeline.screening.ranking import in_order

ROWS = 250


def ranking(profile: str) -> pd.DataFrame:
    """Half of the crystals are strong measured antiferromagnets, the others weak magnets that stay magnetic when warm."""
    random = np.random.default_rng(3)
    afm = np.arange(ROWS) % 2 == 0
    saturation = np.where(afm, 2.0, 1.0) + random.random(ROWS) * 0.5
    table = pd.DataFrame(
        {
            "candidate_id": [f"c{k:03d}" for k in range(ROWS)], "formula": [f"Fe{k + 2}O" for k in range(ROWS)],
            "source_file": "a",
            "saturation_T": saturation, "saturation_T_low": 0.9 * saturation,
            "saturation_if_fm_or_fim_T": saturation,
            "saturation_sure_T": 0.9 * saturation, "saturation_dft_T_low": 0.9 * saturation,
            "p_magnetic": 1.0, "p_ferromagnetic": 0.9,
            "saturation_300K_T": 0.8 * saturation, "p_fm_or_fim": np.where(afm, 0.02, 0.95), "p_tc_above_450": 0.7,
            "uniaxial_possible": True, "order_basis": np.where(afm, "measured", "predicted"),
            "known_order": np.where(afm, "AFM", ""), "tc_K": 500.0, "tc_low_K": 300.0, "tc_high_K": 800.0,
            "radioactive": "",
        }
    )  # fmt: skip
    return in_order(table, find_profile(profile))


def manifest(profile: str) -> dict[str, Any]:
    return {"profile": profile, "formula": find_profile(profile).formula}


def test_an_old_run_under_a_new_profile() -> None:
    old = ranking("as-calculated")
    assert old["known_order"].head(TOP).eq("AFM").all(), "DFT puts the antiferromagnets first"
    found = profile_change(old, manifest("as-calculated"), manifest("permanent-magnet"))
    assert found is not None and (found.top, found.stay, len(found.leave), len(found.come)) == (TOP, 0, TOP, TOP)
    assert found.aside == ROWS // 2
    assert set(found.leave) <= set(old["formula"][old["known_order"] == "AFM"])
    assert found.leave[0] == old["formula"].iloc[0]
    assert found.come[0] == in_order(old, find_profile("permanent-magnet"))["formula"].iloc[0]
    said = found.sentence()
    assert f"first {TOP} by as-calculated, 0 are among its first {TOP} by permanent-magnet" in said
    assert f"{old['formula'].iloc[0]}, " in said and f"and {TOP - 5} others" in said and "125 more are set aside" in said


def test_one_profile_at_two_temperatures() -> None:
    old = ranking("magnetocaloric")
    found = profile_change(old, manifest("magnetocaloric"), manifest("magnetocaloric-500K"))
    assert found is not None and found.after == "magnetocaloric-500K" and not found.missing
    assert found.stay == TOP, "all have one Curie temperature, so that the order stays"


def test_a_run_of_an_older_release_without_the_columns() -> None:
    old = ranking("high-ms").drop(columns=["tc_K", "p_fm_or_fim"])
    found = profile_change(old, manifest("high-ms"), manifest("magnetocaloric"))
    assert found is not None and found.missing == ("p_fm_or_fim", "tc_K") and found.top == 0
    assert "no column p_fm_or_fim, tc_K" in found.sentence() and "screen its source again by magnetocaloric" in found.sentence()


@pytest.mark.parametrize("after", ["high-ms", "gone-profile"])
def test_nothing_is_said_of_one_profile_or_of_an_unknown_one(after: str) -> None:
    later = {"profile": after, "formula": find_profile("high-ms").formula}
    assert profile_change(ranking("high-ms"), manifest("high-ms"), later) is None
