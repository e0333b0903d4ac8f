"""All collinear orderings of a crystal's small magnetic cells, on one large cell that contains them all.

An ordering gives each spin a sign and repeats with a sublattice of the primitive lattice Z³. The sublattices are named by
their wave vectors k/4 with k in (Z/4)³: a group of one (the primitive cell), two (doubled cells) or four of them; R belongs
to the sublattice where k·R = 0 (mod 4) for all. Groups that the point group takes into each other give equivalent orderings, and
one of them is looked at. Sublattices of cyclic index four (stacks such as ++--) need a large cell of 4 x 4 x 4 instead of
2 x 2 x 2 primitive cells, and are looked at where the primitive cell has one spin.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from data.symmetry import SymmetricCell
from models.ordering.configuration_features import SpinCell, spin_cell
from models.ordering.spin_configurations import EXACT, spin_configurations
from pipeline.magnetism.magnetic_cell import MagneticCell, coset_index, enlarge
from pipeline.magnetism.site_graphs import build_site_graphs

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
WaveVectors = frozenset[tuple[int, int, int]]

MOST_SPINS = 8  # in a cell larger than the primitive one (which may have EXACT), where every spin configuration is looked at
_MODULUS = 4


@dataclass(frozen=True, eq=False)
class Orderings:
    """Orderings that are no images of each other under the space group and time reversal, the ferromagnet not among them."""

    magnetic_cell: MagneticCell  # the large cell, exactly symmetric
    sites: Ints  # (s,) its spins
    cell: SpinCell  # the same
    size: Floats  # (s,) µB
    signs: Floats  # (m, s) +-1, the first one +
    sublattice: tuple[WaveVectors, ...]  # (m,) the largest sublattice that was looked at with which each repeats

    def __len__(self) -> int:
        return len(self.signs)

    @property
    def index(self) -> Ints:
        """(m,) primitive cells in each ordering's own cell."""
        return np.array([len(wave_vectors) for wave_vectors in self.sublattice], dtype=np.int64)

    def own(self, truth: MagneticCell, moments: Floats, threshold_muB: float) -> NDArray[np.bool_] | None:
        """(m,) which orderings have the signs of a calculation's moments, or None if on these spins nothing is antiparallel.

        Args:
            truth: the calculation's cell, of the same primitive cell.
            moments: (n,) µB. Those up to the threshold, and sites that are no spins here, have no say.
        """
        large = self.magnetic_cell
        signs = np.where(np.abs(moments) > threshold_muB, np.sign(moments), 0.0)
        seen = signs[np.isin(truth.site, large.site[self.sites])]
        if (seen >= 0).all() or (seen <= 0).all():
            return None
        if coset_index(large.supercell, truth.supercell).any():
            return np.zeros(len(self), dtype=bool)  # it has a longer period than the large cell
        number = np.zeros((len(truth.cell.numbers), truth.copies))
        number[truth.site, coset_index(truth.translation, truth.supercell)] = signs
        wanted = number[large.site, coset_index(large.translation, truth.supercell)][self.sites]
        images = np.unique(wanted[self.cell.permutations], axis=0)
        agree = np.abs(self.signs @ images.T) == np.abs(images).sum(axis=1)
        return np.asarray(agree.any(axis=1))


def enumerate_orderings(cell: SymmetricCell, size: Floats) -> Orderings | None:
    """The orderings of the primitive cell with up to EXACT spins, and of larger cells with up to MOST_SPINS.

    Of doubled cells with more spins those whose second half is the first one turned round; with more than MOST_SPINS in the
    primitive cell, only that of parallel halves. None for a crystal that has no spin or more than EXACT, or an atom without
    neighbours.

    Args:
        size: (n,) µB, of the moment of each site of the primitive cell; 0 where there is no spin.
    """
    spins = np.flatnonzero(size > 0)
    if not 1 <= len(spins) <= EXACT:
        return None
    large = enlarge(cell, (_MODULUS if len(spins) == 1 else 2) * np.eye(3, dtype=np.int64))
    graphs, usable = build_site_graphs([large])
    if not len(usable):
        return None
    sites = np.flatnonzero(np.isin(large.site, spins))
    spin, translation = np.searchsorted(spins, large.site[sites]), large.translation[sites]
    found, sublattice = [], []
    for wave_vectors in _classes(cell, cyclic=len(spins) == 1):
        inside = _inside(len(spins), len(wave_vectors))
        if inside is not None:
            signs = inside[:, spin * len(wave_vectors) + _cosets(wave_vectors, translation)]
            found.append(signs * signs[:, :1])
            sublattice += [wave_vectors] * len(signs)
    signs = np.concatenate(found)
    spin_sites = spin_cell(graphs, 0, sites).ideal()
    _, first = np.unique(spin_sites.orbits(signs), return_index=True)
    kept = np.sort(first)[1:]  # the ferromagnet of the primitive cell is the first of all
    return Orderings(large, sites, spin_sites, size[large.site[sites]], signs[kept], tuple(sublattice[k] for k in kept))


