"""The formats of files with crystals: CIF, POSCAR, pymatgen's and OPTIMADE's JSON, extended XYZ.

What is no CIF becomes an OPTIMADE entry: so it meets the rules that a CIF file meets.
"""

from __future__ import annotations

import json
import posixpath
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from data.cif.disorder import Disorder
from data.cif.reader import read_cif
from data.cif.stated_composition import atomic_number
from data.disordered import AnyCrystal
from data.rejection import Reason, Rejection
from data.sources.extended_xyz import read_extended_xyz
from data.sources.optimade.entries import read_entry
from data.sources.plain_entry import NoStructure, need_three_periods, plain_entry, why_unreadable
from data.sources.poscar import read_poscar
from data.sources.structure_json import check_structure, with_shares_summed

if TYPE_CHECKING:
    from pymatgen.core import Structure


class Format(StrEnum):
    """How the text of a file is to be read."""

    CIF = "cif"
    POSCAR = "poscar"
    JSON = "json"
    XYZ = "extxyz"


ENDINGS = {
    ".cif": Format.CIF, ".mcif": Format.CIF, ".vasp": Format.POSCAR, ".poscar": Format.POSCAR, ".json": Format.JSON,
    ".extxyz": Format.XYZ, ".xyz": Format.XYZ,
}  # fmt: skip
READABLE = "CIF (.cif, .mcif), POSCAR or CONTCAR (also .vasp), pymatgen JSON, extended XYZ"
_POSCAR_NAME = re.compile(r"(POSCAR|CONTCAR)([._-].*)?", re.IGNORECASE)
_ID_KEYS = ("id", "material_id", "entry_id", "task_id", "name")
_DETAIL = 400  # characters


def format_of(name: str) -> Format | None:
    """The format of a file of this name (without folders; it may end in .gz); None for a name that says nothing of crystals."""
    plain = _unpacked(name)
    _, dot, ending = plain.lower().rpartition(".")
    return ENDINGS.get(dot + ending) or (Format.POSCAR if _POSCAR_NAME.fullmatch(plain) else None)


def without_ending(name: str) -> str:
    """A path without .gz and without the ending that says the format: `A/structure.cif.gz` is `A/structure`."""
    plain = _unpacked(name)
    stem, ending = posixpath.splitext(plain)
    return stem if ending.lower() in ENDINGS else plain


def sniff(text: str) -> Format | None:
    """The format of a text whose file has no name; None where it is none of ours."""
    start = text.lstrip("\ufeff \t\r\n")
    if start[:1] in ("{", "["):
        return Format.JSON
    if re.search(r"^\s*(?:data_|_cell_length_a\b)", text, re.IGNORECASE | re.MULTILINE):
        return Format.CIF
    lines = text.splitlines()
    if len(lines) > 2 and re.fullmatch(r"\s*\d+\s*", lines[0]) and "lattice=" in lines[1].lower():
        return Format.XYZ
    numbers = [re.fullmatch(r"\s*(?:[-+\d.eEdD]+\s*){1,3}", re.split("[!#]", line)[0]) for line in lines[1:5]]
    return Format.POSCAR if len(numbers) == 4 and all(numbers) else None


def read_text(kind: Format, text: str, source_file: str, default_id: str, disorder: Disorder) -> Iterator[AnyCrystal | Rejection]:
    """All crystals of a text, in order; whatever fails is a Rejection.

    A crystal's id is the one that the text gives it (a database code of CIF, `id` or `material_id` of JSON), else `default_id`,
    with `#number` where the text holds several.
    """
    if kind is Format.CIF:
        yield from read_cif(text, source_file, default_id, disorder)
        return
    readers = {Format.POSCAR: _poscar, Format.JSON: _json, Format.XYZ: read_extended_xyz}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not text.strip():
                raise NoStructure("the file is empty")
            entries = list(readers[kind](text))
    except Exception as fault:  # the libraries raise whatever their parsers met
        yield Rejection(default_id, source_file, "", Reason.NOT_STRUCTURE, why_unreadable(fault, kind)[:_DETAIL])
        return
    for k, entry in enumerate(entries, start=1):
        numbered = default_id if len(entries) == 1 else f"{default_id}#{k}"
        if isinstance(entry, str):
            yield Rejection(numbered, source_file, str(k), Reason.NOT_STRUCTURE, entry[:_DETAIL])
        else:
            found = read_entry({**entry, "id": entry["id"] or numbered}, source_file, k, disorder)
            if entry.get("note") and not isinstance(found, Rejection):
                found = replace(found, note="; ".join(filter(None, (entry["note"], found.note))))
            yield found


