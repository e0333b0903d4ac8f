"""A finished screen, as a folder of files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.old_names import with_current_columns
from pipeline.ops.memory import give_back_memory
from pipeline.screening.csvsafe import as_given


@dataclass(frozen=True)
class Screened:
    """A finished screen: what lies in its folder."""

    folder: Path
    manifest: dict[str, Any]
    fresh: bool = True  # False: an earlier screen of the same, taken as it is

    def ranking(self) -> pd.DataFrame:
        """The ranking, read once; of a run of an older release with the columns of this one."""
        return self._ranking.copy()  # the caller's own, to write to

    @cached_property
    def _ranking(self) -> pd.DataFrame:
        ranking = with_current_columns(pd.read_parquet(self.folder / "ranking.parquet"))
        give_back_memory()  # what reading it took
        return ranking

    def rejected(self) -> pd.DataFrame:
        """The rejections, with ids and files as the source gives them."""
        return pd.read_csv(self.folder / "rejected.csv", dtype=str, keep_default_na=False).map(as_given)