@lru_cache(maxsize=64)
def sublattice_basis(wave_vectors: WaveVectors) -> Ints:
    """(3, 3) rows: the sublattice's vectors in the primitive basis, in Hermite's normal form.

    Raises:
        ValueError: no such group of wave vectors.
    """
    index, wanted = len(wave_vectors), np.array(sorted(wave_vectors)).T
    for a, d in product(range(1, index + 1), repeat=2):
        if index % (a * d) == 0:
            f = index // (a * d)
            for b, c, e in product(range(d), range(f), range(f)):
                basis = np.array([[a, b, c], [0, d, e], [0, 0, f]])
                if not (basis @ wanted % _MODULUS).any():
                    return basis
    raise ValueError(f"{sorted(wave_vectors)} is no group of wave vectors")


def wave_vectors_in(wave_vectors: WaveVectors, supercell: Ints) -> WaveVectors:
    """The same waves in terms of a supercell's lattice (3, 3); those that repeat with it are (0, 0, 0)."""
    return frozenset(map(tuple, (np.array(sorted(wave_vectors)) @ supercell.T % _MODULUS).tolist()))


def wave_vector_group(half: tuple[int, int, int]) -> WaveVectors:
    """Of the wave vector half / 2: the primitive cell for (0, 0, 0), else a doubled one."""
    return _span(_MODULUS // 2 * np.array(half), np.zeros(3, dtype=np.int64))


def _inside(spins: int, index: int) -> Floats | None:
    """(m, spins * index) the spin configurations of a cell of so many primitive ones with so many spins each, cosets innermost;
    None for too many."""
    if spins * index <= (EXACT if index == 1 else MOST_SPINS):
        return spin_configurations(spins * index).numpy().astype(np.float64)
    if index > 2:
        return None
    one = spin_configurations(spins).numpy().astype(np.float64)
    if spins > MOST_SPINS:
        one = one[:1]  # all up
    return np.stack([one, -one], axis=2).reshape(len(one), -1)


def _cosets(wave_vectors: WaveVectors, vectors: Ints) -> Ints:
    """(k,) the coset 0 .. index - 1 of each lattice vector (k, 3) of a set that meets all of them."""
    values = vectors @ np.array(sorted(wave_vectors)).T % _MODULUS
    _, coset = np.unique(values, axis=0, return_inverse=True)
    return np.asarray(coset.reshape(-1), dtype=np.int64)


def _classes(cell: SymmetricCell, cyclic: bool) -> list[WaveVectors]:
    """One group of wave vectors of each class under the point group, small ones first."""
    rotations, _ = cell.operations()
    seen: set[WaveVectors] = set()
    chosen = []
    for wave_vectors in _groups(cyclic):
        if wave_vectors not in seen:
            chosen.append(wave_vectors)
            every = np.array(sorted(wave_vectors)) @ rotations % _MODULUS  # (operations, wave vectors, 3)
            seen |= {frozenset(map(tuple, images)) for images in every.tolist()}
    return chosen


@lru_cache(maxsize=2)
def _groups(cyclic: bool) -> tuple[WaveVectors, ...]:
    """All groups of one, two and four wave vectors; those of four that are cyclic only if asked for. In a fixed order: small
    groups first, short wave vectors first."""
    halves = [_MODULUS // 2 * np.array(v) for v in product(range(2), repeat=3)]
    spans = {_span(a, b) for a in halves for b in halves}
    if cyclic:
        spans |= {_span(np.array(v), 0 * halves[0]) for v in product(range(_MODULUS), repeat=3)}
    return tuple(sorted(spans, key=lambda g: (len(g), sum(map(sum, g)), sorted(g, reverse=True))))


def _span(a: Ints, b: Ints) -> WaveVectors:
    """The group that two wave vectors generate."""
    return frozenset(tuple(((i * a + j * b) % _MODULUS).tolist()) for i, j in product(range(_MODULUS), repeat=2))