def structure_entry(written: Any) -> dict[str, Any]:
    """An OPTIMADE entry of a pymatgen Structure as a dictionary or as JSON text.

    Raises:
        Exception: it is none; of any type, since pymatgen checks little.
    """
    from pymatgen.core import Structure

    content = json.loads(written) if isinstance(written, str | bytes) else written
    if isinstance(content, dict) and "sites" in content and "lattice" not in content:
        raise NoStructure("a molecule: sites without a lattice")
    if not _is_structure(content):
        raise NoStructure("no pymatgen Structure: a dictionary with `lattice` and `sites`")
    structure = Structure.from_dict(with_shares_summed(content))
    check_structure(content, structure)
    return entry_of_structure(structure)


def _unpacked(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else name


def _poscar(text: str) -> Iterator[dict[str, Any]]:
    yield read_poscar(text)


def _json(text: str) -> Iterator[dict[str, Any] | str]:
    """Entries, or in the place of one that is none, why."""
    content = json.loads(text)
    if isinstance(content, dict) and isinstance(content.get("data"), list):  # an answer of an OPTIMADE provider
        content = content["data"]
    if isinstance(content, dict) and not _holds_structure(content) and content and all(map(_holds_structure, content.values())):
        content = [{"id": name, **_as_named(part)} for name, part in content.items()]
    parts = content if isinstance(content, list) else [content]
    if not parts:
        raise NoStructure("an empty list")
    for part in parts:
        try:
            yield _json_entry(part)
        except Exception as fault:  # whatever pymatgen raises; it must not stop the others
            yield why_unreadable(fault)


def _json_entry(part: Any) -> dict[str, Any]:
    if isinstance(part, dict) and isinstance(part.get("attributes"), dict) and "lattice_vectors" in part["attributes"]:
        return {"id": str(part.get("id") or ""), "attributes": part["attributes"]}
    named = _as_named(part)
    identifier = next((str(named[key]) for key in _ID_KEYS if named.get(key) not in (None, "")), "")
    return {**structure_entry(named["structure"]), "id": identifier}


def _as_named(part: Any) -> dict[str, Any]:
    """A dictionary with the key `structure`, of a structure or of one that holds it."""
    return part if isinstance(part, dict) and "structure" in part else {"structure": part}


def _holds_structure(part: Any) -> bool:
    return _is_structure(part) or (isinstance(part, dict) and "structure" in part)


def _is_structure(content: Any) -> bool:
    return isinstance(content, dict) and "lattice" in content and "sites" in content


def entry_of_structure(structure: Structure) -> dict[str, Any]:
    """An OPTIMADE entry without an id. Raises NoStructure where it is not periodic in three directions."""
    need_three_periods(structure.lattice.pbc)
    sites = [[(_ion(species), float(share)) for species, share in site.species.items()] for site in structure]
    return plain_entry(structure.lattice.matrix, structure.cart_coords, sites)


def _ion(species: Any) -> str:
    """`Fe`, or `Fe2.5+` where the species has an oxidation state: by these, disordered crystals are made neutral."""
    state = getattr(species, "oxi_state", None)
    if state is None or not atomic_number(species.symbol):
        return str(species.symbol)
    charge = f"{abs(state):.6f}".rstrip("0").rstrip(".")  # with no exponent, also where a mean is nearly 0
    return f"{species.symbol}{charge}{'-' if state < 0 else '+'}"
