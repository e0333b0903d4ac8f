"""Slow descriptors: matminer's structure featurizers on the symmetrised primitive cell. An opt-in beside `descriptors`.

The tessellations and order parameters of Ward et al. (Phys. Rev. B 96, 024104, 2017) and Zimmermann and Jain (RSC Adv. 10, 6063,
2020). The packing efficiency of the first set is left out: one column that takes longer than all the others together.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from pipeline.features.cpulimit import OutOfTime, cpu_limit

SECONDS_PER_CRYSTAL = 20.0  # of processor time; the Materials Project's crystals take 0.6 s (median) or 3.4 s (one in ten)
# raise the number whenever the same crystal would give other numbers; what is cached goes by the whole line
SLOW_DESCRIPTOR_CODE = ", ".join(
    ["costly-1", f"{SECONDS_PER_CRYSTAL:g} s", *(f"{name} {version(name)}" for name in ("matminer", "pymatgen", "pymatgen-core"))]
)
SITE_PRESETS = ("LocalPropertyDifference_ward-prb-2017", "CrystalNNFingerprint_ops")
DECIMALS = 9  # of Å and fractions; the noise of symmetrising is below, and no position is left at 1 - 1e-17, where pymatgen fails
Row = NDArray[np.float32]


class Featurizer(Protocol):
    """Numbers from one crystal."""

    def labels(self) -> list[str]: ...

    def values(self, structure: Any, cell: SymmetricCell) -> list[float]: ...


@dataclass(frozen=True)
class Whole:
    """A featurizer of matminer that takes the whole structure."""

    matminer: Any

    def labels(self) -> list[str]:
        return list(self.matminer.feature_labels())

    def values(self, structure: Any, cell: SymmetricCell) -> list[float]:
        return list(self.matminer.featurize(structure))


@dataclass(frozen=True)
class OverSites:
    """Matminer's statistics over all sites, from one site an orbit: equivalent sites have equal values."""

    matminer: Any  # SiteStatsFingerprint

    def labels(self) -> list[str]:
        return list(self.matminer.feature_labels())

    def values(self, structure: Any, cell: SymmetricCell) -> list[float]:
        from matminer.featurizers.utils.stats import PropertyStats

        site = self.matminer.site_featurizer
        found = np.array([site.featurize(structure, int(k)) for k in cell.representatives], dtype=np.float64)
        every = np.repeat(found, cell.multiplicities, axis=0)
        return [PropertyStats.calc_stat(column, stat) for column in every.T.tolist() for stat in self.matminer.stats]


@lru_cache(maxsize=1)
def featurizers() -> tuple[Featurizer, ...]:
    """In the order of the columns."""
    from matminer.featurizers.structure import ChemicalOrdering, SiteStatsFingerprint, StructuralHeterogeneity

    over_sites = [OverSites(SiteStatsFingerprint.from_preset(preset)) for preset in SITE_PRESETS]
    return (Whole(StructuralHeterogeneity()), Whole(ChemicalOrdering()), *over_sites)


@lru_cache(maxsize=1)
def slow_descriptor_names() -> tuple[str, ...]:
    """The columns of `slow_descriptor_row`, in order."""
    return tuple(label for featurizer in featurizers() for label in featurizer.labels())


def slow_descriptor_key(cell: SymmetricCell) -> str:
    """Names everything that `slow_descriptor_row` looks at."""
    cell = _rounded(cell)
    digest = hashlib.sha256()
    for array in (cell.lattice, cell.frac, cell.numbers, cell.orbit):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def slow_descriptor_row(cell: SymmetricCell, seconds: float = SECONDS_PER_CRYSTAL) -> Row:
    """(columns,) all finite, or all NaN where a featurizer fails or the crystal takes more than `seconds` of processor time.

    All or nothing: which of the featurizers came first must not decide what a model sees.
    """
    names = slow_descriptor_names()  # loading the libraries is not the crystal's time
    try:
        with cpu_limit(seconds):
            row = np.array(_values(_rounded(cell)), dtype=np.float32)
    except (OutOfTime, Exception):  # the featurizers raise whatever pymatgen and Qhull raise
        row = np.full(len(names), np.nan, dtype=np.float32)
    return row if np.isfinite(row).all() else np.full_like(row, np.nan)


def without_values(rows: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(crystals,) which rows are those of crystals that failed."""
    return np.asarray(np.isnan(rows).any(axis=1))


def _values(cell: SymmetricCell) -> list[float]:
    from matminer.utils import caching
    from pymatgen.core import Lattice, Structure

    # matminer keeps the neighbours of the last structure, and takes the same crystal with its sites in another order for it:
    # every site would then get another site's neighbours
    caching._get_all_nearest_neighbors.cache_clear()
    structure = Structure(Lattice(cell.lattice), cell.numbers.tolist(), cell.frac)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about electronegativities and oxidation states, for crystal after crystal
        return [value for featurizer in featurizers() for value in featurizer.values(structure, cell)]


def _rounded(cell: SymmetricCell) -> SymmetricCell:
    """Zeros all of one sign, since the key is made of bytes."""
    frac = np.round(cell.frac, DECIMALS) % 1.0 + 0.0
    return replace(cell, lattice=np.round(cell.lattice, DECIMALS) + 0.0, frac=frac)
