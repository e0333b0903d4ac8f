"""No cell of an exported table can start a formula, and numbers stay numbers."""

from __future__ import annotations

import io

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.screening.csvsafe import FORMULA_STARTS, csv_bytes, csv_safe

cells = st.one_of(st.text(max_size=8), st.builds("{}{}".format, st.sampled_from(FORMULA_STARTS), st.text(max_size=5)))


@given(st.lists(cells, min_size=1, max_size=6))
def test_text_cannot_start_a_formula_and_can_be_read_back(words: list[str]) -> None:
    safe = csv_safe(pd.DataFrame({"id": words}))["id"]
    for before, after in zip(words, safe, strict=True):
        assert not after.startswith(FORMULA_STARTS)
        assert after == (f"'{before}" if before[:1] in FORMULA_STARTS and before else before)


def test_numbers_and_missing_cells_are_untouched() -> None:
    frame = pd.DataFrame({"x": [-1.5, 2.0], "n": [-1, 1], "mixed": ["-1.5", -1.5], "gap": [None, "+a"]})
    safe = csv_safe(frame)
    assert safe["x"].tolist() == [-1.5, 2.0] and safe["x"].dtype == float and safe["n"].tolist() == [-1, 1]
    assert safe["mixed"].tolist() == ["'-1.5", -1.5]
    assert safe["gap"].tolist() == [None, "'+a"]
    assert frame["mixed"].tolist() == ["-1.5", -1.5]


def test_every_kind_of_text_column_and_every_label_is_covered() -> None:
    frame = pd.DataFrame({"=a": pd.Categorical(["@x", "y"]), "b": pd.array(["=1", pd.NA], dtype="string")})
    frame.index = pd.Index(["-i", "j"], name="k")
    safe = csv_safe(frame)
    assert safe["'=a"].tolist() == ["'@x", "y"] and safe["b"].iloc[0] == "'=1" and safe.index.tolist() == ["'-i", "j"]


def test_same_names_twice_and_no_rows() -> None:
    twice = pd.DataFrame([["=a", "=b"]], columns=["x", "x"])
    assert csv_safe(twice).to_numpy().tolist() == [["'=a", "'=b"]]
    assert csv_safe(twice.head(0)).shape == (0, 2)


def test_a_written_file_holds_no_formula() -> None:
    written = io.StringIO()
    csv_safe(pd.DataFrame({"id": ["=1+1", "Fe"], "T": [-0.5, 1.0]})).to_csv(written, index=False)
    assert written.getvalue() == "id,T\n'=1+1,-0.5\nFe,1.0\n"


@given(st.lists(st.tuples(cells, st.one_of(st.none(), cells), st.floats(), st.integers(-5, 5)), min_size=1, max_size=6))
def test_a_table_has_the_bytes_that_pandas_writes(rows: list[tuple[str, str | None, float, int]]) -> None:
    frame = pd.DataFrame(rows, columns=["a,b", "gap", "x", "n"])
    frame = frame.assign(whole=pd.array([None, *range(len(rows) - 1)], dtype="Int64"), is_odd=frame["n"] % 2 == 1)
    assert csv_bytes(frame) == frame.to_csv(index=False, float_format="%.6g").encode()
    assert csv_bytes(frame[:0]) == frame[:0].to_csv(index=False).encode()
