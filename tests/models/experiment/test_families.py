"""Families of formulas: found whatever the order and unit of their elements, never made of one row."""

from __future__ import annotations

import numpy as np
import pytest

from models.experiment.families import CLASSES, LOGITS, PRIOR, Families
from models.experiment.model import Formulas
from pipeline.features.formulas import described_formulas

GD, TB, DY, CO, FE, SI, GE, O = 64, 65, 66, 27, 26, 14, 32, 8  # noqa: E741


def of(*amounts: dict[int, float]) -> Formulas:
    return described_formulas(amounts)


def fitted(truth: list[float], *amounts: dict[int, float]) -> Families:
    given = of(*amounts)
    return Families.fit(given.numbers, given.fractions, given.start, np.array(truth))


def score(families: Families, *amounts: dict[int, float]) -> list[float]:
    given = of(*amounts)
    return families.score(given.numbers, given.fractions, given.start).tolist()


@pytest.fixture
def families() -> Families:
    """Rare earths with Co2Si2 are antiferromagnets, with Fe2 ferrimagnets."""
    order = [0.0, 0.0, 1.0, 1.0]
    return fitted(order, {TB: 1, CO: 2, SI: 2}, {DY: 1, CO: 2, SI: 2}, {TB: 1, FE: 2}, {DY: 1, FE: 2})


def test_a_relative_speaks_for_an_unknown_formula(families: Families) -> None:
    below, above, stranger = score(families, {GD: 1, CO: 2, SI: 2}, {GD: 2, FE: 4}, {FE: 2, O: 3})
    assert below == pytest.approx(-LOGITS * 0.5 * 2 / (2 + PRIOR)) and above == pytest.approx(-below) and stranger == 0.0


def test_one_row_is_no_family() -> None:
    alone = fitted([1.0, 0.0], {TB: 1, FE: 2}, {FE: 2, O: 3})
    assert len(alone.family) == 0 and score(alone, {TB: 1, FE: 2}) == [0.0]
    assert score(Families.none(), {TB: 1, FE: 2}) == [0.0] == score(fitted([]), {TB: 1, FE: 2})


def test_only_the_open_elements_may_differ(families: Families) -> None:
    """Fe for Co in TbCo2Si2, and Si for Ge, are two steps from the members; other shares are no relatives."""
    assert score(families, {GD: 1, CO: 2, GE: 2}, {GD: 1, CO: 1, SI: 3}, {GD: 1, FE: 3}) == [0.0, 0.0, 0.0]


def test_every_class_is_left_open_in_turn() -> None:
    """GdCo2X2 of silicon and germanium, beside RCo2Si2."""
    given = [{GD: 1, CO: 2, SI: 2}, {GD: 1, CO: 2, GE: 2}, {TB: 1, FE: 2}, {DY: 1, FE: 2}]
    tin, iron = score(fitted([0.0, 0.0, 1.0, 1.0], *given), {GD: 1, CO: 2, 50: 2}, {GD: 1, FE: 2, SI: 2})
    assert tin < 0 and iron == 0.0


def test_solid_solutions_of_one_class_are_members(families: Families) -> None:
    mixed = fitted([0.0, 0.0, 1.0], {GD: 0.5, TB: 0.5, CO: 2, SI: 2}, {TB: 0.5, DY: 0.5, CO: 2, SI: 2}, {FE: 2, O: 3})
    assert score(mixed, {GD: 0.5, DY: 0.5, CO: 2, SI: 2})[0] < 0


def test_a_formula_stands_for_itself(families: Families) -> None:
    alone = score(families, {GD: 1, FE: 2})
    assert score(families, {SI: 1}, {GD: 1, FE: 2}, {CO: 1, O: 1})[1:2] == alone
    assert families.score(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.int64)).tolist() == []


def test_no_element_is_in_two_classes() -> None:
    members = [z for group in CLASSES for z in group]
    assert len(members) == len(set(members))


@pytest.mark.parametrize("part", ["family", "evidence", "weight"])
def test_arrays_that_cannot_be(families: Families, part: str) -> None:
    arrays = families.arrays()
    assert score(Families.from_arrays(arrays), {GD: 1, FE: 2}) == score(families, {GD: 1, FE: 2})
    for spoilt in (arrays[part][:-1], np.full_like(arrays[part], 7), arrays[part].astype(np.float64)):
        with pytest.raises(ValueError, match="families"):
            Families.from_arrays(arrays | {part: spoilt})
