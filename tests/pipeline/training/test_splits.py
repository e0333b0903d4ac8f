from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.errors import UserError
from pipeline.training.splits import TEST_SHARE, VALIDATION_SHARE, part_of, split_rows

SHARE = 0.02  # how far a part of 5,000 systems may be from its share (five standard deviations at most)
ONE, OTHER = ("Al", "B", "C", "Co", "Cr", "Fe", "Gd", "Ge", "Mn", "Ni"), ("O", "P", "S", "Si", "Sm", "Sn")
SYSTEMS = [f"{a}-{b}" for a in ONE for b in OTHER]

PINNED = {"Fe-O": "train", "Co-Mn-Si": "test", "Nd": "test", "Al-Ni": "train", "Co-Sm": "val"}  # for ever


def table(chemsys: list[str], split: list[str | None] | None = None) -> pa.Table:
    return pa.table({"chemsys": chemsys, "split": pa.array(split or [None] * len(chemsys), pa.string())})


@settings(deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(SYSTEMS), max_size=200))
def test_no_chemical_system_stands_in_two_parts(drawn: list[str]) -> None:
    systems = SYSTEMS + drawn  # enough for three parts
    split = split_rows(table(systems))
    parts = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(parts).tolist()) == list(range(len(systems)))
    owned = [{systems[k] for k in part} for part in parts]
    assert not (owned[0] & owned[1] or owned[0] & owned[2] or owned[1] & owned[2])


def test_a_system_keeps_its_part_whatever_else_is_there() -> None:
    systems = SYSTEMS * 2
    split, fewer = split_rows(table(systems)), split_rows(table(list(reversed(SYSTEMS))))
    assert {systems[k] for k in split.test} == {SYSTEMS[::-1][k] for k in fewer.test}
    assert {c: part_of(c) for c in PINNED} == PINNED


def test_shares_are_what_they_are_meant_to_be() -> None:
    parts = [part_of(f"system {k}") for k in range(5000)]
    assert parts.count("test") / 5000 == pytest.approx(TEST_SHARE, abs=SHARE)
    assert parts.count("val") / 5000 == pytest.approx(VALIDATION_SHARE, abs=SHARE)


def test_a_split_column_has_the_last_word() -> None:
    split = split_rows(table(["Fe"] * 4, ["test", "train", "val", "train"]))
    assert (split.train.tolist(), split.validation.tolist(), split.test.tolist()) == ([1, 3], [2], [0])
    assert split.part("val").tolist() == [2]
    assert split.part("train").dtype == np.int64


STRANGE: list[tuple[list[str | None], str]] = [
    (["train", "val", "test", "holdout"], "holdout"),
    (["train", "val", "test", None], "None"),
    (["Train", "val", "test", "train"], "Train"),
]


@pytest.mark.parametrize(("column", "word"), STRANGE)
def test_strange_words_are_named(column: list[str | None], word: str) -> None:
    with pytest.raises(UserError, match=word):
        split_rows(table(["Fe"] * 4, column))


def test_a_part_without_a_row_is_named() -> None:
    with pytest.raises(UserError, match="val or test"):
        split_rows(table(["Fe", "Fe"], ["train", "train"]))
    with pytest.raises(UserError, match="too few chemical systems"):
        split_rows(table(["Fe"]))
    with pytest.raises(UserError):
        split_rows(table([]))


def test_a_split_that_mixes_chemical_systems_is_taken_apart() -> None:
    """A random split: polymorphs and strained copies of a training crystal would prove nothing of new crystals."""
    systems = ["Fe", "Co-O", "Fe", "Ni", "Fe", "Ni", "Mn-O", "Co-O"]
    stated = split_rows(table(systems, ["train", "train", "val", "val", "test", "test", "test", "test"]))
    split = stated.apart(systems)
    assert (split.train.tolist(), split.validation.tolist(), split.test.tolist()) == ([0, 1], [3], [6])
    again = split.apart(systems)
    assert (again.validation.tolist(), again.test.tolist()) == ([3], [6])


@pytest.mark.parametrize("column", [["train", "train", "val", "test"], ["train", "val", "val", "test"]])
def test_a_split_of_one_system_alone_is_refused(column: list[str | None]) -> None:
    systems = ["Fe", "Co", "Fe", "Co"]
    with pytest.raises(UserError, match=r"--columns split=` takes a split by chemical system"):
        split_rows(table(systems, column)).apart(systems)
