"""What a scheduled screen raises an alarm about, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.comparison.drift import drift, stability_index
from pipeline.screening.runs import run_before
from pipeline.screening.screen import Screened
from pipeline.settings import Settings

moments = st.lists(st.floats(0, 4), min_size=1, max_size=60).map(np.array)


def run(
    folder: Path, n: int = 400, scale: float = 1.0, width: float = 0.2, rejected: int = 3, first: int = 0, slow: int = 0,
    labelled: int = 0, wrong: int = 0,
) -> Screened:  # fmt: skip
    """`labelled` of the candidates have a known moment, `wrong` of these outside of their intervals."""
    folder.mkdir()
    moment = scale * np.random.default_rng(5).exponential(0.4, n)
    table = pd.DataFrame({"candidate_id": [f"c{first + k}" for k in range(n)], "moment_muB_per_atom": moment})
    known = np.where(np.arange(n) < labelled, moment + np.where(np.arange(n) < wrong, 1.0, 0.05), np.nan)
    table = table.assign(moment_dft=np.nan, known_moment=known, source_file="candidates.parquet", formula="Fe")
    table.assign(moment_low=moment - width / 2, moment_high=moment + width / 2).to_parquet(folder / "ranking.parquet")
    return Screened(folder, {"rejected": rejected, "ranked": n, "without_slow_descriptors": slow})


def alarms(before: Screened, after: Screened) -> list[str]:
    return [sign.name.split()[0] for sign in drift(before, after).alarms]


def test_a_quiet_night(tmp_path: Path) -> None:
    assert alarms(run(tmp_path / "a"), run(tmp_path / "b", n=410, rejected=5)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"rejected": 60}, "share"),
        ({"slow": 30}, "share"),
        ({"labelled": 50, "wrong": 14}, "90"),
        ({"scale": 4.0}, "shift"),
        ({"width": 0.3}, "median"),
        ({"first": 7}, "of"),
    ],
)
def test_each_sign_by_itself(tmp_path: Path, change: dict[str, float], told: str) -> None:
    assert alarms(run(tmp_path / "a"), run(tmp_path / "b", **change)) == [told]  # type: ignore[arg-type]


def test_intervals_of_newly_labelled_crystals(tmp_path: Path) -> None:
    """Counted where the moment was unknown; as many misses as were promised raise no alarm."""
    before, after = run(tmp_path / "a", labelled=10), run(tmp_path / "b", labelled=50, wrong=16)
    (sign,) = [sign for sign in drift(before, after).signs if "labelled" in sign.name]
    assert "40 newly" in sign.name and sign.after == pytest.approx(34 / 40) and not sign.alarm
    assert not [sign for sign in drift(after, run(tmp_path / "c", labelled=50)).signs if "labelled" in sign.name]


def test_who_is_gone(tmp_path: Path) -> None:
    gone = drift(run(tmp_path / "a"), run(tmp_path / "b", first=2)).gone
    assert gone["candidate_id"].tolist() == ["c0", "c1"]


def test_a_run_before_that_is_gone_is_none(tmp_path: Path) -> None:
    """A finished screen must not fail for it."""
    where = Settings(home=tmp_path / "home")
    after = run(tmp_path / "after")
    assert run_before(where, after) is None
    assert run_before(where, Screened(after.folder, {**after.manifest, "previous": "0123456789abcdef"})) is None


@given(moments, moments)
def test_the_index_is_symmetric_and_never_negative(one: np.ndarray, other: np.ndarray) -> None:
    assert stability_index(one, other) == pytest.approx(stability_index(other, one))
    assert stability_index(one, other) >= 0 and stability_index(one, one) == 0
