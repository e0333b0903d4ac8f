"""Whatever stands in a CIF, reading it ends with crystals or reasons."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from data.sources.cif_folder import decode
from tests.data.cif_texts import CELL, cif_text, listed, named, operations

ROUNDS = 300
SYMMETRIC = cif_text(
    extra="_chemical_formula_sum 'Mn1 O1'\n_database_code_ICSD 41234\n", symmetry=named("F m -3 m") + listed(operations("P m -3"))
)
GOOD = (SYMMETRIC + cif_text("other")).splitlines(keepends=True)
WORDS = ["data_", "loop_", "_cell_length_a", "_atom_site_fract_x", ";", "'", "?", ".", "save_", "global_", "stop_", "#", "1e999"]
WORDS += ["-1", "nan", "inf", "0", "Mn", "[", "]", "{", "}", "_", "$", "x,y,z", "1/0", "("]
WORDS += ['"', "\x00", "\x1a", "\ufeff", "é", "9" * 400]
KINDS = ["delete", "insert", "duplicate", "swap", "word"]
REACH_OUT = ("data_", "global_", ";", "save_")  # these open a block of their own, or a text without end

lines = st.one_of(st.sampled_from(GOOD), st.text(max_size=40).map(lambda t: t + "\n"))
edits = st.tuples(st.sampled_from(KINDS), st.integers(0, 400), lines, st.sampled_from(WORDS))


def read(text: str) -> list[Crystal | Rejection]:
    found = list(read_cif(text, "file.cif", "file"))
    assert found, "a file vanished without a word"
    for item in found:
        assert isinstance(item, Crystal | Rejection)
        if isinstance(item, Rejection):
            assert item.reason is not Reason.FAILED, item.detail
    return found


def edited(texts: list[str], edit: tuple[str, int, str, str]) -> list[str]:
    kind, where, line, word = edit
    k = where % max(len(texts), 1)
    if kind == "insert" or not texts:
        return [*texts[:k], line, *texts[k:]]
    if kind == "delete":
        return [*texts[:k], *texts[k + 1 :]]
    if kind == "duplicate":
        return [*texts[: k + 1], *texts[k:]]
    if kind == "swap":
        return [*texts[:k], *texts[k + 1 : k + 2], texts[k], *texts[k + 2 :]]
    pieces = texts[k].split() or [""]
    pieces[where % len(pieces)] = word
    return [*texts[:k], " ".join(pieces) + "\n", *texts[k + 1 :]]


@settings(max_examples=ROUNDS)
@given(st.text(max_size=400))
def test_any_text(text: str) -> None:
    read(text)


@settings(max_examples=ROUNDS)
@given(st.binary(max_size=400))
def test_any_bytes(raw: bytes) -> None:
    read(decode(raw))


@settings(max_examples=ROUNDS)
@given(st.lists(st.sampled_from([*WORDS, " ", "\n", "\n", "_symmetry_equiv_pos_as_xyz", CELL]), max_size=60))
def test_any_string_of_cif_words(words: list[str]) -> None:
    read("".join(words))


@settings(max_examples=ROUNDS)
@given(st.lists(edits, min_size=1, max_size=6))
def test_any_edit_of_a_good_file(changes: list[tuple[str, int, str, str]]) -> None:
    texts = GOOD
    for change in changes:
        texts = edited(texts, change)
    read("".join(texts))


@settings(max_examples=ROUNDS)
@given(st.integers(0, len("".join(GOOD)) - 1), st.integers(0, 400))
def test_any_cut(start: int, length: int) -> None:
    whole = "".join(GOOD)
    read(whole[:start])
    read(whole[:start] + whole[start + length :])


@settings(max_examples=ROUNDS)
@given(st.lists(edits, min_size=1, max_size=3))
def test_edits_in_one_block_never_touch_its_neighbours(changes: list[tuple[str, int, str, str]]) -> None:
    middle = SYMMETRIC.splitlines(keepends=True)[1:]  # without its data_ line
    for change in changes:
        if not any(word in change[2] + change[3] for word in REACH_OUT):
            middle = edited(middle, change)
    found = read(cif_text("one") + "data_two\n" + "".join(middle) + cif_text("three"))
    formulas = {item.id.rpartition("#")[2]: item.formula for item in found if isinstance(item, Crystal)}
    assert formulas.get("one") == "MnO"
    assert formulas.get("three") == "MnO"
