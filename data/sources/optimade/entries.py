"""An OPTIMADE structure entry to a crystal.

The entry becomes a CIF block without symmetry, so that occupancies, elements, distances and the formula meet the same rules as
those of a CIF file; afterwards the crystal gets the entry's own lattice vectors, since a CIF block knows only lengths and angles.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.checks import MAX_SITES, Unsound, check_crystal
from data.cif.block import block_to_crystal
from data.cif.disorder import LEAST_MAJORITY, Disorder
from data.crystal import Crystal, cell_volume
from data.disordered import AnyCrystal
from data.rejection import Reason, Rejection

FIELDS = [
    "lattice_vectors", "cartesian_site_positions", "species", "species_at_sites", "structure_features", "assemblies",
    "nperiodic_dimensions", "dimension_types", "nsites", "chemical_formula_reduced", "last_modified",
]  # fmt: skip
_SITE_COLUMNS = ["label", "type_symbol", "fract_x", "fract_y", "fract_z", "occupancy"]
_KNOWN_FEATURES = {"disorder", "assemblies", "implicit_atoms", "site_attachments"}
_ION = re.compile(r"[A-Z][a-z]?(\d*\.?\d+)([+-])")  # of pymatgen; OPTIMADE itself has elements only
_SMALLEST_VOLUME_A3 = 1e-3
_DETAIL = 400  # characters


def read_entry(entry: Any, source_file: str, row: int, disorder: Disorder) -> AnyCrystal | Rejection:
    """The full unit cell of one entry, or why there is none. Never raises for what the entry holds."""
    identifier = ""
    try:
        identifier = str(entry["id"])
        return _crystal(entry["attributes"], identifier, disorder)
    except Unsound as fault:
        reason, detail = fault.reason, fault.detail
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as fault:  # not of the specified form
        reason, detail = Reason.NOT_OPTIMADE, f"{type(fault).__name__}: {fault}"
    except Exception as fault:  # one entry must not stop the others, whatever it holds
        reason, detail = Reason.FAILED, f"{type(fault).__name__}: {fault}"
    return Rejection(identifier or f"entry {row}", source_file, str(row), reason, detail[:_DETAIL])


def _crystal(attributes: dict[str, Any], identifier: str, disorder: Disorder) -> AnyCrystal:
    _check_features(attributes)
    lattice = _lattice(attributes)
    positions = _positions(attributes)
    names = attributes["species_at_sites"]
    if len(names) != len(positions) or attributes.get("nsites") not in (None, len(positions)):
        raise ValueError(f"{len(positions)} positions, {len(names)} species_at_sites, nsites {attributes.get('nsites')}")
    kept, note = _settle_assemblies(attributes, len(positions), disorder)
    frac = positions @ np.linalg.inv(lattice)
    atoms = _atoms(attributes)
    block = gemmi.cif.Block("entry")
    _write_cell(block, lattice)
    loop = block.init_loop("_atom_site_", _SITE_COLUMNS)
    for k in kept:
        for symbol, share in atoms(names[k]):
            place = [f"{x:.14f}" for x in frac[k]]
            label = f"{symbol.rstrip('+-.0123456789')}{k + 1}"
            loop.add_row([gemmi.cif.quote(label), gemmi.cif.quote(symbol), *place, f"{share:.6f}"])
    _write_charges(block)
    formula = attributes.get("chemical_formula_reduced")
    if formula:
        block.set_pair("_chemical_formula_sum", gemmi.cif.quote(str(formula)))
    crystal = block_to_crystal(block, identifier, disorder)
    crystal = replace(crystal, lattice=lattice, note="; ".join(filter(None, (note, crystal.note))))
    if isinstance(crystal, Crystal):  # a disordered one was checked when its places were made
        check_crystal(crystal)
    return crystal


def _write_charges(block: gemmi.cif.Block) -> None:
    """The table of atom types, where a site says a charge: of a type symbol gemmi reads whole numbers only."""
    symbols = dict.fromkeys(map(gemmi.cif.as_string, block.find_values("_atom_site_type_symbol")))
    ions = {symbol: _ION.fullmatch(symbol) for symbol in symbols}
    if any(ions.values()):
        loop = block.init_loop("_atom_type_", ["symbol", "oxidation_number"])
        for symbol, ion in ions.items():
            loop.add_row([gemmi.cif.quote(symbol), f"{ion[2]}{ion[1]}" if ion else "?"])


def _check_features(attributes: dict[str, Any]) -> None:
    features = set(attributes.get("structure_features") or ())
    if "implicit_atoms" in features:
        raise Unsound(Reason.MISSING_ATOMS, "some atoms have no site (implicit_atoms)")
    if "site_attachments" in features or any(species.get("attached") for species in attributes.get("species") or ()):
        raise Unsound(Reason.MISSING_ATOMS, "atoms are attached to sites without coordinates of their own (site_attachments)")
    if attributes.get("site_coordinate_span") not in (None, "unit_cell"):  # since OPTIMADE 1.3
        raise Unsound(Reason.MISSING_ATOMS, f"the sites span the {attributes['site_coordinate_span']}, not the unit cell")
    if unknown := features - _KNOWN_FEATURES:
        raise Unsound(Reason.NOT_OPTIMADE, f"unknown structure feature {', '.join(sorted(map(str, unknown)))}")


def _lattice(attributes: dict[str, Any]) -> NDArray[np.float64]:
    """(3, 3), Å, rows."""
    periodic = attributes.get("nperiodic_dimensions")
    if periodic not in (None, 3):
        raise Unsound(Reason.NO_CELL, f"periodic in {periodic} dimensions only")
    types = attributes.get("dimension_types")
    if types is not None and [int(one) for one in types] != [1, 1, 1]:
        raise Unsound(Reason.NO_CELL, f"not periodic in every direction (dimension_types {types})")
    if not attributes.get("lattice_vectors"):
        raise Unsound(Reason.NO_CELL, "no lattice vectors")
    lattice = np.array(attributes["lattice_vectors"], dtype=np.float64)
    if lattice.shape != (3, 3) or not np.isfinite(lattice).all() or not cell_volume(lattice) > _SMALLEST_VOLUME_A3:
        raise Unsound(Reason.NO_CELL, "the lattice vectors describe no cell")
    return lattice


def _positions(attributes: dict[str, Any]) -> NDArray[np.float64]:
    """(n, 3), Å, Cartesian."""
    if not attributes.get("cartesian_site_positions"):
        raise Unsound(Reason.NO_SITES, "no site positions")
    if len(attributes["cartesian_site_positions"]) > MAX_SITES:
        raise Unsound(Reason.TOO_LARGE, f"{len(attributes['cartesian_site_positions'])} sites; the limit is {MAX_SITES}")
    positions = np.array(attributes["cartesian_site_positions"], dtype=np.float64)
    if positions.ndim != 2 or positions.shape[1] != 3 or not np.isfinite(positions).all():
        raise Unsound(Reason.BAD_COORDINATES, "a site position is unknown or not a number")
    return positions


def _atoms(attributes: dict[str, Any]) -> Any:
    """A function from a species' name to its elements with their shares of a site; vacancies leave the rest empty."""
    if attributes.get("species") is None:  # a provider may leave it out where each site is one atom
        return lambda name: [(str(name), 1.0)]
    table: dict[str, list[tuple[str, float]]] = {}
    for species in attributes["species"]:
        symbols, shares = species["chemical_symbols"], species["concentration"]
        found = [(str(s), float(c)) for s, c in zip(symbols, shares, strict=True) if s != "vacancy"]
        if table.get(species["name"], found) != found:
            raise ValueError(f"two species have the name {species['name']!r}")
        table[species["name"]] = found
    return table.__getitem__


