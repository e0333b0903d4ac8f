"""Plain crystal files, CIF and POSCAR, without moments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from data.store.artifact import write_bytes

if TYPE_CHECKING:
    from pymatgen.core import Structure

DIGITS = 10


def write_cif(structure: Structure, path: Path) -> None:
    """P1, every site written out, in order: programs disagree on symmetry more often than on sites."""
    from pymatgen.io.cif import CifWriter

    plain = structure.copy(site_properties={})
    write_bytes(path, str(CifWriter(plain, significant_figures=DIGITS)).encode())


def write_poscar(structure: Structure, path: Path) -> None:
    """VASP's format, sites of one element together."""
    from pymatgen.io.vasp.inputs import Poscar

    plain = structure.copy(site_properties={}).get_sorted_structure()
    write_bytes(path, Poscar(plain).get_str(significant_figures=DIGITS).encode())
