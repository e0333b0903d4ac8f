"""Columns as bytes: what goes in comes out, to the digits that were asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.report.pack import FARTHEST, Packer, unpack

TEXTS = st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12), max_size=20)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30), st.integers(0, 6), TEXTS)
def test_what_goes_in_comes_out(values: list[float], digits: int, texts: list[str]) -> None:
    packer = Packer()
    packer.numbers("a", values, digits)
    packer.texts("t", texts)
    packer.numbers("b", values, digits)
    header, columns = unpack(packer.base64({"run": "x"}))
    assert header == {"run": "x"} and columns["t"] == texts
    for given_, found in zip(values, columns["a"], strict=True):
        near = math.isfinite(given_) and abs(np.rint(given_ * 10.0**digits)) <= FARTHEST
        assert found == pytest.approx(given_, abs=0.51 * 10.0**-digits) if near else math.isnan(float(found))
    np.testing.assert_array_equal(columns["a"], columns["b"])


@pytest.mark.parametrize(("top", "size"), [(254, 1), (255, 2), (65534, 2), (65535, 4), (FARTHEST, 4)])
def test_the_smallest_type_that_holds_them(top: int, size: int) -> None:
    packer = Packer()
    packer.numbers("a", [0, top, math.nan])
    assert packer._columns["a"]["type"] == size
    np.testing.assert_array_equal(unpack(packer.base64({}))[1]["a"], [0, top, math.nan])


def test_same_content_same_text() -> None:
    def packed() -> str:
        packer = Packer()
        packer.numbers("a", np.arange(5000) / 7, 4)
        packer.texts("t", map(str, range(5000)))
        return packer.base64({"n": 1})

    assert packed() == packed()
