"""Numbers as people and programs write them in CIF: bare or quoted, with an uncertainty that is closed or not."""

from __future__ import annotations

import math
import re

import gemmi

UNCLOSED = re.compile(r"([-+]?(?:\d+\.?\d*|\.\d+))\(\d*")


def number_of(value: str | None) -> float:
    """What a value says: `3`, `3(1)`, `'3'` and `3(1` are 3.

    Args:
        value: as it stands in the block, with its quotes; None where the block has none.

    Returns:
        The number; NaN where the value is none.
    """
    if not value:
        return math.nan
    text = gemmi.cif.as_string(value).strip()
    unclosed = UNCLOSED.fullmatch(text)
    return float(gemmi.cif.as_number(unclosed.group(1) if unclosed else text))
