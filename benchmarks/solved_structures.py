"""Which files of solved magnetic structures cannot be right, so that nothing is judged by them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd

from data.cif.reader import read_cif
from data.crystal import Crystal

CLOSED_SHELLS = (3, 4, 11, 12, 13, 19, 20, 21, 30, 37, 38, 39, 48, 55, 56, 57, 71)
MOST_MUB = 1.0  # on an ion of CLOSED_SHELLS; with more, its element must be wrong
THREE_D = range(23, 30)
APART_A = 3.0  # a 3d ion without a neighbour within this distance: the file lacks atoms


def sensible(table: pd.DataFrame) -> list[bool]:
    """Whether each row's structure is sound; a row whose sites cannot be matched counts as sound.

    Args:
        table: with the columns `cif` and `site_moments_muB`.
    """
    found = []
    for text, cif in zip(table["site_moments_muB"], table["cif"], strict=True):
        crystal = next(iter(read_cif(str(cif), "", "")))
        wrong = isinstance(crystal, Crystal) and (_on_closed_shells(crystal, str(text)) or _lacks_atoms(crystal))
        found.append(not wrong)
    return found


def _on_closed_shells(crystal: Crystal, moments: str) -> bool:
    sizes = np.linalg.norm(np.array(json.loads(moments), dtype=np.float64).reshape(-1, 3), axis=1)
    if crystal.n_sites != len(sizes):
        return False
    return bool(sizes[np.isin(crystal.numbers, CLOSED_SHELLS)].max(initial=0.0) > MOST_MUB)


def _lacks_atoms(crystal: Crystal) -> bool:
    sites = np.flatnonzero(np.isin(crystal.numbers, THREE_D))
    return len(sites) > 0 and len(np.setdiff1d(sites, crystal.to_pymatgen().get_neighbor_list(APART_A)[0])) > 0
