"""Columns for a browser: whole numbers in few bytes, texts in one piece, everything compressed into base64.

Layout of the decompressed bytes: the length of the header (4 bytes, little endian), the header (JSON), then the columns, each
from a multiple of 8 on, counted from the end of the header. A number is (stored + least) / 10^digits; the largest stored value of
its type means "not known". Texts are joined by line feeds. Whatever is foreign text stands inside the base64 and cannot act.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

ALIGNMENT = 8
LEVEL = 4  # of zlib: a third of the time of 6, for one percent more
_TYPES = (np.dtype("<u1"), np.dtype("<u2"), np.dtype("<u4"))
FARTHEST = 2**31 - 1  # from zero, in units of the last digit


class Packer:
    """Collects columns; `base64` ends it."""

    def __init__(self) -> None:
        self._columns: dict[str, dict[str, Any]] = {}
        self._parts: list[bytes] = []
        self._size = 0

    def numbers(self, name: str, values: ArrayLike, digits: int = 0) -> None:
        """Numbers to so many decimal digits; what is not finite, or too large to be stored, is "not known"."""
        given = np.asarray(values, dtype=np.float64)
        scaled = np.rint(given * 10.0**digits)
        known = np.abs(scaled) <= FARTHEST
        least = float(scaled[known].min()) if known.any() else 0.0
        span = float(scaled[known].max()) - least if known.any() else 0.0
        kind = next(kind for kind in _TYPES if span < np.iinfo(kind).max)
        stored = np.full(given.shape, np.iinfo(kind).max, dtype=kind)
        stored[known] = (scaled[known] - least).astype(kind)
        self._add(name, stored.tobytes(), {"type": kind.itemsize, "least": least, "digits": digits, "rows": len(given)})

    def texts(self, name: str, values: Iterable[str]) -> None:
        """Texts without line feeds (pipeline.report.text.visible sees to that)."""
        listed = list(values)
        self._add(name, "\n".join(listed).encode("utf-8"), {"type": 0, "rows": len(listed)})

    def base64(self, header: dict[str, Any]) -> str:
        """Header and columns as base64; the same content gives the same text."""
        described = json.dumps({**header, "columns": self._columns}, ensure_ascii=False, allow_nan=False).encode("utf-8")
        described += b" " * (-(len(described) + 4) % ALIGNMENT)
        whole = struct.pack("<I", len(described)) + described + b"".join(self._parts)
        packed = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)  # gzip without a date
        return base64.b64encode(packed.compress(whole) + packed.flush()).decode("ascii")

    def _add(self, name: str, content: bytes, about: dict[str, Any]) -> None:
        self._columns[name] = {"at": self._size, "bytes": len(content), **about}
        self._parts.append(content + bytes(-len(content) % ALIGNMENT))
        self._size += len(content) + (-len(content) % ALIGNMENT)


def unpack(packed: str) -> tuple[dict[str, Any], dict[str, list[str] | NDArray[np.float64]]]:
    """Header and columns of a packed text, as the page reads it."""
    whole = zlib.decompress(base64.b64decode(packed), 31)
    (length,) = struct.unpack_from("<I", whole)
    header = json.loads(whole[4 : 4 + length])
    columns: dict[str, list[str] | NDArray[np.float64]] = {}
    for name, about in header.pop("columns").items():
        start = 4 + length + about["at"]
        content = whole[start : start + about["bytes"]]
        if about["type"] == 0:
            columns[name] = content.decode("utf-8").split("\n") if about["rows"] else []
            continue
        stored = np.frombuffer(content, dtype=f"<u{about['type']}")
        values = (stored + about["least"]) / 10.0 ** about["digits"]
        columns[name] = np.where(stored == np.iinfo(stored.dtype).max, np.nan, values)
    return header, columns
