"""Arrays written piece by piece read back whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.features.npyfile import NpyWriter


@given(st.lists(st.lists(st.integers(-(2**31), 2**31 - 1), max_size=9), max_size=9))
def test_pieces_read_back_as_one(tmp_path_factory: pytest.TempPathFactory, pieces: list[list[int]]) -> None:
    path = tmp_path_factory.mktemp("npy") / "a.npy"
    with NpyWriter(path, np.int32) as writer:
        for piece in pieces:
            writer.append(np.array(piece, dtype=np.int64))
    for mode in (None, "r") if any(pieces) else (None,):
        read = np.load(path, mmap_mode=mode)
        assert read.dtype == np.int32
        assert read.tolist() == [n for piece in pieces for n in piece]


def test_a_number_that_does_not_fit_is_not_bent(tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", np.int16) as writer, pytest.raises(ValueError, match="do not fit int16"):
        writer.append(np.array([1, 40_000]))


def test_a_header_of_ten_thousand_million_fits_the_room(tmp_path: Path) -> None:
    """The header is rewritten in place, so its length must not grow with the number in it."""
    path = tmp_path / "a.npy"
    with NpyWriter(path, np.float32) as writer:
        start = writer._file.tell()
        writer._length = 10**10
        writer._file.seek(0)
        writer._write_header()
        assert writer._file.tell() == start


def test_matrices_and_pieces_of_another_shape(tmp_path: Path) -> None:
    with NpyWriter(tmp_path / "a.npy", np.float32, (3, 3)) as writer:
        writer.append(np.ones((2, 3, 3)))
        with pytest.raises(ValueError, match=r"shape \(2, 3\)"):
            writer.append(np.ones((2, 3)))
    assert np.load(tmp_path / "a.npy").shape == (2, 3, 3)
