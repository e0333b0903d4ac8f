"""JSON and extended XYZ that say one thing twice, or more than a reader uses: nothing of it is passed over in silence."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pymatgen.core import DummySpecies, Lattice, Molecule, Species, Structure
from pymatgen.io.cif import CifWriter

from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.disordered import AnyCrystal, DisorderedCrystal
from data.rejection import Reason, Rejection
from data.sources.formats import Format, read_text
from ferroscreen.inputs import crystals_of

BOX = 'Lattice="3 0 0 0 3 0 0 0 3"'
ATOMS = "Fe 0 0 0\nCo 1.5 1.5 1.5\n"
FRAME = f"2\n{BOX}\n{ATOMS}"


def read(kind: Format, text: str) -> list[AnyCrystal | Rejection]:
    return list(read_text(kind, text, "f", "f", Disorder.AVERAGE))


def structure(**changes: Any) -> Structure:
    lattice = Lattice([[3, 0, 0], [0, 3, 0], [0, 0, 3]], **changes)
    return Structure(lattice, ["Fe", "Co"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def edited(edit: Callable[[dict[str, Any]], None]) -> AnyCrystal | Rejection:
    content = json.loads(json.dumps(structure().as_dict()))
    edit(content)
    (found,) = read(Format.JSON, json.dumps(content))
    return found


def refused(item: AnyCrystal | Rejection, word: str) -> bool:
    return isinstance(item, Rejection) and item.reason is Reason.NOT_STRUCTURE and word in item.detail


def test_a_slab_is_no_crystal_in_any_format() -> None:
    (slab,) = read(Format.JSON, json.dumps(structure(pbc=(True, True, False)).as_dict()))
    assert refused(slab, "2 directions")
    (slab,) = read(Format.XYZ, FRAME.replace(BOX, f'{BOX} pbc="T T F"'))
    assert refused(slab, "2 directions")
    (chain,) = read(Format.JSON, json.dumps(structure(pbc=(False, False, True)).as_dict()))
    assert refused(chain, "periodic in 1 direction only")
    (molecule,) = read(Format.JSON, json.dumps(Molecule(["Fe", "Co"], [[0, 0, 0], [0, 0, 2]]).as_dict()))
    assert refused(molecule, "molecule")


@pytest.mark.parametrize(
    ("edit", "word"),
    [
        (lambda d: d["lattice"].update(a=5.0), "a = 5"),
        (lambda d: d["lattice"].update(gamma=120.0), "gamma = 120"),
        (lambda d: d["lattice"].update(matrix=[[6, 0, 0], [0, 6, 0], [0, 0, 6]]), "matrix 6"),
        (lambda d: d["sites"][1].update(xyz=[0.0, 1.5, 1.5]), "site 2"),
        (lambda d: d["sites"][1].update(abc=[0.25, 0.5, 0.5]), "site 2"),
        (lambda d: d["sites"][1].update(species=[]), "site 2 names no element"),
    ],
)
def test_a_structure_that_says_two_things_is_refused(edit: Callable[[dict[str, Any]], None], word: str) -> None:
    assert refused(edited(edit), word)


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d["sites"][1].update(xyz=[4.5, -1.5, 1.5]),  # another image
        lambda d: d["sites"][1].update(xyz=[1.5003, 1.5, 1.5]),  # rounded
        lambda d: [site.pop("xyz") for site in d["sites"]],
        lambda d: [d["lattice"].pop(name) for name in ("a", "b", "c", "alpha", "beta", "gamma", "volume")],
    ],
)
def test_what_agrees_or_is_left_out_is_read(edit: Callable[[dict[str, Any]], None]) -> None:
    found = edited(edit)
    assert isinstance(found, Crystal) and found.formula == "FeCo"


@pytest.mark.parametrize("column", ["occupancy", "occupancies", "occ", "Occupancy", "site_occupancy"])
def test_occupancies_in_xyz_are_never_taken_for_full(column: str) -> None:
    text = f"2\n{BOX} Properties=species:S:1:pos:R:3:{column}:R:1\nFe 0 0 0 0.5\nCo 1.5 1.5 1.5 1\n"
    (found,) = read(Format.XYZ, text)
    assert refused(found, column)


def test_frames_that_count_wrongly() -> None:
    good, bad = read(Format.XYZ, FRAME + FRAME.replace("Co 1.5", "Co x"))
    assert isinstance(good, Crystal) and isinstance(bad, Rejection)
    (short,) = read(Format.XYZ, FRAME.replace("2\n", "1\n", 1))
    assert refused(short, "more lines than the 1 atoms")
    (long,) = read(Format.XYZ, FRAME.replace("2\n", "3\n", 1))
    assert refused(long, "fewer lines than the 3 atoms")
    first, second = read(Format.XYZ, FRAME + "\n" + FRAME.replace("2\n", "3\n", 1))
    assert isinstance(first, Crystal) and refused(second, "frame 2 has fewer lines")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (FRAME.replace("Fe 0", "Fe3+ 0"), "no element"),
        (f"1\n{BOX} Properties=species:S:1:frac_pos:R:3\nFe 0 0 0\n", "no positions"),
        ("2\ncell of iron\n" + ATOMS, "no lattice"),
        (f"2\n{BOX} Properties=species:S:1:pos:R:3:forces:R:3\n{ATOMS}", "name 7 columns"),
        (f"2\n{BOX} Properties=species:S:99999999999:pos:R:3\n{ATOMS}", "name 100000000002 columns"),
        (f"2\n{BOX} Properties=species:S:1:pos:R:3:Z:I:1\nFe 0 0 0 26\nCo 1.5 1.5 1.5 28\n", "species, Z: Co, 28"),
        (f"2\n{BOX} Properties=Z:I:1:pos:R:3:species:S:1\n26 0 0 0 Co\n27 1.5 1.5 1.5 Co\n", "species, Z: Co, 26"),
        (f"2\n{BOX} Properties=species:S:1:pos:R:3:numbers:I:1\nFe 0 0 0 26\nCo 1.5 1.5 1.5 28\n", "species, numbers: Co, 28"),
        (f"1\n{BOX} Properties=species:S:1:symbols:S:1:pos:R:3\nFe Co 0 0 0\n", "species, symbols: Fe, Co"),
        (f"1\n{BOX} Properties=species:S:1:pos:R:3:positions:R:3\nFe 0 0 0 1 1 1\n", "two columns of positions"),
        (FRAME.replace(BOX, f'{BOX} PBC="T T F"'), "2 directions"),
        (FRAME.replace(BOX, f"{BOX} pbc=TTF"), "pbc says 'TTF'"),
        (FRAME.replace(BOX, f'{BOX} pbc="p p f"'), "pbc says 'p'"),
        (FRAME.replace(BOX, f'{BOX} pbc=[true, true, false]'), "2 directions"),
        (FRAME.replace(BOX, f'{BOX} pbc=["T", "T", "F"]'), "pbc says '\"T\"'"),
        (FRAME.replace(BOX, f"{BOX} pbc={{1 0 1.0}}"), "2 directions"),
    ],
)
def test_xyz_that_is_not_read_says_why(text: str, word: str) -> None:
    (found,) = read(Format.XYZ, text)
    assert refused(found, word), found


def test_disordered_structures_stay_disordered() -> None:
    mixed = Structure(Lattice.cubic(3), [{"Fe": 0.5, "Co": 0.5}, {"Ni": 0.7}], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (found,) = read(Format.JSON, json.dumps(mixed.as_dict()))
    assert isinstance(found, DisorderedCrystal) and found.formula == "Fe0.5Co0.5Ni0.7"


@pytest.mark.parametrize("key", ["Properties", "properties", "PROPERTIES"])
def test_keys_of_xyz_in_any_spelling(key: str) -> None:
    """ASE would read the columns of an unknown key as symbol and position."""
    text = f"2\n{BOX.lower()} {key}=species:S:1:Z:I:1:pos:R:3\nFe 26 0 0 0\nCo 27 1.5 1.5 1.5\n"
    (found,) = read(Format.XYZ, text)
    assert isinstance(found, Crystal) and found.formula == "FeCo"
    np.testing.assert_allclose(found.frac, [[0, 0, 0], [0.5, 0.5, 0.5]], atol=1e-9)


@pytest.mark.parametrize("shares", [{"D": 0.5, "H": 0.5}, {"D+": 0.25, "H+": 0.75}, {"T": 0.5, "D": 0.5}])
def test_isotopes_that_share_a_site_are_all_counted(shares: dict[str, float]) -> None:
    """pymatgen writes both as `H`, and reads the share of the last one."""
    written = json.dumps(Structure(Lattice.cubic(3), [shares, "Co"], [[0, 0, 0], [0.5, 0.5, 0.5]]).as_dict())
    (found,) = read(Format.JSON, written)
    assert isinstance(found, Crystal) and found.formula == "CoH"
    (found,) = read(Format.JSON, written.replace('"element": "H"', '"element": "D"', 1))
    assert isinstance(found, Crystal) and found.formula == "CoH"


@pytest.mark.parametrize("ions", [{"Fe3+": 0.5, "Co2+": 0.5}, {"Fe2.5+": 0.25, "Co2-": 0.5}, {"Fe2+": 0.3, "Fe3+": 0.3}])
def test_oxidation_states_of_a_structure_are_those_of_its_cif(ions: dict[str, float]) -> None:
    """By them disordered crystals are made neutral, so that the file's format would decide about the prediction."""
    charged = Structure(Lattice.cubic(3), [ions, "O2-"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (by_json,) = read(Format.JSON, json.dumps(charged.as_dict()))
    (by_cif,) = read(Format.CIF, str(CifWriter(charged)))
    ((_, by_object),) = crystals_of(charged)
    for found in (by_json, by_cif, by_object):
        assert isinstance(found, DisorderedCrystal)
        states = {s.number: s.charge for kind in found.kinds for s in kind}
        assert states[8] == -2.0 and None not in states.values()
        assert set(found.kinds) == set(by_json.kinds)  # type: ignore[union-attr]


@pytest.mark.parametrize("state", [1e-5, -5e-17, 1e6, 8 / 3])
def test_oxidation_states_of_any_size(state: float) -> None:
    """A mean that is nearly zero has no exponent, which would be part of the symbol."""
    written = Structure(Lattice.cubic(3), [Species("Fe", state), Species("O", -2)], [[0, 0, 0], [0.5, 0.5, 0.5]])
    (found,) = read(Format.JSON, json.dumps(written.as_dict()))
    assert isinstance(found, Crystal) and found.formula == "FeO"


def test_species_without_oxidation_states_have_none() -> None:
    (found,) = read(Format.JSON, json.dumps(Structure(Lattice.cubic(3), [{"Fe": 0.5}], [[0, 0, 0]]).as_dict()))
    assert isinstance(found, DisorderedCrystal) and [s.charge for kind in found.kinds for s in kind] == [None]
    dummy = Structure(Lattice.cubic(3), [{"Fe": 0.5, DummySpecies("X"): 0.5}], [[0, 0, 0]])
    ((_, refusal),) = crystals_of(dummy)
    assert isinstance(refusal, Rejection) and refusal.reason is Reason.UNKNOWN_ELEMENT and "'X'" in refusal.detail
