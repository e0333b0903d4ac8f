"""The primitive cell of a disordered crystal, with its symmetry as far as the average has any."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import moyopy
import numpy as np
from numpy.typing import NDArray

from data.crystal import cell_volume
from data.disordered import DIGITS, DisorderedCrystal, Occupants, Species
from data.symmetry import ENANTIOMORPH, SYMPREC_A, SymmetricCell
from pipeline.dedup.fingerprint import DISORDERED
from pipeline.magnetism.canonical_cell import canonical_cell

_VOLUME_WITHIN = 0.01  # relative, per place; a larger change means that the detected symmetry is wrong


@dataclass(frozen=True, eq=False)
class AveragedCell:
    """The primitive cell, the same whatever cell, origin, orientation and order of sites the source has."""

    lattice: NDArray[np.float64]  # (3, 3), Å, rows
    frac: NDArray[np.float64]  # (n, 3), in [0, 1)
    orbit: NDArray[np.int64]  # (n,) places that are equivalent on average
    occupants: tuple[Occupants, ...]  # of each orbit
    of_source: tuple[int, ...]  # of each orbit one place of the source
    symmetric: SymmetricCell  # the same in the standard setting; each place has the number of its most frequent species
    fingerprint: str  # space group, and occupants and multiplicity of each orbit, in the order of `symmetric`


def averaged_cell(crystal: DisorderedCrystal, symprec_A: float = SYMPREC_A) -> AveragedCell:
    """Find the symmetry of a crystal in which equal occupants count as one element.

    Args:
        crystal: the crystal.
        symprec_A: tolerance of the symmetry search, Å.
    """
    classes, label = _classes(crystal)
    try:
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), (label + 1).tolist())
        found = moyopy.MoyoDataset(cell, symprec=symprec_A)
    except Exception:  # moyopy raises its own error types where a cell is too distorted for the tolerance
        return _without_symmetry(crystal, classes, label)
    primitive = found.prim_std_cell
    standard = np.array(primitive.numbers, dtype=np.int64) - 1
    place = np.full(len(standard), -1, dtype=np.int64)  # of the source, one for each orbit
    place[np.array(found.mapping_std_prim)] = found.orbits
    lattice = np.array(primitive.basis, dtype=np.float64)
    if not _consistent(crystal, label, lattice, standard, place):
        return _without_symmetry(crystal, classes, label)
    symmetric = SymmetricCell(
        lattice, np.array(primitive.positions) % 1.0 % 1.0, _main(classes)[standard],
        np.unique(place, return_inverse=True)[1], int(found.number), True, int(found.hall_number),
    )  # fmt: skip
    return _described(symmetric, standard, place, classes)


def _consistent(
    crystal: DisorderedCrystal, label: NDArray[np.int64], lattice: NDArray[np.float64], standard: NDArray[np.int64],
    place: NDArray[np.int64],
) -> bool:  # fmt: skip
    """Whole cells of the same volume and occupants a place."""
    copies, rest = divmod(crystal.n_sites, len(standard))
    if rest or place.min() < 0 or abs(cell_volume(lattice) * copies / crystal.volume - 1.0) > _VOLUME_WITHIN:
        return False
    return np.array_equal(np.bincount(standard, minlength=label.max() + 1) * copies, np.bincount(label))


def _classes(crystal: DisorderedCrystal) -> tuple[list[Occupants], NDArray[np.int64]]:
    """Distinct sets of occupants in a fixed order, and (n,) which of them each place has.

    Places of one set may differ in charges, and in occupancies by less than they are rounded: the set has the mean of its places,
    which depends on neither their order nor the size of the cell.
    """
    keys = [tuple((s.number, round(s.occupancy, DIGITS)) for s in occupants) for occupants in crystal.kinds]
    ordered = sorted(set(keys))
    places = {key: k for k, key in enumerate(ordered)}
    counts = np.bincount(crystal.kind, minlength=len(keys)).tolist()
    alike = [[(kind, n) for kind, own, n in zip(crystal.kinds, keys, counts, strict=True) if own == key] for key in ordered]
    return [_mean(kinds) for kinds in alike], np.array([places[key] for key in keys], dtype=np.int64)[crystal.kind]


def _mean(kinds: list[tuple[Occupants, int]]) -> Occupants:
    """Of occupants of the same elements, each with its number of places."""
    places = sum(n for _, n in kinds)
    if len(kinds) == 1 or not places:
        return kinds[0][0]
    found = []
    for same in zip(*(occupants for occupants, _ in kinds), strict=True):
        atoms = [species.occupancy * n for species, (_, n) in zip(same, kinds, strict=True)]
        charges = [math.nan if species.charge is None else species.charge * a for species, a in zip(same, atoms, strict=True)]
        charge = math.fsum(charges) / math.fsum(atoms)
        mean = round(math.fsum(atoms) / places, 9)
        found.append(Species(same[0].number, mean, None if math.isnan(charge) else round(charge, 6)))
    return tuple(found)


def _main(classes: list[Occupants]) -> NDArray[np.int64]:
    """(classes,) atomic number of the most frequent species."""
    return np.array([max(o, key=lambda s: (s.occupancy, -s.number)).number for o in classes])


def _described(
    symmetric: SymmetricCell, label: NDArray[np.int64], place: NDArray[np.int64], classes: list[Occupants]
) -> AveragedCell:  # fmt: skip
    """Its cell in the canonical basis, the places in order of occupants and coordinates, the orbits in the order of these; those
    of the symmetric cell in the order of the fingerprint.

    Args:
        symmetric: the primitive cell.
        label: (n,) class of each of its places.
        place: (n,) a place of the source, equal on one orbit.
        classes: the sets of occupants.
    """
    sources, one_of, orbits, counts = np.unique(place, return_index=True, return_inverse=True, return_counts=True)
    shares = [_shares(classes[label[k]], n) for k, n in zip(one_of.tolist(), counts.tolist(), strict=True)]
    by_shares = sorted(range(len(sources)), key=shares.__getitem__)
    symmetric = replace(symmetric, orbit=np.argsort(by_shares)[orbits])
    cell = canonical_cell(replace(symmetric, numbers=label + 1))
    order = np.lexsort((*cell.frac.T[::-1], cell.numbers))
    named: dict[int, int] = {}
    orbit = np.array([named.setdefault(source, len(named)) for source in place[cell.source_site][order].tolist()])
    class_of = dict(zip(place.tolist(), label.tolist(), strict=True))
    occupants = tuple(classes[class_of[source]] for source in named)
    group = ENANTIOMORPH.get(symmetric.space_group, symmetric.space_group)
    key = "|".join([DISORDERED, str(group), *sorted(shares)])
    return AveragedCell(cell.lattice, cell.frac[order], orbit, occupants, tuple(named), symmetric, key)


def _shares(occupants: Occupants, multiplicity: int) -> str:
    return "+".join(f"{s.number}*{s.occupancy:.2f}" for s in occupants) + f":{multiplicity}"


def _without_symmetry(crystal: DisorderedCrystal, classes: list[Occupants], label: NDArray[np.int64]) -> AveragedCell:
    """The cell of the source; all places of the same occupants count as one orbit."""
    frac = crystal.frac % 1.0 % 1.0
    symmetric = SymmetricCell(crystal.lattice, frac, _main(classes)[label], np.arange(crystal.n_sites), 1, False)
    first = np.array([int(np.flatnonzero(label == k)[0]) for k in range(len(classes))])
    return _described(symmetric, label, first[label], classes)