def _settle_assemblies(attributes: dict[str, Any], sites: int, disorder: Disorder) -> tuple[list[int], str]:
    """Sites to keep, and what was done, in words: of sites that exclude each other, the likelier group."""
    dropped: set[int] = set()
    chosen: list[str] = []
    for assembly in attributes.get("assemblies") or ():
        groups, chances = assembly["sites_in_groups"], [float(p) for p in assembly["group_probabilities"]]
        if any(not 0 <= int(site) < sites for group in groups for site in group):
            raise ValueError("an assembly names a site that does not exist")
        if len(groups) != len(chances):
            raise ValueError("an assembly has not one probability a group")
        best = max(range(len(groups)), key=lambda k: chances[k])
        if disorder is not Disorder.MAJORITY or not chances[best] > LEAST_MAJORITY:
            raise Unsound(Reason.PARTIAL_OCCUPANCY, f"correlated disorder: the likeliest sites have {chances[best]:.4g}")
        dropped |= {int(site) for k, group in enumerate(groups) if k != best for site in group}
        chosen.append(f"{chances[best]:.3g}")
    if not chosen and "assemblies" in (attributes.get("structure_features") or ()):
        raise ValueError("assemblies are announced but not given")
    note = f"correlated disorder, likelier sites taken: {', '.join(chosen)}" if chosen else ""
    return [k for k in range(sites) if k not in dropped], note


def _write_cell(block: gemmi.cif.Block, lattice: NDArray[np.float64]) -> None:
    lengths = np.linalg.norm(lattice, axis=1)
    unit = lattice / lengths[:, None]
    cosines = np.clip([unit[1] @ unit[2], unit[0] @ unit[2], unit[0] @ unit[1]], -1.0, 1.0)
    for name, length in zip("abc", lengths, strict=True):
        block.set_pair(f"_cell_length_{name}", f"{length:.12f}")
    for name, angle in zip(("alpha", "beta", "gamma"), np.degrees(np.arccos(cosines)), strict=True):
        block.set_pair(f"_cell_angle_{name}", f"{angle:.12f}")
    block.init_loop("_symmetry_equiv_pos_", ["as_xyz"]).add_row(["'x, y, z'"])
