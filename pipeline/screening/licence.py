"""What may be shown of a licensed source: ids and formulas, with our own predictions, and nothing else of its structures.

Results are made to be passed on; a database that is paid for is not. So the numbers of sites and the space groups, the notes and
the details of rejections, which quote occupancies, coordinates or conditions, stay out of a screen's files by default.
"""

from __future__ import annotations

import pandas as pd

from data.rejection import Reason

WITHHELD = "withheld: the source is licensed"
_OF_THE_FILE = [Reason.UNREADABLE, Reason.UNSAFE_NAME, Reason.READER_LOST]  # their details say nothing of a structure
_OURS = ("never seen in training", "its costly descriptors")  # beginnings of notes that the formula explains


def without_structures(ranking: pd.DataFrame) -> pd.DataFrame:
    """The ranking without what it tells of the structures; the columns stay, empty."""
    nothing = pd.array([pd.NA] * len(ranking), dtype="Int64")
    return ranking.assign(n_sites=nothing, space_group=nothing, note=ranking["note"].map(_own_notes))


def without_details(rejected: pd.DataFrame) -> pd.DataFrame:
    """The rejections with their reasons, without the details that come from the structures."""
    return rejected.assign(detail=rejected["detail"].where(rejected["reason"].isin(_OF_THE_FILE), WITHHELD))


def _own_notes(note: str) -> str:
    parts = [part if part.startswith(_OURS) else WITHHELD for part in note.split("; ") if part]
    return "; ".join(dict.fromkeys(parts))
