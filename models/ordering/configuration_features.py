"""What distinguishes the patterns of signs that one cell allows: numbers for trees (models/ordering/order_ranker.py).

All of them are the same for a pattern and its images under permutations that the cell as it came allows, and under time reversal;
none depends on the order of sites. They are of four kinds:

* **Symmetry.** Which share of the permutations of the non-magnetic structure keeps the pattern, turns it round, or breaks it; the
  same for those that are only a translation, and for those that the cell as it came obeys within a tolerance. Exchange striction
  leaves its mark here: a calculation that relaxed an antiferromagnet has moved its atoms until they obey just the operations that
  keep its pattern or turn it round.
* **Striction.** The correlation between the product of two spins and how much longer their distance is than that of the other
  pairs of its kind (Kittel, Phys. Rev. 120, 335, 1960). Zero in a cell that was symmetrised.
* **Correlations.** The mean product of spins over each shell of neighbours and over paths through ligands (pair_paths).
* **Compensation** inside elements and orbits; and what all patterns of a crystal share: its elements, distances, moments.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from models.graphs.site_graphs import SiteGraphs
from models.networks.element_table import N_PROPERTIES, element_table
from models.ordering.orbits import WORD, all_up, image_numbers, orbit_names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCES_A = (np.inf, 0.03, 0.01, 0.001, 0.0001)  # of what the cell as it came obeys
SHELLS, STRICTION_SHELLS, N_PATHS = 5, 3, 15
LENGTH_A = 3.0  # a strain times this is compared with a shift: half of a usual lattice vector
_FALL_A = (0.3, 1.0)  # a neighbour this much farther than the nearest one counts 1/e
_FLOOR = 1e-4  # Å, or relative; smaller deformations are noise of the last digits

_SAME_A = 1e-3  # lengths that differ by less are equal
_FAR_A = 12.0  # stands for "no such shell"
OWN = 5 * len(TOLERANCES_A) + 15 + SHELLS + len(_FALL_A) + N_PATHS + 4 * STRICTION_SHELLS + 2 + 4
SHARED = 4 + 2 * len(TOLERANCES_A) + SHELLS + STRICTION_SHELLS + N_PATHS + 2 * N_PROPERTIES + 2
COLUMNS = 4 * OWN + SHARED


@dataclass(frozen=True, eq=False)
class SpinCell:
    """The spins of one crystal and what lies between them."""

    number: Ints  # (n,) atomic numbers
    node: Ints  # (n,) orbits
    permutations: Ints  # (g, n) as they act on the spins
    translation: NDArray[np.bool_]  # (g,) whether it is one
    shift: Floats  # (g,) Å, how far the atoms of the cell as it came are from obeying it
    strain: Floats  # (g,) the same of its lattice, relative
    target: Ints  # (links,) spins
    source: Ints  # (links,)
    kind: Ints  # (links,) pairs of the crystal
    count: Floats  # (links,)
    length: Floats  # (links,) Å, in the symmetrised cell
    stretch: Floats  # (links,) Å, by how much it is longer than the other links of its kind
    paths: Floats  # (links, N_PATHS)
    composition: Floats  # (N_PROPERTIES,) mean over all atoms of the cell

    @cached_property
    def _group(self) -> Ints:
        return np.unique(self.permutations, axis=0)

    def orbits(self, signs: Floats) -> Ints:
        """(m,) equal numbers for patterns (m, n) of +-1 that are images of each other (models/ordering/orbits.py)."""
        return orbit_names(signs.astype(np.int8), self._group)

    def ideal(self) -> SpinCell:
        """The same spins where no order has deformed the cell, as in a structure that was symmetrised."""
        shift, strain, stretch = (np.zeros_like(v) for v in (self.shift, self.strain, self.stretch))
        return replace(self, shift=shift, strain=strain, stretch=stretch)

    def obeyed(self, tolerance_A: float) -> NDArray[np.bool_]:
        """(g,) whether the cell as it came obeys a permutation that well."""
        return np.maximum(self.shift, LENGTH_A * self.strain) <= tolerance_A


def spin_cell(graphs: SiteGraphs, k: int, sites: Ints) -> SpinCell:
    """Of crystal k, with spins on some of its sites (n,), ascending."""
    first, last = graphs.link_ptr[k], graphs.link_ptr[k + 1]
    target, source, kind = (v[first:last].astype(np.int64) for v in (graphs.link_target, graphs.link_source, graphs.link_pair))
    count, distance = (v[first:last].astype(np.float64) for v in (graphs.link_count, graphs.link_distance))
    n_sites, pair = int(graphs.sites[k]), graphs.pair_ptr[k]
    weight = np.bincount(kind, count)
    stretch = distance - (np.bincount(kind, count * distance) / np.maximum(weight, 1e-9))[kind]
    rows = graphs.permutations(k)
    of_group = slice(graphs.group_ptr[k], graphs.group_ptr[k + 1])
    shift, strain = (v[of_group].astype(np.float64) for v in (graphs.perm_shift, graphs.perm_strain))
    copies = n_sites // int(graphs.trunk.n_atoms[k])
    inside = np.isin(rows[:, sites], sites).all(axis=1)
    node = graphs.site_node[graphs.site_ptr[k] : graphs.site_ptr[k + 1]].astype(np.int64)
    number = graphs.trunk.numbers[graphs.trunk.node_ptr[k] : graphs.trunk.node_ptr[k + 1]].astype(np.int64)[node]
    spin = np.full(n_sites, -1)
    spin[sites] = np.arange(len(sites))
    between = (spin[target] >= 0) & (spin[source] >= 0)
    return SpinCell(
        number=number[sites],
        node=node[sites],
        permutations=spin[rows[inside][:, sites]],
        translation=(np.arange(len(rows)) < copies)[inside],
        shift=shift[inside],
        strain=strain[inside],
        target=spin[target[between]],
        source=spin[source[between]],
        kind=kind[between],
        count=count[between],
        length=graphs.pair_distance[pair + kind[between]].astype(np.float64),
        stretch=stretch[between],
        paths=graphs.pair_paths[pair + kind[between]].astype(np.float64),
        composition=_TABLE[number].mean(axis=0),
    )


def pattern_features(cell: SpinCell, signs: Floats, size: Floats) -> Floats:
    """(m, COLUMNS) of all rival patterns (m, n) of +-1 with moments (n,) in µB; each is compared with its rivals.

    The patterns must be all there are, or a sample that does not depend on the order of the sites.
    """
    products = signs[:, cell.target] * signs[:, cell.source]
    _, orbit, members = np.unique(cell.orbits(signs), return_inverse=True, return_counts=True)
    own = np.concatenate(
        [
            (members[orbit] / len(signs))[:, None],
            *_symmetry(cell, signs),
            *_correlations(cell, products),
            *_striction(cell, products),
            _compensation(cell.number, signs),
            _compensation(cell.node, signs),
            np.abs(signs @ size)[:, None] / size.sum(),
        ],
        axis=1,
    )
    every = [own, own - own.mean(axis=0), own - own.max(axis=0), own - own.min(axis=0)]
    shared = np.broadcast_to(_shared(cell, size, len(members)), (len(signs), SHARED))
    return np.concatenate([*every, shared], axis=1)


_TABLE: Floats = element_table().numpy().astype(np.float64)


def _symmetry(cell: SpinCell, signs: Floats) -> list[Floats]:
    kept, turned = _kept_and_turned(signs, cell.permutations)
    broken = ~(kept | turned)
    out: list[Floats] = []
    for tolerance in TOLERANCES_A:
        obeyed = cell.obeyed(tolerance)
        moves = obeyed & cell.translation
        moves[0] = False  # the identity
        for chosen in (obeyed, moves):
            out += [flags[:, chosen].mean(axis=1) if chosen.any() else np.zeros(len(signs)) for flags in (kept, turned)]
        out.append(broken[:, obeyed].mean(axis=1))
    still = kept | turned
    for amount in (cell.shift, cell.strain, np.maximum(cell.shift, LENGTH_A * cell.strain)):
        depth = np.log(amount + _FLOOR)
        out += [
            _mean(broken, depth) - _mean(still, depth),
            _mean(turned, depth) - _mean(kept, depth),
            np.where(broken, -np.inf, depth).max(axis=1),
            np.minimum(np.where(broken, depth, np.inf).min(axis=1), 1.0),
            _ordered(broken, amount),
        ]
    return [column[:, None] for column in out]


def _kept_and_turned(signs: Floats, permutations: Ints) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(m, g) each: whether a pattern's image is the pattern, and whether it is the turned one."""
    m, n = signs.shape
    kept, turned = np.empty((2, m, len(permutations)), dtype=bool)
    if n <= WORD:
        ((_, own),) = image_numbers(signs, np.arange(n)[None])
        for some, value in image_numbers(signs, permutations):
            kept[:, some], turned[:, some] = value == own, value == all_up(n) - own
    else:
        for k, row in enumerate(permutations):  # one by one: a large cell has thousands
            images = signs[:, row]
            kept[:, k], turned[:, k] = (images == signs).all(axis=1), (images == -signs).all(axis=1)
    return kept, turned


