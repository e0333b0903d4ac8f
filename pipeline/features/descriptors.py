"""Descriptors of composition and structure, for whole tables at once, from packed graphs.

The composition descriptors are matminer's (Magpie preset, stoichiometry norms, valence orbitals) computed over matminer's own
element tables by array algebra instead of one formula at a time; tests hold them against matminer to 1e-9.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.symmetry import ENANTIOMORPH
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features.elements import MAGNETIC_ELEMENTS, Compositions, element_descriptors, element_names
from pipeline.features.surroundings import NO_PAIR_A, SURROUNDINGS_NAMES, surroundings

DESCRIPTOR_CODE = "descriptors-3"  # raise it whenever the same crystal would give other numbers
Floats = NDArray[np.float64]

MAGPIE_PROPERTIES = (
    "Number", "MendeleevNumber", "AtomicWeight", "MeltingT", "Column", "Row", "CovalentRadius", "Electronegativity", "NsValence",
    "NpValence", "NdValence", "NfValence", "NValence", "NsUnfilled", "NpUnfilled", "NdUnfilled", "NfUnfilled", "NUnfilled",
    "GSvolume_pa", "GSbandgap", "GSmagmom", "SpaceGroupNumber",
)  # fmt: skip
MAGPIE_STATISTICS = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
NORMS = (0, 2, 3, 5, 7, 10)
ORBITALS = ("s", "p", "d", "f")
STRUCTURE_NAMES = (
    "volume per atom", "density", "atoms in the primitive cell", "orbits", "space group", "crystal system", "packing fraction",
    "shortest distance", "mean nearest distance", "mean shell distance", "mean coordination", "largest coordination",
    "magnetic fraction", "magnetic atoms per volume", "shortest magnetic-magnetic distance",
    "magnetic neighbours of magnetic atoms",
)  # fmt: skip
# a crystal and its mirror image have the same moment, but these pairs of space groups tell them apart
_MIRRORED = np.array([ENANTIOMORPH.get(number, number) for number in range(231)])
_SYSTEM_STARTS = (1, 3, 16, 75, 143, 168, 195)  # first space group of each crystal system


def descriptor_names() -> list[str]:
    """The columns of `descriptors`, in order."""
    return [*composition_names(), *STRUCTURE_NAMES, *element_names(), *SURROUNDINGS_NAMES]


def composition_names() -> list[str]:
    """The first columns of `descriptors`: matminer's descriptors of the composition."""
    magpie = [f"MagpieData {stat} {prop}" for prop in magpie_table()[0] for stat in MAGPIE_STATISTICS]
    norms = [f"{p}-norm" for p in NORMS]
    valence = [f"avg {o} valence electrons" for o in ORBITALS] + [f"frac {o} valence electrons" for o in ORBITALS]
    return [*magpie, *norms, *valence]


def descriptors(graphs: CrystalGraphs) -> NDArray[np.float32]:
    """(crystals, columns): finite numbers for every crystal that has a graph.

    An element without a tabulated value takes the mean over the elements, matminer's stated imputation.
    """
    mix = compositions(graphs)
    names, table = magpie_table()
    radius, electronegativity = _masses_and_radii()[1], table[:, names.index("Electronegativity")]
    columns = [
        magpie(mix), stoichiometry_norms(mix), valence_orbitals(mix), structure(graphs, mix),
        element_descriptors(mix, names, table), surroundings(graphs, radius, electronegativity),
    ]  # fmt: skip
    return np.concatenate(columns, axis=1).astype(np.float32)


def compositions(graphs: CrystalGraphs) -> Compositions:
    """Element fractions from the weighted orbits."""
    crystal = np.repeat(np.arange(len(graphs)), np.diff(graphs.node_ptr))
    atoms = np.rint(graphs.node_weight.astype(np.float64) * graphs.n_atoms[crystal])  # whole atoms: no rounding of weights
    keys, inverse = np.unique(crystal * 128 + graphs.numbers, return_inverse=True)
    owner, number = keys // 128, keys % 128
    fraction = np.bincount(inverse, weights=atoms) / graphs.n_atoms[owner]
    return Compositions(owner, number, fraction, np.searchsorted(owner, np.arange(len(graphs))))


def magpie(mix: Compositions) -> Floats:
    """(crystals, 132) Magpie's statistics of element properties (Ward et al., npj Comput. Mater. 2, 16028, 2016)."""
    values = magpie_table()[1][mix.number]  # (entries, properties)
    weights = mix.fraction[:, None]
    low, high = np.minimum.reduceat(values, mix.start), np.maximum.reduceat(values, mix.start)
    mean = np.add.reduceat(values * weights, mix.start)
    deviation = np.add.reduceat(np.abs(values - mean[mix.crystal]) * weights, mix.start)
    largest = np.maximum.reduceat(mix.fraction, mix.start)[mix.crystal]
    common = np.isclose(mix.fraction, largest)[:, None]
    mode = np.minimum.reduceat(np.where(common, values, np.inf), mix.start)
    return np.stack([low, high, high - low, mean, deviation, mode], axis=2).reshape(len(mean), 6 * mean.shape[1])


