"""VASP inputs by pymatgen's Materials Project sets, with the moment of each site written out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.crystal import symbol
from data.elements import LANTHANOIDS
from data.store.artifact import make_folder
from pipeline.export.kpoints import TETRAHEDRA, irreducible, meshes
from pipeline.export.potentials import potentials
from pipeline.magnetism.competing_orderings import Ordering


def write_vasp(orderings: Sequence[Ordering], folder: Path) -> None:
    """INCAR, KPOINTS, POSCAR and POTCAR.spec of static PBE(+U) calculations (MPStaticSet), a folder for each ordering: the
    settings behind the training labels, so that a moment can be held against the predicted one. No POTCAR: its content is VASP's.

    The orderings of one crystal are to be compared, so that all have the same smearing: where the tetrahedra of the Materials
    Project (ISMEAR -5) cannot be had for one of them, all have its Gaussian one (ISMEAR 0). For the k-points, see
    pipeline/export/kpoints.py.

    Potentials that the Materials Project does not name are VASP's own (pipeline/export/potentials.py); a crystal of an element
    that VASP has none of has a `gap` there, and must not come here.

    The moments are on the sites and the sites are sorted before the set sees them: sets that sort have swapped moments (pymatgen
    issue 3431).
    """
    from pymatgen.io.vasp.sets import MPStaticSet

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about POTCAR libraries and pseudopotentials, which the README names
        structures = [ordering.structure.get_sorted_structure() for ordering in orderings]
        kpoints = meshes(structures)
        all_have = all(irreducible(*pair) >= TETRAHEDRA for pair in zip(structures, kpoints, strict=True))
        for ordering, structure, points in zip(orderings, structures, kpoints, strict=True):
            chosen = MPStaticSet(
                structure, sort_structure=False, user_potcar_settings=potentials(site.specie.symbol for site in structure),
                user_kpoints_settings=points,  # type: ignore[arg-type]  # its documentation allows it
                user_incar_settings={} if all_have else {"ISMEAR": 0},
            )  # fmt: skip
            chosen.write_input(str(make_folder(folder / ordering.name)), potcar_spec=True)


def read_vasp(folder: Path) -> Ordering:
    """The crystal of POSCAR with the moments of INCAR."""
    from pymatgen.io.vasp.inputs import Incar, Poscar

    structure = Poscar.from_file(folder / "POSCAR", check_for_potcar=False).structure
    moments = Incar.from_file(folder / "INCAR")["MAGMOM"]
    return Ordering(folder.name, structure.copy(site_properties={"magmom": [float(m) for m in moments]}))


def frozen_4f(numbers: NDArray[np.int64]) -> tuple[str, ...]:
    """The elements among these whose Materials Project potential has its 4f electrons in the core (Sm_3 and its like)."""
    from pymatgen.io.vasp.sets import MPStaticSet

    potentials = MPStaticSet.CONFIG["POTCAR"]
    symbols = sorted({symbol(z) for z in numbers.tolist() if z in LANTHANOIDS})
    return tuple(s for s in symbols if str(potentials.get(s, s)).endswith(("_2", "_3")))