def _correlations(cell: SpinCell, products: Floats) -> list[Floats]:
    out = []
    for kind in _shells(cell, SHELLS):
        out.append(_weighted(products, cell.count * (cell.kind == kind)))
    nearest = cell.length.min(initial=_FAR_A)
    out += [_weighted(products, cell.count * np.exp(-(cell.length - nearest) / fall)) for fall in _FALL_A]
    along = products @ (cell.count[:, None] * cell.paths) / len(cell.number)
    return [*(column[:, None] for column in out), along]


def _striction(cell: SpinCell, products: Floats) -> list[Floats]:
    out = []
    for kind in _shells(cell, STRICTION_SHELLS):
        weight = cell.count * (cell.kind == kind)
        covariance = _weighted(products * cell.stretch, weight) if len(cell.stretch) else np.zeros(len(products))
        deviation = np.sqrt(_weighted(cell.stretch[None] ** 2, weight))
        variance = 1.0 - _weighted(products, weight) ** 2
        scale = np.sqrt(np.maximum(variance, 0.0)) * deviation
        correlation = np.where(scale > _FLOOR / 10, covariance / np.maximum(scale, 1e-12), 0.0)
        slope = np.where(variance > 1e-9, covariance / np.maximum(variance, 1e-9), 0.0)
        out += [correlation, np.abs(correlation), slope, np.abs(slope)]
    weight = cell.count * np.exp(-(cell.length - cell.length.min(initial=_FAR_A)) / _FALL_A[1])
    every = _weighted(products * cell.stretch, weight) / (np.sqrt(_weighted(cell.stretch[None] ** 2, weight)) + _FLOOR)
    return [column[:, None] for column in (*out, every, np.abs(every))]


