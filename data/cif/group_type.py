"""The number of a group of operations in any setting, tabulated or not (a primitive cell, a shifted origin)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from data.cif.operations import SymmetryGroup
from data.cif.settings import tabulated_setting

_SEED = 11
_ATOMS = 3  # general orbits; their crystal has the symmetry of the group and no more
_EDGE_A = 9.0
_SYMPREC_A = 1e-3
_MOST_OPERATIONS = 400  # the search for symmetry takes seconds for thousands of atoms


@lru_cache(maxsize=1024)
def space_group_number(group: SymmetryGroup) -> int | None:
    """The space-group number that a crystal with exactly these operations has; None where it is not found."""
    setting = tabulated_setting(group)
    if setting is not None:
        return int(setting.number)
    if len(group) > _MOST_OPERATIONS:
        return None
    import moyopy

    random = np.random.default_rng(_SEED)
    step = random.normal(0.0, 0.1, (3, 3))
    metric = _EDGE_A**2 * (np.eye(3) + step @ step.T)
    metric = metric + (metric.ravel() @ group.metric_change).reshape(3, 3)  # a cell that has the symmetry and no more
    places: list[list[float]] = []
    numbers: list[int] = []
    for element in range(1, _ATOMS + 1):
        images = group.rotations @ random.random(3) + group.translations
        places += (images % 1.0).tolist()
        numbers += [element] * len(images)
    cell = moyopy.Cell(np.linalg.cholesky(metric).tolist(), places, numbers)
    try:
        return int(moyopy.MoyoDataset(cell, symprec=_SYMPREC_A).number)
    except (RuntimeError, ValueError):  # a cell that it cannot reduce
        return None
