"""Whether a CIF text is an entry of ICSD, whose structures may not be passed on."""

from __future__ import annotations

import re

_WORDS = ("ICSD", "icsd", "Icsd")  # a search for plain text is fifty times as fast as the pattern, and most texts have none
# Whole tags only: `_atomic_positions_source_database_code_ICSD` of MAGNDATA says where positions were taken from, no more.
_CODE = re.compile(
    r"^[ \t]*_database[._]code[._]ICSD\s+(?:['\"]\s*)?(?:ICSD\W*)?\d|^[ \t]*data_\d+-ICSD\b", re.IGNORECASE | re.MULTILINE
)


def is_icsd_text(text: str) -> bool:
    """Whether a CIF text states a collection code of ICSD: by the whole tag, or by the name that ICSD gives its data blocks."""
    return any(word in text for word in _WORDS) and _CODE.search(text) is not None
