"""What was read of a file, crystal by crystal: for a person who asks why a file is rejected, or whether it was read as he means.

The crystals come through the same source as those of a screen, so that this shows what a screen would rank.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gemmi
import moyopy
import numpy as np

from data.checks import Unsound
from data.cif.dialects import in_core_words
from data.crystal import Crystal, symbol
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Rejection
from data.sources import Record, Source
from data.sources.cif_folder import CifFolder
from data.sources.files import Archive, Entry, decode, read_bytes
from data.sources.formats import Format, format_of
from data.symmetry import SYMPREC_A
from pipeline.disorder.approximants import Approximants

GRAMS_PER_CM3 = 1.66053906660  # of one atomic mass unit in each Å³ (CODATA 2018)
MOST_BYTES = 1 << 26
# What a CIF may say of its symmetry; magCIF writes its names with dots
SYMMETRY_TAGS = {
    "operations": ("_space_group_symop_operation_xyz", "_symmetry_equiv_pos_as_xyz"),
    "magnetic operations": ("_space_group_symop_magn_operation.xyz", "_space_group_symop.magn_operation_xyz"),
    "Hall symbol": ("_space_group_name_Hall", "_symmetry_space_group_name_Hall"),
    "Hermann-Mauguin symbol": ("_space_group_name_H-M_alt", "_symmetry_space_group_name_H-M"),
    "number": ("_space_group_IT_number", "_symmetry_Int_Tables_number"),
}


def inspect(source: Source) -> Iterator[dict[str, Any]]:
    """One dictionary a crystal or rejection, in the order of the source, fit for JSON.

    Raises:
        UserError: the input is missing.
    """
    for shard in source.shards():
        stated: dict[str, list[dict[str, Any]]] = {}
        for item in source.read(shard):
            file = item.source_file
            if file not in stated:
                stated[file] = _stated(source, file)
            if not isinstance(item, Rejection) and isinstance(item.crystal, DisorderedCrystal):
                yield _disordered(item, item.crystal, stated[file])
            else:
                yield _rejected(item, stated[file]) if isinstance(item, Rejection) else _read(item, stated[file])


def _rejected(item: Rejection, stated: list[dict[str, Any]]) -> dict[str, Any]:
    found = {"id": item.candidate_id, "file": item.source_file, "block": item.block}
    return {**found, "rejected": str(item.reason), "why": item.detail, "stated": _of_block(item.block, item.candidate_id, stated)}


def _read(record: Record, stated: list[dict[str, Any]]) -> dict[str, Any]:
    crystal = record.crystal
    assert isinstance(crystal, Crystal)
    composition = {int(z): float((crystal.numbers == z).sum()) for z in np.unique(crystal.numbers)}
    symmetry, sites = _sites(crystal)
    return {**_cell(crystal, composition), "symmetry_found": symmetry, "sites": sites, **_of_record(record, stated)}


def _of_record(record: Record, stated: list[dict[str, Any]]) -> dict[str, Any]:
    crystal = record.crystal
    said = _of_block("", crystal.id, stated)
    return {"file": record.source_file, "note": crystal.note, "licensed": record.licensed, "stated": said}


def _disordered(record: Record, crystal: DisorderedCrystal, stated: list[dict[str, Any]]) -> dict[str, Any]:
    """The averaged structure with one place of each orbit and its occupants, and the approximants that a screen begins with; a
    rejection where there are none."""
    try:
        made = Approximants(crystal)
        made.make(made.fewest)
    except Unsound as fault:
        return _rejected(Rejection(crystal.id, record.source_file, "", fault.reason, fault.detail, record.licensed), stated)
    cell = made.cell
    places = np.bincount(cell.orbit)
    sites = [
        {
            "element": " ".join(f"{symbol(s.number)} {s.occupancy:.4g}" for s in occupants), "wyckoff": str(places[k]),
            "xyz": crystal.frac[cell.of_source[k]].round(6).tolist(),
        }
        for k, occupants in enumerate(cell.occupants)
    ]  # fmt: skip
    approximants = {
        "fewest": made.fewest, "most": made.most, "sites": [one.n_sites for one in made.crystals],
        "weights": made.weights(made.fewest).round(4).tolist(),
    }  # fmt: skip
    symmetry = _symmetry(cell.symmetric.space_group, cell.symmetric.hall) if cell.symmetric.exact else None
    return {
        **_cell(crystal, crystal.composition), "symmetry_found": symmetry, "occupancies": crystal.occupancies,
        "approximants": approximants, "sites": sites, **_of_record(record, stated),
    }  # fmt: skip


def _symmetry(number: int, hall: int) -> dict[str, Any]:
    symbol_of_group = str(moyopy.HallSymbolEntry(hall).hm_short)
    return {"number": number, "symbol": symbol_of_group, "hall_number": hall, "tolerance_A": SYMPREC_A}


def _cell(crystal: AnyCrystal, composition: dict[int, float]) -> dict[str, Any]:
    lengths = np.linalg.norm(crystal.lattice, axis=1)
    pairs = ((1, 2), (0, 2), (0, 1))
    cosines = [crystal.lattice[i] @ crystal.lattice[j] / lengths[i] / lengths[j] for i, j in pairs]
    mass = sum(gemmi.Element(z).weight * n for z, n in composition.items())
    return {
        "id": crystal.id, "formula": crystal.formula, "n_sites": crystal.n_sites,
        "cell": {
            "lengths_A": lengths.round(5).tolist(),
            "angles_deg": np.degrees(np.arccos(np.clip(cosines, -1, 1))).round(4).tolist(),
            "volume_A3": round(crystal.volume, 4),
        },
        "density_g_cm3": round(mass * GRAMS_PER_CM3 / crystal.volume, 4),
    }  # fmt: skip


def _sites(crystal: Crystal) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """The space group that the sites themselves have, and one site of each orbit with its Wyckoff position in the standard
    setting; without symmetry every site."""
    try:
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
        found = moyopy.MoyoDataset(cell, symprec=SYMPREC_A)
    except Exception:  # moyopy raises its own error types where a cell is too distorted
        return None, [_site(crystal, k, "") for k in range(crystal.n_sites)]
    orbits = np.array(found.orbits)
    first = [int(np.flatnonzero(orbits == orbit)[0]) for orbit in dict.fromkeys(orbits.tolist())]
    symmetry = _symmetry(int(found.number), int(found.hall_number))
    return symmetry, [_site(crystal, k, f"{int((orbits == orbits[k]).sum())}{found.wyckoffs[k]}") for k in first]


def _site(crystal: Crystal, k: int, wyckoff: str) -> dict[str, Any]:
    return {"element": symbol(int(crystal.numbers[k])), "wyckoff": wyckoff, "xyz": crystal.frac[k].round(6).tolist()}


def _stated(source: Source, name: str) -> list[dict[str, Any]]:
    """What the blocks of a CIF file say of symmetry and formula; nothing for other files, for several members of a zip that have
    this name, or where the text cannot be parsed."""
    if not isinstance(source, CifFolder) or format_of(name.rpartition("/")[2]) is not Format.CIF:
        return []
    named = [entry for entry in source.entries() if entry.name == name]
    if len(named) != 1:
        return []
    try:
        return [_block(block) for block in gemmi.cif.read_string(in_core_words(_text(named[0])))]
    except Exception:  # the rejection says what is wrong
        return []


def _text(entry: Entry) -> str:
    with Archive() as archive:
        return decode(read_bytes(entry, archive, MOST_BYTES))


def _block(block: gemmi.cif.Block) -> dict[str, Any]:
    said: dict[str, Any] = {"block": block.name}
    for name, tags in SYMMETRY_TAGS.items():
        values = next((list(found) for tag in tags if len(found := block.find_values(tag))), [])
        if values:
            said[name] = len(values) if "operations" in name else gemmi.cif.as_string(values[0])
    formula = block.find_value("_chemical_formula_sum")
    if formula:
        said["formula"] = gemmi.cif.as_string(formula)
    return said


def _of_block(name: str, identifier: str, stated: list[dict[str, Any]]) -> dict[str, Any]:
    """What the crystal's own block says: that of its name, of the name in its id, or the only one that states a symmetry."""
    for wanted in (name, identifier.rpartition("#")[2]):
        for said in stated:
            if wanted and said["block"] == wanted:
                return said
    speaking = [said for said in stated if len(said) > 1]
    return speaking[0] if len(speaking) == 1 else {}
