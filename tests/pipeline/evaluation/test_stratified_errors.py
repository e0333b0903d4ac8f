"""Errors by element and kind of compound."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.evaluation.stratified_errors import FEWEST_ROWS, KINDS, stratified_errors


def test_a_row_counts_in_every_group_it_belongs_to() -> None:
    systems = ["Fe-O"] * FEWEST_ROWS + ["Co-Gd"] * FEWEST_ROWS + ["Na"]
    error = np.repeat([0.1, 0.3, 9.0], [FEWEST_ROWS, FEWEST_ROWS, 1])
    found = stratified_errors(systems, np.zeros(len(error)), error)
    assert set(found["elements"]) == {"Fe", "O", "Co", "Gd"}, "one row of Na is chance"
    assert found["elements"]["Gd"] == {"n": FEWEST_ROWS, "mae": pytest.approx(0.3)}
    assert {name: group["mae"] for name, group in found["kinds"].items()} == {
        "Cr, Mn, Fe, Co or Ni without a non-metal": pytest.approx(0.3),
        "Cr, Mn, Fe, Co or Ni with oxygen": pytest.approx(0.1),
        "rare earths with 4f electrons": pytest.approx(0.3),
    }


def test_errors_are_the_mean_size_of_the_differences() -> None:
    truth = np.array([1.0, 2.0] * FEWEST_ROWS)
    found = stratified_errors(["Fe"] * 2 * FEWEST_ROWS, truth, truth + np.array([0.1, -0.3] * FEWEST_ROWS))
    assert found["elements"] == {"Fe": {"n": 2 * FEWEST_ROWS, "mae": pytest.approx(0.2)}}
    few = stratified_errors(["Fe"] * (FEWEST_ROWS - 1), truth[: FEWEST_ROWS - 1], truth[: FEWEST_ROWS - 1])
    assert few == {"elements": {}, "kinds": {}}


@pytest.mark.parametrize(
    ("system", "kinds"),
    [
        ("Fe", ["without a non-metal"]), ("Al-Cr-Zr", ["without a non-metal"]), ("Fe-O", ["with oxygen"]),
        ("F-Mn", ["with another non-metal"]), ("Fe-O-S", ["with oxygen", "with another non-metal"]),
        ("Gd-O", ["rare earths with 4f electrons"]), ("Co-Gd", ["without a non-metal", "rare earths with 4f electrons"]),
        ("Al-U", ["actinides"]), ("Na-Cl", ["none of these"]), ("O-Ti", ["none of these"]), ("Al-Y", ["none of these"]),
    ],
)  # fmt: skip
def test_the_kinds_of_a_compound(system: str, kinds: list[str]) -> None:
    found = [name for name, belongs in KINDS.items() if belongs(frozenset(system.split("-")))]
    assert [name.removeprefix("Cr, Mn, Fe, Co or Ni ") for name in found] == kinds
