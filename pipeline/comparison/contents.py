"""Whether two runs read the same crystals. The hashes of their sources do not say so: these also change with the settings of
reading and with the times of files."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.comparison.causes import code_of, same_reading
from pipeline.screening.identity import original_ids
from pipeline.screening.screened import Screened
from pipeline.screening.structures import kept_cells_of, same_cell

SAME_VOLUME = 1e-3  # relative
_TOO_LARGE = "too_large"  # the reason of a file that is rejected as a whole, whatever it holds


def same_places(before: Screened, after: Screened) -> bool:
    """Whether both runs found the same files with the same ids in them, ranked or rejected."""
    one, other = _places(before), _places(after)
    whole = {file for places in (one, other) for file, names in places.items() if None in names}
    return one.keys() == other.keys() and all(one[file] == other[file] for file in one.keys() - whole)


def crystal_changes(old: pd.DataFrame, new: pd.DataFrame, before: Screened, after: Screened) -> list[str]:
    """What changed in the crystal of each row, in words; empty where nothing did.

    Args:
        old: rows of the earlier ranking.
        new: the same candidates in the later ranking, in the same order.
        before: the earlier run, which keeps the cells of its best candidates.
        after: the later run.
    """
    swollen = (_volume(new) / _volume(old) - 1).fillna(0.0)
    words: list[list[str]] = [[] for _ in range(len(old))]
    for column, name in (("formula", "formula"), ("space_group", "space group"), ("n_sites", "sites")):
        one, other = (table[column].astype(object).where(table[column].notna(), None).to_numpy() for table in (old, new))
        for k in np.flatnonzero(one != other):
            if one[k] is not None and other[k] is not None:  # a licensed source withholds them, and that is no change
                words[k].append(f"{name} {one[k]} → {other[k]}")
    for k in np.flatnonzero(swollen.abs() > SAME_VOLUME):
        words[k].append(f"volume {swollen.iloc[k]:+.1%}")
    if before.manifest["input"] != after.manifest["input"] and _same_standard(before, after):
        cells = kept_cells_of(before.folder), kept_cells_of(after.folder)
        for place, ranks in enumerate(zip(old["rank"].to_list(), new["rank"].to_list(), strict=True)):
            kept = [table.of_rank(rank) for table, rank in zip(cells, ranks, strict=True)]
            if not words[place] and kept[0] is not None and kept[1] is not None and not same_cell(kept[0], kept[1]):
                words[place].append("cell or positions")
    return [", ".join(found) for found in words]


def read_alike(old: pd.DataFrame, new: pd.DataFrame, before: Screened, after: Screened) -> list[bool]:
    """Of each row, whether the settings of reading give the same crystal of the same file: of disordered ones, other settings
    make other crystals."""
    if same_reading(before.manifest, after.manifest):
        return [True] * len(old)
    shared = [table["occupancies"].fillna("") if "occupancies" in table else pd.Series("", table.index) for table in (old, new)]
    return [one == other == "" for one, other in zip(*shared, strict=True)]


def _same_standard(before: Screened, after: Screened) -> bool:
    """Whether both runs standardise a cell in the same way."""
    one, other = before.manifest, after.manifest
    return one["graph_settings"] == other["graph_settings"] and code_of(one) == code_of(other)


def _places(run: Screened) -> dict[str, set[str | None]]:
    """Ids by file, as the source gave them; None among those of a file that was rejected as a whole."""
    found: dict[str, set[str | None]] = {}
    rejected = run.rejected()
    for table in (run.ranking(), rejected):
        for name, file in zip(table["candidate_id"].to_list(), table["source_file"].to_list(), strict=True):
            found.setdefault(file, set()).add(original_ids(name, file)[-1][0])
    for file in rejected["source_file"][rejected["reason"] == _TOO_LARGE].to_list():
        found[file].add(None)
    return found


def _volume(table: pd.DataFrame) -> pd.Series[float]:
    """Per atom, in a unit of its own, from the DFT moment and its magnetisation; of a run of an older release from their ends."""
    if "saturation_dft_T" in table:
        return table["moment_muB_per_atom"] / table["saturation_dft_T"]
    return table["moment_high"] / table["saturation_T_high"]
