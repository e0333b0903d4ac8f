"""What `predict` takes, as crystals of the pipeline."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from data.errors import UserError
from data.rejection import Rejection

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

    from data.crystal import Crystal
    from data.disordered import AnyCrystal

StructureLike: TypeAlias = "Structure | Atoms | str | os.PathLike[str]"
_KINDS = "pymatgen Structures, ASE Atoms or paths of CIF files"


def crystals_of(structures: StructureLike | Sequence[StructureLike]) -> list[tuple[int, AnyCrystal | Rejection]]:
    """(place among `structures`, crystal or the reason why there is none), a CIF file with several blocks giving several.

    Args:
        structures: pymatgen Structures, ASE Atoms, paths of CIF files, or one of these.

    Raises:
        TypeError: something else.
        UserError: a path that does not exist.
    """
    return [(place, item) for place, one in enumerate(_several(structures)) for item in _read(one, place)]


def _several(structures: Any) -> Iterable[Any]:
    if isinstance(structures, (str, os.PathLike)) or _is_structure(structures) or _is_atoms(structures):
        return [structures]
    table = hasattr(structures, "columns")  # of pandas, which would give the names of its columns
    if table or isinstance(structures, (bytes, Mapping)) or hasattr(structures, "sites") or not isinstance(structures, Iterable):
        raise TypeError(f"these are of type {type(structures).__name__}; give {_KINDS}, or several of these in a list")
    return structures


def _is_structure(one: Any) -> bool:
    return hasattr(one, "lattice") and hasattr(one, "sites")  # a site has a lattice, too, and a molecule has sites


def _is_atoms(one: Any) -> bool:
    return hasattr(one, "get_chemical_symbols") and hasattr(one, "get_scaled_positions")


def _read(one: Any, place: int) -> Iterator[AnyCrystal | Rejection]:
    if isinstance(one, str) and not one:
        raise UserError("the path of a file is empty")  # it would mean the current folder
    if isinstance(one, (str, os.PathLike)):
        yield from _of_file(Path(one))
    elif _is_structure(one):
        yield _of_structure(one, _name(getattr(one, "properties", None), place))
    elif _is_atoms(one):
        yield _of_atoms(one, _name(getattr(one, "info", None), place))
    else:
        raise TypeError(f"structure {place} is a {type(one).__name__}; give {_KINDS}")


def _name(properties: Any, place: int) -> str:
    """The id that a structure carries (`id` or `material_id`), or its place."""
    known = properties if isinstance(properties, dict) else {}
    return str(known.get("id") or known.get("material_id") or place)


def _of_file(path: Path) -> Iterator[AnyCrystal | Rejection]:
    from data.cif.disorder import Disorder
    from data.sources import Record
    from data.sources.cif_folder import CifFolder
    from data.sources.opening import exists

    if not exists(path):
        raise UserError(f"{str(path)[:200]!r} does not exist")
    source = CifFolder(path, disorder=Disorder.AVERAGE)
    for shard in source.shards():
        for item in source.read(shard):
            yield item.crystal if isinstance(item, Record) else item


def _of_structure(structure: Structure, identifier: str) -> AnyCrystal | Rejection:
    from data.crystal import Crystal, CrystalError
    from data.sources.formats import entry_of_structure

    if not structure.is_ordered or not all(structure.lattice.pbc):
        return _of_entry(lambda: entry_of_structure(structure), identifier)
    try:
        return _checked(Crystal.from_pymatgen(structure, identifier))
    except CrystalError as fault:
        return Rejection(identifier, "", "", fault.reason, str(fault))


def _of_atoms(atoms: Atoms, identifier: str) -> AnyCrystal | Rejection:
    from data.crystal import CrystalError, make_crystal
    from data.rejection import Reason
    from data.sources.ase_atoms import entry_of_atoms, has_occupancies

    if not all(atoms.get_pbc()):
        return Rejection(identifier, "", "", Reason.NO_CELL, "the atoms are not periodic in three directions (set pbc=True)")
    if has_occupancies(atoms):
        return _of_entry(lambda: entry_of_atoms(atoms), identifier)
    try:
        return _checked(make_crystal(identifier, atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers))
    except CrystalError as fault:
        return Rejection(identifier, "", "", fault.reason, str(fault))


def _of_entry(make: Callable[[], dict[str, Any]], identifier: str) -> AnyCrystal | Rejection:
    """A crystal that needs more rules than an ordered one; its entry says why where there is none."""
    from data.cif.disorder import Disorder
    from data.rejection import Reason
    from data.sources.optimade.entries import read_entry

    try:
        entry = make()
    except (ValueError, TypeError, AttributeError) as fault:  # NoStructure, or occupancies of another form; the others go on
        return Rejection(identifier, "", "", Reason.NOT_STRUCTURE, str(fault))
    return read_entry({**entry, "id": identifier}, "", 0, Disorder.AVERAGE)


def _checked(crystal: Crystal) -> AnyCrystal | Rejection:
    """The checks that every source's crystals pass."""
    from data.checks import Unsound, check_crystal

    try:
        check_crystal(crystal)
    except Unsound as fault:
        return Rejection(crystal.id, "", "", fault.reason, fault.detail)
    return crystal
