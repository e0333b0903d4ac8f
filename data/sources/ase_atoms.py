"""ASE's Atoms as an OPTIMADE entry, with the occupancies that ASE keeps beside them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from data.sources.plain_entry import NoStructure, Sites, need_three_periods, plain_entry

if TYPE_CHECKING:
    from ase import Atoms

_OCCUPANCY = re.compile(r"(?:^|_)occ(?:upanc|s?$)", re.IGNORECASE)
_KINDS = "spacegroup_kinds"  # ASE's name for the index of the listed site that each atom belongs to


def has_occupancies(atoms: Atoms) -> bool:
    """Whether anything beside the atoms is called an occupancy."""
    return bool(_named(atoms))


def entry_of_atoms(atoms: Atoms) -> dict[str, Any]:
    """The atoms as an entry without an id.

    Raises:
        NoStructure: not periodic in three directions, or occupancies that cannot be assigned to the atoms.
    """
    need_three_periods(atoms.get_pbc().tolist())
    return plain_entry(atoms.cell.array, atoms.get_positions(), sites_of_atoms(atoms))


def sites_of_atoms(atoms: Atoms) -> Sites:
    """What occupies each site. `ase.io.read` of a CIF keeps its occupancies in `info` and makes one atom of each shared site.

    Raises:
        NoStructure: occupancies that cannot be assigned, or contradict the atoms.
    """
    symbols = atoms.get_chemical_symbols()
    named = _named(atoms)
    if not named:
        return [[(symbol, 1.0)] for symbol in symbols]
    table, kinds = atoms.info.get("occupancy"), atoms.arrays.get(_KINDS)
    if named != ["occupancy"] or not isinstance(table, dict) or kinds is None:
        raise NoStructure(f"`{named[0]}` is not read: give occupancies as CIF, pymatgen Structure or as ASE reads them of CIF")
    shares = {str(kind): {str(symbol): float(share) for symbol, share in of_kind.items()} for kind, of_kind in table.items()}
    found: Sites = []
    for symbol, kind in zip(symbols, kinds.tolist(), strict=True):
        here = shares.get(str(kind), {symbol: 1.0})
        if len(here) == 1 and min(here.values()) > 0.999:
            here = {symbol: 1.0}  # the atom may have been replaced since
        if symbol not in here:
            raise NoStructure(f"an atom of {symbol} stands where the occupancies say {', '.join(sorted(here))}")
        found.append(list(here.items()))
    return found


def _named(atoms: Atoms) -> list[str]:
    return [str(name) for name in (*atoms.info, *atoms.arrays) if _OCCUPANCY.search(str(name))]