def _shared(cell: SpinCell, size: Floats, orbits: int) -> Floats:
    shells = _shells(cell, SHELLS)
    lengths = [float(cell.length[cell.kind == kind].mean()) if kind >= 0 else _FAR_A for kind in shells]
    spread = [
        float(np.sqrt(_weighted(cell.stretch[None] ** 2, cell.count * (cell.kind == kind)))[0])
        for kind in shells[:STRICTION_SHELLS]
    ]
    obeyed = [cell.obeyed(tolerance) for tolerance in TOLERANCES_A]
    return np.concatenate(
        [
            [len(size), orbits, len(set(cell.number.tolist())), len(set(cell.node.tolist()))],
            [float(f(found)) for found in obeyed for f in (np.sum, lambda flags: (flags & cell.translation).sum())],
            lengths, np.log(np.array(spread) + _FLOOR), (cell.count[:, None] * cell.paths).sum(axis=0) / len(size),
            _TABLE[cell.number].mean(axis=0), cell.composition, [size.mean(), size.std()],
        ]
    )  # fmt: skip


def _shells(cell: SpinCell, most: int) -> list[int]:
    """The kinds of the nearest links, -1 for none; kinds of one length in an order that the sites have no part in.

    Lengths that differ by noise are one length. Kinds that agree in length, number and paths keep the order of their numbers.
    """
    kinds, first = np.unique(cell.kind, return_index=True)
    weight = np.bincount(cell.kind, cell.count)[kinds] if len(kinds) else np.zeros(0)
    ascending = np.argsort(cell.length[first], kind="stable")
    length = np.zeros(len(kinds), dtype=np.int64)
    length[ascending[1:]] = np.cumsum(np.diff(cell.length[first][ascending]) > _SAME_A)
    paths = np.round(cell.paths[first], 2).T
    order = np.lexsort([kinds, *paths, np.round(weight, 3), length])[:most]
    return [*kinds[order].tolist(), *[-1] * (most - len(order))]


def _compensation(group: Ints, signs: Floats) -> Floats:
    """(m, 1) mean over the groups of |sum of signs| / number."""
    each = [np.abs(signs[:, group == g].mean(axis=1)) for g in np.unique(group)]
    return np.asarray(np.mean(each, axis=0))[:, None]


def _weighted(values: Floats, weight: Floats) -> Floats:
    """(m,) weighted means over the links, 0 where there are none."""
    total = weight.sum()
    return np.asarray(values @ weight / total) if total > 0 else np.zeros(len(values))


def _mean(flags: NDArray[np.bool_], values: Floats) -> Floats:
    """(m,) of the values (g,) where the flags (m, g) are set; where none is, of all."""
    some = flags.any(axis=1)
    return np.asarray(np.where(some, flags @ values / np.maximum(flags.sum(axis=1), 1), values.mean()))


def _ordered(broken: NDArray[np.bool_], amount: Floats) -> Floats:
    """(m,) the chance that an operation that a pattern breaks is disobeyed more than one that it keeps; 1/2 if all are alike."""
    sorted_amount = np.sort(amount)
    rank = np.searchsorted(sorted_amount, amount - _FLOOR) + np.searchsorted(sorted_amount, amount + _FLOOR)
    many = broken.sum(axis=1)
    few = len(amount) - many
    wide = (broken @ (rank / 2.0) - many**2 / 2.0) / np.maximum(many * few, 1)
    return np.where((many > 0) & (few > 0), wide, 0.5)
