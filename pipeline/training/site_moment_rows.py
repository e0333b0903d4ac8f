"""Crystals with site moments as further training rows of the families that learn from them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from data.errors import UserError
from data.snapshot import Snapshot
from models.contract import Examples
from pipeline.featurise import Needs, featurise_cells
from pipeline.magnetism.magnetic_cell import map_to_primitive
from pipeline.ops.progress import Reporter

_AT_ONCE = 512


def site_moment_rows(snapshot: Snapshot, closed: Collection[str], needs: Needs, reporter: Reporter) -> Examples:
    """The crystals of a snapshot with the size of the moment on each orbit of sites.

    Calculations with antiparallel moments serve as well as ferromagnetic ones, since the sizes are nearly the same. The total
    moment of such a row has no weight: it depends on the order that the calculation started from.

    Args:
        snapshot: a snapshot with signed site moments.
        closed: chemical systems that have validation or test rows; their crystals are left out.
        needs: what the models read.
        reporter: receives the progress.

    Raises:
        UserError: no crystal with site moments is outside these chemical systems.
    """
    snapshot.verify()
    signed, systems = snapshot.site_moments(), snapshot.table(["chemsys"])["chemsys"].to_pylist()
    wanted = [one for one, system in zip(snapshot.crystals(), systems, strict=True) if one.id in signed and system not in closed]
    parts: list[Examples] = []
    with reporter.bar("Site moments", len(wanted)) as tick:
        for start in range(0, len(wanted), _AT_ONCE):
            crystals = wanted[start : start + _AT_ONCE]
            placed = [map_to_primitive(crystal) for crystal in crystals]
            read = featurise_cells([one.cell for one in placed], needs)
            moments = [np.array(signed[crystals[k].id]) for k in read.kept.tolist()]
            size = [_on_orbits(np.abs(m), placed[k].orbit) for m, k in zip(moments, read.kept.tolist(), strict=True)]
            total = np.array([abs(m.mean()) for m in moments])
            parts.append(replace(
                read.examples, moment=total, weight=np.zeros(len(total)), site_moment=np.concatenate([np.zeros(0), *size])
            ))  # fmt: skip
            tick(len(crystals))
    found = [part for part in parts if len(part)]
    if not found:
        raise UserError(
            f"snapshot {snapshot.id} has no crystal with site moments outside the chemical systems of validation and test rows"
        )
    return reduce(Examples.followed_by, found)


def _on_orbits(size: NDArray[np.float64], orbit: NDArray[np.int64]) -> NDArray[np.float64]:
    """(orbits,) the mean over the sites (sites,) of each orbit."""
    return np.bincount(orbit, size) / np.bincount(orbit)
