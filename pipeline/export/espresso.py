"""Quantum ESPRESSO inputs, written by ASE."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from data.store.artifact import make_folder, write_bytes
from pipeline.magnetism.competing_orderings import Ordering

FILE = "pw.in"
K_SPACING = 0.03  # 1/Å, without the factor 2π; a bit denser than the Materials Project's static calculations
RYDBERG_PER_CUTOFF = {"ecutwfc": 60.0, "ecutrho": 480.0}  # for the SSSP efficiency library, most elements
SETTINGS = {
    "control": {"calculation": "scf", "pseudo_dir": "./pseudo", "outdir": "./out", "tprnfor": True},
    "system": {"nspin": 2, "occupations": "smearing", "smearing": "cold", "degauss": 0.01, **RYDBERG_PER_CUTOFF},
    "electrons": {"conv_thr": 1e-8, "mixing_beta": 0.3},
}


def write_espresso(orderings: Sequence[Ordering], folder: Path) -> None:
    """pw.in of spin-polarised PBE calculations, a folder for each ordering.

    Each moment of an element is a species of its own; `starting_magnetization` is in µB, which pw.x understands from version 7.3
    on. Pseudopotentials are named `<element>.UPF` and are not included.
    """
    for ordering in orderings:
        write_bytes(make_folder(folder / ordering.name) / FILE, _text(ordering).encode())


def _text(ordering: Ordering) -> str:
    from io import StringIO

    from ase import Atoms
    from ase.io.espresso import write_espresso_in

    structure = ordering.structure
    atoms = Atoms(
        numbers=[site.specie.Z for site in structure], scaled_positions=structure.frac_coords, cell=structure.lattice.matrix,
        pbc=True, magmoms=ordering.moments,
    )  # fmt: skip
    pseudopotentials = {symbol: f"{symbol}.UPF" for symbol in sorted(set(atoms.get_chemical_symbols()))}
    text = StringIO()
    write_espresso_in(
        text, atoms, SETTINGS, pseudopotentials=pseudopotentials, kspacing=K_SPACING, crystal_coordinates=True,
    )  # fmt: skip
    return text.getvalue()


def read_espresso(folder: Path) -> Ordering:
    """The crystal and the moments of pw.in.

    ASE's and pymatgen's own readers give all atoms of an element one moment; ASE's parsers of the cards keep the labels apart.
    """
    from ase.io.espresso import (
        get_atomic_positions,
        get_atomic_species,
        get_cell_parameters,
        label_to_symbol,
        read_fortran_namelist,
    )
    from pymatgen.core import Lattice, Structure

    with (folder / FILE).open() as handle:
        settings, cards = read_fortran_namelist(handle)
    system = settings["system"]
    cell, _ = get_cell_parameters(cards)
    species = [label for label, _, _ in get_atomic_species(cards, system["ntyp"])]
    moment = {label: float(system[f"starting_magnetization({k})"]) for k, label in enumerate(species, start=1)}
    sites = get_atomic_positions(cards, system["nat"], cell=cell)
    symbols = [label_to_symbol(label) for label, _, _ in sites]
    properties = {"magmom": [moment[label] for label, _, _ in sites]}
    cartesian = [position for _, position, _ in sites]
    return Ordering(
        folder.name, Structure(Lattice(cell), symbols, cartesian, coords_are_cartesian=True, site_properties=properties)
    )