def stoichiometry_norms(mix: Compositions) -> Floats:
    """(crystals, 6) p-norms of the element fractions; the 0-norm counts the elements."""
    powers = [np.add.reduceat(mix.fraction**p, mix.start) ** (1.0 / p if p else 1.0) for p in NORMS]
    return np.stack(powers, axis=1)


def valence_orbitals(mix: Compositions) -> Floats:
    """(crystals, 8) mean number of s, p, d, f valence electrons, and their shares."""
    names, table = magpie_table()
    columns = [names.index(f"N{o}Valence") for o in ORBITALS]
    mean = np.add.reduceat(table[mix.number][:, columns] * mix.fraction[:, None], mix.start)
    return np.concatenate([mean, mean / mean.sum(axis=1, keepdims=True)], axis=1)


def structure(graphs: CrystalGraphs, mix: Compositions) -> Floats:
    """(crystals, 16) what distances and symmetry tell; the columns are STRUCTURE_NAMES."""
    volume = graphs.volume_per_atom.astype(np.float64)
    mass, radius = _masses_and_radii()
    density = np.add.reduceat(mass[mix.number] * mix.fraction, mix.start) / volume * 1.66053907  # u/Å³ to g/cm³
    spheres = np.add.reduceat(4 / 3 * np.pi * radius[mix.number] ** 3 * mix.fraction, mix.start)
    nodes = np.diff(graphs.node_ptr)
    node_start = graphs.node_ptr[:-1]
    target, source = graphs.edge_ends()
    edge_start = np.searchsorted(target, np.arange(graphs.node_ptr[-1]))
    distance, count = graphs.edge_distance.astype(np.float64), graphs.edge_count.astype(np.float64)
    weight = graphs.node_weight.astype(np.float64)
    nearest = np.minimum.reduceat(distance, edge_start)
    neighbours = np.add.reduceat(count, edge_start)
    shell_mean = np.add.reduceat(distance * count, edge_start) / neighbours
    bonded = np.add.reduceat(count * (distance < 1.2 * nearest[target]), edge_start)  # the first coordination shell
    magnetic = np.isin(graphs.numbers, MAGNETIC_ELEMENTS)
    pair = magnetic[target] & magnetic[source]
    pair_distance = np.minimum.reduceat(np.where(pair, distance, NO_PAIR_A), graphs.edge_ptr[:-1])
    share = np.add.reduceat(weight * magnetic, node_start)
    magnetic_neighbours = np.add.reduceat(np.add.reduceat(count * pair, edge_start) * weight, node_start)
    return np.stack(
        [
            volume, density, graphs.n_atoms, nodes, _MIRRORED[graphs.space_group],
            np.searchsorted(_SYSTEM_STARTS, graphs.space_group, side="right"), spheres / volume,
            np.minimum.reduceat(nearest, node_start), np.add.reduceat(nearest * weight, node_start),
            np.add.reduceat(shell_mean * weight, node_start), np.add.reduceat(bonded * weight, node_start),
            np.maximum.reduceat(bonded, node_start), share, share / volume, pair_distance,
            magnetic_neighbours / np.maximum(share, 1e-9),
        ],
        axis=1,
    )  # fmt: skip


@lru_cache(maxsize=1)
def magpie_table() -> tuple[list[str], Floats]:
    """Names of Magpie's 22 element properties, and their values (104, 22) by atomic number, from matminer's files.

    They are read as they are: matminer's own reader imports for a second what it does not need.
    """
    folder = _matminer() / "utils" / "data_files" / "magpie_elementdata"
    columns = [_magpie_values((folder / f"{name}.table").read_text()) for name in MAGPIE_PROPERTIES]
    table = np.zeros((104, len(columns)))
    table[1:] = np.stack(columns, axis=1)[:103]
    return list(MAGPIE_PROPERTIES), table


def _matminer() -> Path:
    found = find_spec("matminer")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("matminer is not installed: its tables of the elements are needed")
    return Path(found.origin).parent


def _magpie_values(text: str) -> Floats:
    """(118,) by atomic number from 1 on; an element without a value takes the mean over the others."""
    values = np.full(118, np.nan)
    for k, line in enumerate(text.splitlines()[:118]):
        with suppress(ValueError):
            values[k] = float(line)
    return np.where(np.isnan(values), np.nanmean(values), values)


@lru_cache(maxsize=1)
def _masses_and_radii() -> tuple[Floats, Floats]:
    """Atomic mass (u) and covalent radius (Å) by atomic number, from the same tables."""
    names, table = magpie_table()
    return table[:, names.index("AtomicWeight")], table[:, names.index("CovalentRadius")] / 100.0
