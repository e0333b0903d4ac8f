"""What may be shown of a licensed crystal: ids and formulas, with our own predictions, and nothing else of its structures.

Results are made to be passed on; a database that is paid for is not. So the numbers of sites and the space groups, the notes and
the details of rejections, which quote occupancies, coordinates or conditions, stay out of a screen's files by default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.rejection import Reason

Bools = NDArray[np.bool_]
WITHHELD = "withheld: the source is licensed"
_OF_THE_FILE = [Reason.UNREADABLE, Reason.UNSAFE_NAME, Reason.READER_LOST]  # their details say nothing of a structure
_OURS = ("never seen in training", "its slow descriptors")  # beginnings of notes that the formula explains


@dataclass(frozen=True)
class Licence:
    """How many crystals of a screen are licensed, and whether their details are withheld."""

    ranked: int
    refused: int  # licensed crystals among the rejected ones
    shown: bool  # by the user's wish

    @classmethod
    def of(cls, predictions: pd.DataFrame, rejected: pd.DataFrame, shown: bool) -> Licence:
        """Of the tables of a screen with their column `licensed`; a table without rows may lack it."""
        ranked, refused = (int(table["licensed"].sum()) if len(table) else 0 for table in (predictions, rejected))
        return cls(ranked, refused, shown)

    @property
    def withheld(self) -> bool:
        return self.ranked + self.refused > 0 and not self.shown

    def hidden(self, ranking: pd.DataFrame) -> Bools:
        """(rows,) whose structures stay out of a ranking's files."""
        if not self.withheld or "licensed" not in ranking:
            return np.zeros(len(ranking), dtype=np.bool_)
        return ranking["licensed"].to_numpy(dtype=np.bool_)

    def rejected(self, table: pd.DataFrame) -> pd.DataFrame:
        """The rejections with their reasons, of licensed crystals without the details that come from their structures."""
        told = table.drop(columns="licensed", errors="ignore")
        if not self.withheld or table.empty:
            return told
        withheld = table["licensed"].astype(bool) & ~table["reason"].isin(_OF_THE_FILE)
        return told.assign(detail=told["detail"].where(~withheld, WITHHELD))

    def facts(self) -> dict[str, Any]:
        """For the manifest: whether any crystal is licensed and withheld, and how many are licensed, rejected ones included."""
        number = self.ranked + self.refused
        return {"licensed": number > 0, "withheld": self.withheld, "licensed_crystals": number}


def without_structures(ranking: pd.DataFrame, hidden: Bools) -> pd.DataFrame:
    """The ranking without what it tells of the structures of the `hidden` rows; the cells stay, empty."""
    if not hidden.any():
        return ranking
    counts = {name: ranking[name].astype("Int64").mask(hidden) for name in ("n_sites", "space_group")}
    if "occupancies" in ranking:
        ranking = ranking.assign(occupancies=ranking["occupancies"].mask(hidden, ""))
    return ranking.assign(**counts, note=ranking["note"].where(~hidden, ranking["note"].map(_own_notes)))


def _own_notes(note: str) -> str:
    parts = [part if part.startswith(_OURS) else WITHHELD for part in note.split("; ") if part]
    return "; ".join(dict.fromkeys(parts))
