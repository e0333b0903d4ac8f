"""Composition descriptors beyond Magpie's: more properties of the elements, of the magnetic ones alone, and shares of groups."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.packing import gather

Floats = NDArray[np.float64]
LARGEST_Z = 103
# open 3d, 4f and 5f shells: the elements that carry moments in solids
MAGNETIC_ELEMENTS = np.array([23, 24, 25, 26, 27, 28, *range(58, 71), *range(91, 97)])
STATISTICS = ("mean", "maximum", "minimum", "range", "deviation")  # Kaba et al. (arXiv 2111.14712): weighted mean, others bare
PROPERTIES = {  # name of the column to pymatgen's attribute
    "electron affinity": "electron_affinity",
    "ionization energy": "ionization_energy",
    "boiling point": "boiling_point",
    "density of the element": "density_of_solid",
    "molar volume": "molar_volume",
    "atomic radius": "atomic_radius",
    "ionic radius": "average_ionic_radius",
    "largest oxidation state": "max_oxidation_state",
}
ATOMIC_MOMENT = "moment of the free atom"  # µB, by Hund's rules, from ASE
OF_MAGNETIC = ("Number", "CovalentRadius", "Electronegativity", "NdUnfilled", "NfUnfilled", "NValence", "GSmagmom")  # of Magpie
GROUPS: dict[str, list[int]] = {
    "hydrogen": [1], "alkali metals": [3, 11, 19, 37, 55, 87], "alkaline earths": [4, 12, 20, 38, 56, 88],
    "3d metals": [*range(21, 31)], "4d metals": [*range(39, 49)], "5d metals": [*range(72, 81)],
    "lanthanides": [*range(57, 72)], "actinides": [*range(89, 104)], "boron group": [5, 13, 31, 49, 81],
    "carbon group": [6, 14, 32, 50, 82], "pnictogens": [7, 15, 33, 51, 83], "chalcogens": [8, 16, 34, 52, 84],
    "halogens": [9, 17, 35, 53, 85], "nitrogen": [7], "oxygen": [8], "V": [23], "Cr": [24], "Mn": [25], "Fe": [26], "Co": [27],
    "Ni": [28], "Eu": [63], "Gd": [64], "U": [92],
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Compositions:
    """Element fractions of many crystals, one entry an element of a crystal, sorted by crystal."""

    crystal: NDArray[np.int64]  # (entries,)
    number: NDArray[np.int64]  # (entries,) atomic number
    fraction: Floats  # (entries,) sums to 1 in a crystal
    start: NDArray[np.int64]  # (crystals,) first entry of each crystal

    def spans(self) -> list[tuple[int, int]]:
        """The first entry of each crystal and the one after its last."""
        return list(pairwise(np.append(self.start, len(self.number)).tolist()))

    def take(self, rows: NDArray[np.int64]) -> Compositions:
        """Some crystals, in the order asked for; one may be asked for several times."""
        ptr, entry = gather(np.append(self.start, len(self.number)), rows)
        owner = np.repeat(np.arange(len(rows)), np.diff(ptr))
        return Compositions(owner, self.number[entry], self.fraction[entry], ptr[:-1])


def element_names() -> list[str]:
    """The columns of `element_descriptors`, in order."""
    of_elements = [f"{stat} {name}" for name in (*PROPERTIES, ATOMIC_MOMENT) for stat in STATISTICS]
    of_magnetic = [f"{stat} {name} of magnetic atoms" for name in (*OF_MAGNETIC, ATOMIC_MOMENT) for stat in ("mean", "deviation")]
    return [*of_elements, *of_magnetic, "magnetic elements", *(f"share of {name}" for name in GROUPS)]


def element_descriptors(mix: Compositions, magpie_names: list[str], magpie_table: Floats) -> Floats:
    """(crystals, columns): finite for every composition; what is asked of magnetic atoms is zero where there is none."""
    own = element_table()
    values = own[mix.number]  # (entries, properties)
    weights = mix.fraction[:, None]
    low, high = np.minimum.reduceat(values, mix.start), np.maximum.reduceat(values, mix.start)
    mean = np.add.reduceat(values * weights, mix.start)
    kinds = np.diff(np.append(mix.start, len(mix.number)))[:, None]
    bare = np.add.reduceat(values, mix.start) / kinds
    deviation = np.sqrt(np.add.reduceat((values - bare[mix.crystal]) ** 2, mix.start) / kinds)
    first = np.stack([mean, high, low, high - low, deviation], axis=2).reshape(len(mean), 5 * mean.shape[1])
    columns = [magpie_names.index(name) for name in OF_MAGNETIC]
    table = np.concatenate([magpie_table[:, columns], own[:, -1:]], axis=1)[mix.number]
    magnetic = np.isin(mix.number, MAGNETIC_ELEMENTS)
    share = weights * magnetic[:, None]
    total = np.maximum(np.add.reduceat(share, mix.start), 1e-9)
    middle = np.add.reduceat(table * share, mix.start) / total
    apart = np.sqrt(np.add.reduceat((table - middle[mix.crystal]) ** 2 * share, mix.start) / total)
    second = np.stack([middle, apart], axis=2).reshape(len(mean), 2 * middle.shape[1])
    species = np.add.reduceat(magnetic.astype(np.float64), mix.start)[:, None]
    groups = np.add.reduceat(_group_table()[mix.number] * weights, mix.start)
    return np.concatenate([first, second, species, groups], axis=1)


@lru_cache(maxsize=1)
def element_table() -> Floats:
    """(104, properties) by atomic number; an element without a value takes the mean over those that have one."""
    import warnings

    from ase.data import ground_state_magnetic_moments
    from pymatgen.core import Element

    table = np.full((LARGEST_Z + 1, len(PROPERTIES) + 1), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen warns of each value that it lacks
        for z in range(1, LARGEST_Z + 1):
            for k, attribute in enumerate(PROPERTIES.values()):
                value = getattr(Element.from_Z(z), attribute, None)
                table[z, k] = np.nan if value is None else float(value)
            table[z, -1] = ground_state_magnetic_moments[z]
    mean = np.nanmean(table[1:], axis=0)
    return np.where(np.isnan(table), mean, table)


@lru_cache(maxsize=1)
def _group_table() -> Floats:
    table = np.zeros((LARGEST_Z + 1, len(GROUPS)))
    for k, members in enumerate(GROUPS.values()):
        table[members, k] = 1.0
    return table
