"""How a ferrimagnet's d moments compensate each other: the sublattices of its own sites, and what they leave of the sum.

The signs are those of the lowest energy Σ J s s over the orbits of magnetic sites, each orbit up or down as a whole, and orbits
that nothing distinguishes together (pipeline.magnetism.sublattices). Orbits that small shifts have split, or the ions between the
magnetic ones of a salt, count as one: a supercell, a strained cell or an ordered approximant of a doped perovskite has the
sublattices of the symmetric crystal. J has the sign that is usual for the pair:

* salts: antiparallel where two sites share a corner (3.2 to 4.15 Å: superexchange at 120° to 180°; spinels A against B, garnets,
  hexaferrites, double perovskites), weakly parallel where they share an edge or face (Goodenough 1955, Kanamori 1959); parallel
  for manganese with nickel or cobalt at 180° (La2NiMnO6: the e_g shell of Mn 4+ is empty);
* metals: antiparallel for near neighbours among V, Cr and Mn (Mn4N, Mn2Sb, inverse Heusler alloys), parallel for the others;
  a second shell counts less, so that cobalt of Mn2CoGa follows its four nearest Mn and not six others.
  Beside Mn, Fe, Co or Ni, V and Cr are not counted: their moments follow the neighbours (antiparallel in bcc Fe-Cr, parallel in
  Co2CrGa), so that a calculation finds their signs from any start, and its total contains them.

Sizes of the site moments are typical ones; a caller scales them to the predicted sum.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pymatgen.optimization.neighbors import find_points_in_spheres

from data.crystal import symbol
from data.symmetry import NEARLY_A, SymmetricCell, alike
from pipeline.magnetism.sublattices import DIGITS, FEW_ORBITS, SAME_NET, lowest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# µB, typical of calculations: in salts and in metals (medians of Materials Project site moments)
IN_SALTS = {23: 1.4, 24: 2.9, 25: 4.0, 26: 4.0, 27: 2.5, 28: 1.7, 29: 0.5, 42: 0.9, 44: 1.2, 75: 0.7, 76: 1.2, 77: 0.7}
IN_METALS = {23: 0.8, 24: 1.5, 25: 2.7, 26: 2.1, 27: 1.2, 28: 0.2}
LARGEST_Z = 103
ANIONS = (7, 8, 9, 16, 17, 34, 35, 52, 53)
INTERSTITIAL = (5, 6, 7)  # between the atoms of a metal: beside them manganese keeps a small moment (Mn4N)
BESIDE_INTERSTITIAL = 0.35  # of a manganese moment
SALT_SHARE = 0.4  # of anions among all atoms
SEARCH_A, CORNER_A, STRAIGHT_A, METAL_A = 4.15, 3.2, 3.7, 2.95  # from STRAIGHT_A on a shared corner is a bond of 180°
FARTHER, AROUND = 1.1, 1.2  # times the nearest magnetic atom's distance: second shells (1.155 in bcc), and the shells that count
SECOND_SHELL = 0.3  # of a coupling
MANY_ORBITS = 64  # no rule for more
TWENTIETHS = 20.0  # couplings are counted in twentieths of the largest one, so that they are integers
MANGANESE = 25
FOLLOWING, LEADING = (23, 24), (25, 26, 27, 28)  # V and Cr follow the others in a metal


@dataclass(frozen=True)
class Compensation:
    """What is left of the sum of the d moments, 0 to 1, and which sublattices oppose each other, in words: 1 and none of them
    where the rules say that all moments are parallel."""

    share: float
    words: str


PARALLEL = Compensation(1.0, "")


def compensation(cell: SymmetricCell) -> Compensation | None:
    """The arrangement of a crystal's d moments; None where no rule says one: without d moments, and where even the best signs of
    whole sublattices would cost energy if all are the same (an antiferromagnet, or sites far from each other)."""
    salt = bool(is_anion()[cell.numbers].mean() >= SALT_SHARE)
    size = typical_sizes(salt)[cell.numbers]
    if not salt and np.isin(cell.numbers, LEADING).any():
        size = np.where(np.isin(cell.numbers, FOLLOWING), 0.0, size)
    magnetic = np.flatnonzero(size)
    orbits, elements = len(np.unique(cell.orbit[magnetic])), len(np.unique(cell.numbers[magnetic]))
    found = None
    if orbits <= FEW_ORBITS:  # each with a sign of its own: what is parallel stays so, whatever orbits are joined
        found = _of_orbits(cell, magnetic, size, salt)
        if found is None or found is PARALLEL or orbits == elements:
            return found
    joined = alike(cell, _kinds(cell.numbers, size, salt), NEARLY_A)
    if found is not None and len(np.unique(joined[magnetic])) == orbits:
        return found
    return _of_orbits(replace(cell, orbit=joined), magnetic, size, salt)


def compensation_of_salt(cell: SymmetricCell) -> Compensation | None:
    """`compensation` of an approximant of a disordered salt, with the orbits of the average, whatever atoms it has on them. An
    orbit may hold several elements."""
    size = typical_sizes(True)[cell.numbers]
    return _of_orbits(cell, np.flatnonzero(size), size, True)


def compensations(cells: Sequence[SymmetricCell], wanted: NDArray[np.bool_]) -> list[Compensation | None]:
    """`compensation` of the wanted ones, None for the others."""
    return [compensation(cell) if asked else None for cell, asked in zip(cells, wanted.tolist(), strict=True)]


def _of_orbits(cell: SymmetricCell, magnetic: Ints, size: Floats, salt: bool) -> Compensation | None:
    """`compensation` by the orbits of the cell as they are."""
    orbits = np.unique(cell.orbit[magnetic])
    if not 1 <= len(orbits) <= MANY_ORBITS:
        return None
    if len(orbits) == 1:
        return PARALLEL if _gains_parallel(cell, magnetic, size, salt) else None
    i, j, distance = _neighbours(cell, magnetic, SEARCH_A)
    place = np.searchsorted(orbits, cell.orbit)  # of magnetic sites only
    if not salt:
        size = size * _in_metal(cell, i, j, distance)
    both = size[j] > 0
    exchange = _exchange(cell.numbers[i[both]], cell.numbers[j[both]], distance[both], salt)
    if not salt:
        exchange *= np.where(_is_second_shell(i[both], j[both], distance[both], len(size)), SECOND_SHELL, 1.0)
    coupling = np.zeros((len(orbits), len(orbits)))
    np.add.at(coupling, (place[i[both]], place[j[both]]), np.rint(TWENTIETHS * exchange))
    sites = np.bincount(place[magnetic], minlength=len(orbits))
    near = (distance < _first_shell(i, distance, len(size))[i]) & ~both

    def of_orbit(values: Floats | Ints) -> Floats:
        """Means over the sites of each orbit, which are nearly the same, but in a disordered crystal."""
        return np.round(np.bincount(place[magnetic], values[magnetic], len(orbits)) / sites, DIGITS)

    size, numbers = of_orbit(size), of_orbit(cell.numbers).astype(np.int64)
    coordination = np.rint(of_orbit(np.bincount(i, near, len(cell.numbers)))).astype(np.int64)
    found = lowest(np.column_stack([size, numbers, coordination]), sites, coupling)
    if abs(found.signs.sum()) == len(orbits):
        return PARALLEL if found.energy < 0 else None
    elements = [np.unique(cell.numbers[magnetic[place[magnetic] == k]]) for k in range(len(orbits))]
    return Compensation(found.net, _words(elements, coordination, found.signs, sites * size))


@lru_cache(maxsize=2)
def typical_sizes(salt: bool) -> Floats:
    """(104,) µB by atomic number: typical d moments in salts or in metals; 0 for an element that carries none."""
    table = np.zeros(LARGEST_Z + 1)
    for z, size in (IN_SALTS if salt else IN_METALS).items():
        table[z] = size
    return table


@lru_cache(maxsize=1)
def is_anion() -> NDArray[np.bool_]:
    """(104,) by atomic number: ANIONS."""
    table = np.zeros(LARGEST_Z + 1, dtype=bool)
    table[list(ANIONS)] = True
    return table


def _kinds(numbers: Ints, size: Floats, salt: bool) -> Ints:
    """(sites,) elements; in salts all cations without a moment are one, since exchange goes through the anions."""
    return np.where(salt & (size == 0) & ~is_anion()[numbers], 0, numbers)


def _gains_parallel(cell: SymmetricCell, magnetic: Ints, size: Floats, salt: bool) -> bool:
    """Whether the moments of a single orbit, equal ones, prefer to be parallel. Its sites may be equivalent only nearly."""
    if not salt and cell.numbers[magnetic[0]] <= MANGANESE:
        return False
    i, j, distance = _neighbours(cell, magnetic, SEARCH_A if salt else METAL_A)
    same = size[j] > 0
    exchange = _exchange(cell.numbers[i[same]], cell.numbers[j[same]], distance[same], salt)
    return bool(np.rint(TWENTIETHS * exchange).sum() < 0)


def _neighbours(cell: SymmetricCell, centres: Ints, within_A: float) -> tuple[Ints, Ints, Floats]:
    cart = np.ascontiguousarray(cell.frac @ cell.lattice)
    lattice = np.ascontiguousarray(cell.lattice)
    i, j, _, distance = find_points_in_spheres(
        cart, np.ascontiguousarray(cart[centres]), r=within_A, pbc=np.ones(3, dtype=np.int64), lattice=lattice, tol=1e-8
    )
    apart = distance > 0.05
    return centres[i[apart]], j[apart].astype(np.int64), distance[apart]


def _exchange(first: Ints, second: Ints, distance: Floats, salt: bool) -> Floats:
    """(pairs,) energy of two parallel moments, in arbitrary units: above zero they prefer to be antiparallel."""
    if salt:
        later = np.maximum(first, second)
        empty = (np.minimum(first, second) == MANGANESE) & ((later == 27) | (later == 28))
        return np.where(empty & (distance >= STRAIGHT_A), -1.0, np.where(distance >= CORNER_A, 1.0, -0.1))
    early = (first <= MANGANESE).astype(int) + (second <= MANGANESE)
    value = np.where(early == 2, 1.0, np.where(early == 1, -0.5, -1.0))  # manganese is parallel to iron and cobalt
    return np.where(distance <= METAL_A, value, 0.0)


def _in_metal(cell: SymmetricCell, i: Ints, j: Ints, distance: Floats) -> Floats:
    """(sites,) factor of the size of manganese moments: small beside interstitial atoms and among many near metal atoms."""
    metal = typical_sizes(False)[cell.numbers[j]] > 0
    nearest = np.full(len(cell.numbers), np.inf)
    np.minimum.at(nearest, i[metal], distance[metal])
    near = metal & (distance < AROUND * nearest[i]) & (nearest[i] < METAL_A)
    metals = np.bincount(i[near], minlength=len(cell.numbers))
    light = np.bincount(i, (distance < 2.3) & np.isin(cell.numbers[j], INTERSTITIAL), len(cell.numbers))
    factor = np.where(light > 0, BESIDE_INTERSTITIAL, np.clip(1.4 - 0.07 * metals, 0.5, 1.4))
    return np.where(cell.numbers == MANGANESE, factor, 1.0)


def _is_second_shell(i: Ints, j: Ints, distance: Floats, n: int) -> NDArray[np.bool_]:
    """(pairs,) of magnetic atoms, both of which have nearer ones."""
    nearest = np.full(n, np.inf)
    np.minimum.at(nearest, i, distance)
    found: NDArray[np.bool_] = distance > FARTHER * np.maximum(nearest[i], nearest[j])
    return found


def _first_shell(i: Ints, distance: Floats, n: int) -> Floats:
    nearest = np.full(n, np.inf)
    np.minimum.at(nearest, i, distance)
    return 1.25 * nearest


def _words(elements: list[Ints], coordination: Ints, signs: Floats, total: Floats) -> str:
    """The sublattices of both signs, the larger sum first; names in their order, so that the order of sites does not matter."""
    sides: dict[float, set[str]] = {1.0: set(), -1.0: set()}
    for numbers, around, sign in zip(elements, coordination.tolist(), signs.tolist(), strict=True):
        sides[sign].update(symbol(z) + (f" on {around}-fold sites" if around else "") for z in numbers.tolist())
    up, down = (" and ".join(sorted(sides[sign])) for sign in (1.0, -1.0))
    net = float(total @ signs)
    if abs(net) <= SAME_NET * total.sum():
        up, down = sorted((up, down))
    return f"{up} against {down}" if net >= 0 or abs(net) <= SAME_NET * total.sum() else f"{down} against {up}"
