"""Composition descriptors for magnetic order and ordering temperature: element shares, Magpie, and the physics of 3d and 4f ions.

All are functions of the formula alone. Rare-earth ions are trivalent (Eu divalent) in their Hund's-rule ground state; the nominal
valence of the 3d metals balances the usual charges of the other elements.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from data.elements import HUND, lande_factor
from pipeline.features.descriptors import magpie, magpie_table, stoichiometry_norms, valence_orbitals
from pipeline.features.elements import LARGEST_Z, Compositions, element_descriptors

COMPOSITION_CODE = "composition-1"  # raise it whenever the same formula would give other numbers
Floats = NDArray[np.float64]

MAGNETIC_3D = (23, 24, 25, 26, 27, 28)  # V to Ni
ELEMENT_MOMENT = {24: 0.6, 25: 2.3, 26: 2.22, 27: 1.72, 28: 0.62}  # µB; saturation at 0 K of the metals, Cr and Mn from neutrons
ANION_CHARGE = {7: -3, 8: -2, 9: -1, 16: -2, 17: -1, 34: -2, 35: -1, 52: -2, 53: -1}
CATION_CHARGE = {
    1: 1, 3: 1, 11: 1, 19: 1, 37: 1, 55: 1, 47: 1, 81: 1, 4: 2, 12: 2, 20: 2, 38: 2, 56: 2, 30: 2, 48: 2, 80: 2, 82: 2, 63: 2,
    5: 3, 13: 3, 21: 3, 31: 3, 39: 3, 49: 3, 57: 3, 83: 3, **dict.fromkeys((*range(58, 63), *range(64, 72)), 3),
    6: 4, 14: 4, 22: 4, 32: 4, 40: 4, 50: 4, 72: 4, 90: 4, 15: 5, 33: 5, 41: 5, 51: 5, 73: 5, 42: 6, 74: 6, 29: 2, 46: 2, 78: 2,
}  # fmt: skip
NO_VALENCE = -9.0  # stands for "no 3d metal"
RARE_EARTH_COLUMNS = ("S", "L", "J", "g J", "g J(J+1)", "de Gennes factor", "light", "heavy", "Stevens factor")
# second-order Stevens factors of the 4f charge, 1e-2 (Hutchings, Solid State Phys. 16, 227, 1964)
STEVENS = {
    58: -5.714, 59: -2.101, 60: -0.643, 61: 0.771, 62: 4.127, 65: -1.010, 66: -0.635, 67: -0.222, 68: 0.254, 69: 1.010, 70: 3.175,
}  # fmt: skip
MAGNETIC_NAMES = (
    *(f"{name} of rare earths per atom" for name in RARE_EARTH_COLUMNS),
    *(f"{name} of rare earths" for name in RARE_EARTH_COLUMNS),
    "magnetic rare-earth share", "magnetic 3d share", "3d share of magnetic atoms", *(f"{s} of the 3d metals" for s in
    ("V", "Cr", "Mn", "Fe", "Co", "Ni")), "mixing of the 3d metals", "3d moment per atom", "3d moment per 3d atom",
    "3d moment per volume", "3d share of the volume", "nominal 3d valence", "nominal 3d electrons", "distance from whole valence",
    "nominal spin", "anion share", "mean charge of fixed cations", "electronegativity step from 3d", "radius step from 3d",
    "volume of the others over 3d", "p electrons of the others", "d electrons of the others", "metal valence electrons",
    "antiparallel 4f and 3d moment", "atoms of others per 3d atom", "rare earths per 3d atom",
)  # fmt: skip


def composition_descriptors(mix: Compositions) -> NDArray[np.float32]:
    """(formulas, columns) finite numbers for every composition.

    The columns are the shares of the elements up to LARGEST_Z; Magpie's statistics, norms of the shares and valence orbitals as
    in `pipeline.features.descriptors`; those of `pipeline.features.elements.element_names`; and MAGNETIC_NAMES.
    """
    names, table = magpie_table()
    fractions = np.zeros((len(mix.start), LARGEST_Z + 1))
    fractions[mix.crystal, mix.number] = mix.fraction
    parts = [
        fractions[:, 1:], magpie(mix), stoichiometry_norms(mix), valence_orbitals(mix), element_descriptors(mix, names, table),
        magnetic_physics(fractions),
    ]  # fmt: skip
    return np.concatenate(parts, axis=1).astype(np.float32)


def magnetic_physics(fractions: Floats) -> Floats:
    """(formulas, columns) of MAGNETIC_NAMES; `fractions` is (formulas, 104) by atomic number."""
    ions, magpie_of = rare_earth_table(), _magpie_column
    hund = np.array([*HUND])
    earths = fractions[:, hund].sum(axis=1)
    per_atom = fractions @ ions
    iron_like = fractions[:, MAGNETIC_3D]
    metals = iron_like.sum(axis=1)
    kinds = iron_like / _at_least(metals)[:, None]
    moment = fractions @ _by_element(ELEMENT_MOMENT)
    volume_of, electronegativity = magpie_of("GSvolume_pa"), magpie_of("Electronegativity")
    volume = fractions @ volume_of
    of_metals = np.zeros((len(fractions), LARGEST_Z + 1))
    of_metals[:, MAGNETIC_3D] = iron_like
    others = fractions - of_metals
    rest = _at_least(others.sum(axis=1))
    charge = fractions @ _by_element(ANION_CHARGE)
    cations = fractions @ _by_element(CATION_CHARGE)
    has = metals > 0
    valence = np.where(has, np.clip(-(charge + cations) / _at_least(metals), -6.0, 8.0), NO_VALENCE)
    groups = kinds @ np.array([5.0, 6, 7, 8, 9, 10])
    electrons = np.where(has, groups - valence, NO_VALENCE)
    spin = np.where(has, 5.0 - np.abs(5.0 - np.clip(electrons, 0.0, 10.0)), 0.0)
    anions = fractions[:, [*ANION_CHARGE]].sum(axis=1)

    def step(values: Floats) -> Floats:
        """The mean over the 3d metals less the mean over all other atoms; 0 without 3d metals."""
        return np.where(has, of_metals @ values / _at_least(metals) - others @ values / rest, 0.0)

    valence_electrons = fractions @ magpie_of("NValence")
    light, heavy = per_atom[:, RARE_EARTH_COLUMNS.index("light")], per_atom[:, RARE_EARTH_COLUMNS.index("heavy")]
    own = per_atom[:, RARE_EARTH_COLUMNS.index("g J")]
    ionic = own * np.where(heavy > light, -1.0, 1.0)
    columns = [
        earths, metals, metals / _at_least(metals + earths), *kinds.T, -(kinds * np.log(_at_least(kinds))).sum(axis=1), moment,
        moment / _at_least(metals), moment / volume, of_metals @ volume_of / volume, valence, electrons,
        np.where(has, np.abs(valence - np.rint(valence)), 0.0), spin, anions,
        cations / _at_least(fractions[:, [*CATION_CHARGE]].sum(axis=1)), step(electronegativity),
        step(magpie_of("CovalentRadius")),
        np.where(has, others @ volume_of / _at_least(of_metals @ volume_of), 99.0).clip(max=99.0),
        others @ magpie_of("NpValence") / rest, others @ magpie_of("NdValence") / rest, valence_electrons, np.abs(moment + ionic),
        np.where(has, others.sum(axis=1) / _at_least(metals), 99.0).clip(max=99.0),
        np.where(has, earths / _at_least(metals), 99.0 * (earths > 0)).clip(max=99.0),
    ]  # fmt: skip
    return np.concatenate([per_atom, per_atom / _at_least(earths)[:, None], np.stack(columns, axis=1)], axis=1)


def formula_mix(fractions: Sequence[dict[int, float]]) -> Compositions:
    """Compositions from dictionaries of atomic number to amount, scaled to sum to 1."""
    owner = np.repeat(np.arange(len(fractions)), [len(f) for f in fractions])
    number = np.concatenate([np.array(sorted(f), dtype=np.int64) for f in fractions]) if fractions else np.zeros(0, np.int64)
    amount = (
        np.concatenate([np.array([f[z] for z in sorted(f)], dtype=np.float64) for f in fractions]) if fractions else np.zeros(0)
    )
    total = np.bincount(owner, weights=amount, minlength=len(fractions))
    return Compositions(owner, number, amount / total[owner], np.searchsorted(owner, np.arange(len(fractions))))


def _at_least(values: Floats) -> Floats:
    return np.maximum(values, 1e-9)


def _by_element(values: dict[int, float] | dict[int, int]) -> Floats:
    table = np.zeros(LARGEST_Z + 1)
    for z, value in values.items():
        table[z] = value
    return table


def _magpie_column(name: str) -> Floats:
    names, table = magpie_table()
    return table[:, names.index(name)]


@lru_cache(maxsize=1)
def rare_earth_table() -> Floats:
    """(104, RARE_EARTH_COLUMNS) by atomic number; zero for all but magnetic rare earths."""
    table = np.zeros((LARGEST_Z + 1, len(RARE_EARTH_COLUMNS)))
    for z, (s, orbital, j) in HUND.items():
        g = lande_factor(z)
        table[z] = (
            s, orbital, j, g * j, g * j * (j + 1), (g - 1) ** 2 * j * (j + 1), float(z < 63), float(z >= 63), STEVENS.get(z, 0.0)
        )  # fmt: skip
    return table
