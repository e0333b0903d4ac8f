"""What may be shown of a licensed crystal: ids and formulas, with our own predictions, and nothing else of its structures.

Results are made to be passed on; a database that is paid for is not. So the numbers of sites, the space groups and what follows
from them, the sites that a net moment is explained by, the notes and the details of rejections, which quote occupancies,
coordinates or conditions, stay out of a screen's files by default. The volume can be computed from what is shown (µB/atom and T):
a density is printed with every abstract.
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
UNIAXIAL = "uniaxial_possible"
_FACTS = {"n_sites": pd.Int64Dtype(), "space_group": pd.Int64Dtype(), UNIAXIAL: pd.BooleanDtype()}  # types that can be empty
_WORDS = ("occupancies", "moment_explained")
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
    types = {name: kind for name, kind in _FACTS.items() if name in ranking}
    facts = {name: ranking[name].astype(kind).mask(hidden) for name, kind in types.items()}
    words = {name: ranking[name].mask(hidden, "") for name in _WORDS if name in ranking}
    return ranking.assign(**facts, **words, note=ranking["note"].where(~hidden, ranking["note"].map(_own_notes)))


def without_withheld_columns(ranking: pd.DataFrame) -> pd.DataFrame:
    """A ranking without the columns a score may read that are empty in hidden rows: no other profile can score by these."""
    return ranking.drop(columns=[UNIAXIAL] if UNIAXIAL in ranking and ranking[UNIAXIAL].isna().any() else [])


def _own_notes(note: str) -> str:
    parts = [part if part.startswith(_OURS) else WITHHELD for part in note.split("; ") if part]
    return "; ".join(dict.fromkeys(parts))
