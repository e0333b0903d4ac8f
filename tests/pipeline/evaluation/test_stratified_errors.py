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


@pytest.mark.parametrize("system", ["Fe", "Fe-O", "F-Mn", "Gd-O", "Al-U", "Na-Cl", "Fe-S-O"])
def test_every_compound_is_of_some_kind(system: str) -> None:
    assert any(belongs(frozenset(system.split("-"))) for belongs in KINDS.values())
