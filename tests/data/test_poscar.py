"""POSCAR: what VASP accepts is read as VASP reads it; a file that says less or more than it counts is refused."""

from __future__ import annotations

import numpy as np
import pytest

from data.cif.disorder import Disorder
from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.rejection import Reason, Rejection
from data.sources.formats import Format, read_text, sniff

CELL = "3 0 0\n0 4 0\n0 0 5\n"
PLACES = "0 0 0\n0.5 0.5 0.5\n"
PLAIN = f"title\n1.0\n{CELL}Fe Co\n1 1\nDirect\n{PLACES}"
EXACT = 1e-9


def read(text: str) -> AnyCrystal | Rejection:
    (found,) = read_text(Format.POSCAR, text, "a/POSCAR", "a/POSCAR", Disorder.REJECT)
    return found


def changed(old: str, new: str) -> str:
    assert old in PLAIN
    return PLAIN.replace(old, new)


@pytest.mark.parametrize(
    "text",
    [
        PLAIN, PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\r"), changed("title", ""), changed("1.0\n", "1.0 ! scale\n"),
        changed("1.0\n", "1.0D0\n"), changed("1.0\n", "-60\n"), changed("1.0\n", "1 1 1\n"), changed("Fe Co", "Fe_pv Co_sv"),
        changed("Fe Co", "Fe_pv/474ac0d Co/79d9987ad87"), changed("Fe Co", "Fe3+ Co2+"), changed("Fe Co", "FE co"),
        changed("Fe Co", "Fe_sv_GW/c0ffee12 Co_h"),
        changed("Fe Co\n1 1", "Fe\nCo\n1\n1"), changed("1 1\n", "1 1 ! atoms\n"), changed("Fe Co\n1 1", "Fe Ni Co\n1 0 1"),
        changed("Direct", "Selective dynamics\nDirect").replace("0 0 0\n0.5 0.5 0.5", "0 0 0 T F F\n0.5 0.5 0.5 F F F"),
        changed("Direct\n0 0 0\n0.5 0.5 0.5", "Cartesian\n0 0 0\n1.5 2 2.5"), changed("Direct", "direct # of the cell"),
        changed("0.5 0.5 0.5", "0.5-0.5-0.5"), PLAIN + "\n0 0 0\n0 0 0\n",
        changed("Fe Co\n", "").replace("0 0 0\n0.5 0.5 0.5", "0 0 0 Fe\n0.5 0.5 0.5 Co"),
    ],
)  # fmt: skip
def test_spellings_of_one_crystal(text: str) -> None:
    crystal = read(text)
    assert isinstance(crystal, Crystal), crystal
    assert crystal.formula == "FeCo" and crystal.numbers.tolist() == [26, 27] and crystal.note == ""
    assert np.allclose(crystal.lattice, np.diag([3, 4, 5]), atol=EXACT)
    assert np.allclose(crystal.frac % 1.0, [[0, 0, 0], [0.5, 0.5, 0.5]], atol=EXACT)


@pytest.mark.parametrize(
    ("scale", "edges"), [("2", (6, 8, 10)), ("1 2 3", (3, 8, 15)), ("-480", (6, 8, 10))], ids=["one", "three", "volume"]
)
@pytest.mark.parametrize("cartesian", [False, True])
def test_scales(scale: str, edges: tuple[float, ...], cartesian: bool) -> None:
    text = changed("1.0", scale)
    if cartesian:
        text = text.replace("Direct\n0 0 0\n0.5 0.5 0.5", "Cartesian\n0 0 0\n1.5 2 2.5")
    crystal = read(text)
    assert isinstance(crystal, Crystal), crystal
    assert np.allclose(crystal.lattice, np.diag(edges), atol=EXACT)
    assert np.allclose(crystal.frac[1] % 1.0, 0.5, atol=EXACT)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (PLAIN + "0.25 0.25 0.25\n", "more positions than the 2"), (changed("1 1\n", "1 2\n"), "position 3 of 3"),
        (changed("Fe Co", "Fe Co Ni"), "3 elements are named"), (changed("Fe Co", "Fe"), "2 numbers of atoms"),
        (changed("Fe Co\n", ""), "does not name its elements"), (changed("Direct\n", ""), "`Direct` or `Cartesian`"),
        (changed("Fe Co\n", "").replace("0 0 0\n0.5 0.5 0.5", "0 0 0 F\n0.5 0.5 0.5 T"), "does not name its elements"),
        (changed("Fe Co\n", "").replace("0 0 0\n0.5 0.5 0.5", "0 0 0 F F F\n.5 .5 .5 T T T"), "does not name its elements"),
        (changed("1 1\n", "0 0\n"), "number of atoms"), (changed("1 1\n", "1 -1\n"), "number of atoms"),
        (changed("1.0\n", "0\n"), "scale"), (changed("1.0\n", "1 2\n"), "scale"), (changed("1.0\n", "-1 2 3\n"), "scale"),
        (changed("0 4 0", "0 4"), "lattice vectors"), (changed("0.5 0.5 0.5", "0.5 nan 0.5"), "position 2"),
        ("a\n1\n", "lattice vector"), ("a\n", "scale"),
        (changed("Fe Co", "Fe/Ni Co"), "'Fe/Ni' in the line of elements names several"),
        (changed("Fe Co", "Fe Co_Ni"), "'Co_Ni'"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused_with_the_reason(text: str, word: str) -> None:
    refused = read(text)
    assert isinstance(refused, Rejection) and refused.reason is Reason.NOT_STRUCTURE and word in refused.detail, refused


def test_symbols_behind_the_positions_that_contradict_the_line_of_elements_are_noted() -> None:
    crystal = read(changed("0 0 0\n", "0 0 0 Ni\n"))
    assert isinstance(crystal, Crystal) and crystal.formula == "FeCo" and "Ni" in crystal.note
    agreeing = read(changed("0 0 0\n", "0 0 0 Fe\n"))
    assert isinstance(agreeing, Crystal) and not agreeing.note


@pytest.mark.parametrize(("symbol", "reason"), [("X", Reason.UNKNOWN_ELEMENT), ("Wat", Reason.UNKNOWN_ELEMENT)])
def test_symbols_meet_the_rules_of_cif(symbol: str, reason: Reason) -> None:
    refused = read(changed("Fe Co", f"{symbol} Co"))
    assert isinstance(refused, Rejection) and refused.reason is reason
    deuterium = read(changed("Fe Co", "D Co"))
    assert isinstance(deuterium, Crystal) and sorted(deuterium.numbers.tolist()) == [1, 27]


def test_sniffing_with_comments() -> None:
    assert sniff(changed("1.0\n", "1.0 ! scale\n")) is Format.POSCAR and sniff(PLAIN) is Format.POSCAR
