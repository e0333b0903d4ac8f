"""Foreign text and numbers that may be missing made fit to show: nothing hidden, nothing that acts."""

from __future__ import annotations

import math
import re
import unicodedata
from typing import SupportsFloat

import pandas as pd
from markupsafe import Markup, escape

MISSING = "–"
ORDERS = ("FM", "FiM", "FM or FiM", "AFM", "NM")  # by code
LONGEST_ID, LONGEST_FILE = 80, 90  # characters
NUDGE = 1e-9  # halves go up, here as in the page's script, whose rule for them is another one
_UNSEEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_NEXT_ELEMENT = re.compile(r"(?<=[^(\[])(?=[A-Z(\[])")
_SUBSCRIPT = re.compile(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)")


def visible(value: object, limit: int = 160) -> str:
    """Text with every invisible or direction-changing character spelled out, cut after `limit` characters."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    text = str(value)
    if text.isprintable() and len(text) <= limit:  # nearly all, and a screen has hundreds of thousands
        return text or MISSING
    shown = "".join(_shown(character) for character in text[:limit])
    return (shown + "…" if len(text) > limit else shown) or MISSING


def identifier(value: object) -> str:
    """A candidate's id; of a long one the end, since an id may be a path, and there is the name (web/format.js does the same)."""
    return _end(value, LONGEST_ID)


def file_name(value: object) -> Markup:
    """A source file, which may wrap after a slash; of a long path the end, since that is where the name is."""
    return Markup("/<wbr>").join(_end(value, LONGEST_FILE).split("/"))


def formula(value: object) -> Markup:
    """A chemical formula with its counts as subscripts, which may wrap before an element but never inside one or its count."""
    return Markup("<wbr/>").join(_typeset(piece) for piece in _NEXT_ELEMENT.split(visible(value, limit=80)))


def number(value: object, digits: int = 2) -> str:
    """A number with fixed digits; a dash where there is none, or none that is finite."""
    known = finite(value)
    if known is None:
        return MISSING
    shown = f"{known:.3g}" if abs(known) >= 1e6 else f"{known + NUDGE:.{digits}f}"
    return shown.lstrip("-") if float(shown) == 0 else shown.replace("-", "−")


def count(value: object) -> str:
    """A whole number with thousands separators; a dash where there is none."""
    known = finite(value)
    return MISSING if known is None else f"{math.floor(known + 0.5):,}"


def price(value: object) -> str:
    """USD per kg: whole numbers from 10 on, one decimal below, two below 1."""
    known = finite(value)
    return count(known) if known is not None and known >= 10 else number(known, 2 if known is not None and known < 1 else 1)


def order(value: object) -> str:
    """The magnetic order that a code of pipeline.report.experiment stands for; a dash where there is none."""
    known = finite(value)
    return MISSING if known is None else ORDERS[int(known)]


def finite(value: object) -> float | None:
    """The value as a finite float, or None."""
    if not isinstance(value, float) and not isinstance(value, SupportsFloat):  # the second test takes twenty times as long
        return None
    try:
        known = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return known if math.isfinite(known) else None


def _end(value: object, most: int) -> str:
    whole = str(value)
    return visible(value) if len(whole) <= most else "…" + visible(whole[1 - most :])


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else f"⟨U+{code:04X}⟩"


def _typeset(piece: str) -> Markup:
    """Escaped first, so that only our own tags remain."""
    parts = _SUBSCRIPT.split(piece)
    return Markup("").join(
        Markup("<sub>{}</sub>").format(part) if place % 2 else escape(part) for place, part in enumerate(parts)
    )
