"""What `predict` takes, as crystals of the pipeline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from data.rejection import Rejection

if TYPE_CHECKING:
    from ase import Atoms
    from pymatgen.core import Structure

    from data.crystal import Crystal
    from data.disordered import AnyCrystal

StructureLike: TypeAlias = "Structure | Atoms | str | os.PathLike[str]"


def crystals_of(structures: StructureLike | Sequence[StructureLike]) -> list[tuple[int, AnyCrystal | Rejection]]:
    """(place among `structures`, crystal or the reason why there is none), a CIF file with several blocks giving several.

    Args:
        structures: pymatgen Structures, ASE Atoms, paths of CIF files, or one of these.

    Raises:
        TypeError: something else.
    """
    return [(place, item) for place, one in enumerate(_several(structures)) for item in _read(one, place)]


def _several(structures: Any) -> Iterable[Any]:
    structural = any(hasattr(structures, name) for name in ("lattice", "get_chemical_symbols"))
    return [structures] if structural or isinstance(structures, (str, os.PathLike)) else structures


def _read(one: Any, place: int) -> Iterator[AnyCrystal | Rejection]:
    if isinstance(one, (str, os.PathLike)):
        yield from _of_file(Path(one))
    elif hasattr(one, "lattice") and hasattr(one, "frac_coords"):
        yield _of_structure(one, _name(getattr(one, "properties", None), place))
    elif hasattr(one, "get_chemical_symbols") and hasattr(one, "get_scaled_positions"):
        yield _of_atoms(one, _name(getattr(one, "info", None), place))
    else:
        raise TypeError(f"structure {place} is a {type(one).__name__}; give pymatgen Structures, ASE Atoms or paths of CIF files")


def _name(properties: Any, place: int) -> str:
    """The id that a structure carries (`id` or `material_id`), or its place."""
    known = properties if isinstance(properties, dict) else {}
    return str(known.get("id") or known.get("material_id") or place)


def _of_file(path: Path) -> Iterator[AnyCrystal | Rejection]:
    from data.cif.disorder import Disorder
    from data.sources import Record
    from data.sources.cif_folder import CifFolder

    source = CifFolder(path, disorder=Disorder.AVERAGE)
    for shard in source.shards():
        for item in source.read(shard):
            yield item.crystal if isinstance(item, Record) else item


def _of_structure(structure: Structure, identifier: str) -> AnyCrystal | Rejection:
    from data.cif.disorder import Disorder
    from data.crystal import Crystal, CrystalError
    from data.rejection import Reason
    from data.sources.formats import structure_entry
    from data.sources.optimade.entries import read_entry

    if not structure.is_ordered:
        return read_entry({**structure_entry(structure.as_dict()), "id": identifier}, "", 0, Disorder.AVERAGE)
    try:
        return _checked(Crystal.from_pymatgen(structure, identifier))
    except CrystalError as fault:
        return Rejection(identifier, "", "", Reason.NO_CELL, str(fault))


def _of_atoms(atoms: Atoms, identifier: str) -> AnyCrystal | Rejection:
    from data.crystal import CrystalError, make_crystal
    from data.rejection import Reason

    if not all(atoms.get_pbc()):
        return Rejection(identifier, "", "", Reason.NO_CELL, "the atoms are not periodic in three directions (set pbc=True)")
    try:
        return _checked(make_crystal(identifier, atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers))
    except CrystalError as fault:
        return Rejection(identifier, "", "", Reason.NO_CELL, str(fault))


def _checked(crystal: Crystal) -> AnyCrystal | Rejection:
    """The checks that every source's crystals pass."""
    from data.checks import Unsound, check_crystal

    try:
        check_crystal(crystal)
    except Unsound as fault:
        return Rejection(crystal.id, "", "", fault.reason, fault.detail)
    return crystal
