"""Formulas, elements, neighbours and cells as the page needs them."""

from __future__ import annotations

from pathlib import Path

import moyopy
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from pipeline.dedup.cellfile import CellFiles, write_cells
from pipeline.report.elements import BITS, element_looks, masks, periodic_table
from pipeline.report.formulas import composition
from pipeline.report.neighbours import FARTHEST, NEAREST, Learned, neighbours
from pipeline.report.structures import CENTRINGS, CONVENTIONAL, FRACTION, packed_cells
from pipeline.screening.structures import write_structures

CRYSTALS = [item.crystal for shard in StarterSource().shards() for item in StarterSource().read(shard)][::4]


@pytest.mark.parametrize("crystal", CRYSTALS, ids=lambda crystal: str(crystal.formula))
def test_a_formula_says_what_the_crystal_holds(crystal: object) -> None:
    numbers = crystal.numbers  # type: ignore[attr-defined]
    elements, counts = np.unique(numbers, return_counts=True)
    found = composition(crystal.formula)  # type: ignore[attr-defined]
    assert [z for z, _ in found] == elements.tolist()
    np.testing.assert_allclose([share for _, share in found], counts / len(numbers))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mn3(OF)2", {25: 3 / 7, 8: 2 / 7, 9: 2 / 7}),
        ("K2Ca(Fe(CN)6)2", {19: 2 / 29, 20: 1 / 29, 26: 2 / 29, 6: 12 / 29, 7: 12 / 29}),
        ("Fe0.5Co1.5", {26: 0.25, 27: 0.75}),
        ("", {}), ("<b>", {}), ("Fe)2", {}), ("(Fe", {}), ("Fe O", {}), ("Xx2", {}), ("2", {}), ("Fe0", {}), ("D2O", {}),
    ],
)  # fmt: skip
def test_formulas_and_what_is_none(text: str, expected: dict[int, float]) -> None:
    assert dict(composition(text)) == pytest.approx(expected)


@given(st.text(max_size=20))
def test_no_text_breaks_it(text: str) -> None:
    shares = [share for _, share in composition(text)]
    assert not shares or sum(shares) == pytest.approx(1)


def test_masks_say_the_same() -> None:
    found = masks(["Fe3O4", "LrH", "nothing"])
    held = [[z for z in range(1, 104) if row[(z - 1) // BITS] >> (z - 1) % BITS & 1] for row in found.tolist()]
    assert held == [[8, 26], [1, 103], []]


def test_the_periodic_table() -> None:
    places = {place.symbol: (place.row, place.column) for place in periodic_table()}
    assert len(set(places.values())) == len(places) == 103
    assert [places[s] for s in ("H", "He", "B", "Fe", "Ba", "La", "Lu", "Hf", "Rn", "Ac", "Lr")] == [
        (1, 1), (1, 18), (2, 13), (4, 8), (6, 2), (8, 3), (8, 17), (6, 4), (6, 18), (9, 3), (9, 17),
    ]  # fmt: skip
    looks = element_looks([26, 103])
    assert looks[26]["radius"] == pytest.approx(1.4) and all(
        0 <= part <= 255 for look in looks.values() for part in look["colour"]
    )


def test_neighbours_are_the_nearest_by_exchanged_atoms() -> None:
    random = np.random.default_rng(3)
    names = [f"Fe{a}Co{b}O{c}" for a, b, c in random.integers(1, 9, (300, 3))] + ["NaCl", "??"]
    known = Learned([f"m{k:03d}" for k in range(len(names))], names, np.zeros(len(names)))
    wanted = ["Fe3CoO4", "NaCl", "Fe2O3", "??", "HeNe"]

    def apart(one: str, other: str) -> float:
        a, b = dict(composition(one)), dict(composition(other))
        return 0.5 * sum(abs(a.get(z, 0) - b.get(z, 0)) for z in a | b)

    for formula, found in zip(wanted, neighbours(wanted, known), strict=True):
        distances = sorted(apart(formula, name) for name in names if composition(formula) and composition(name))
        expected = [d for d in distances[:NEAREST] if d <= FARTHEST]
        assert [neighbour.exchanged for neighbour in found] == pytest.approx(expected, abs=2e-4)
        assert all(neighbour.exchanged == pytest.approx(apart(formula, names[neighbour.row]), abs=2e-4) for neighbour in found)
    assert neighbours(["Fe"], Learned()) == [[]]


def test_cells_come_back_and_know_their_conventional_cell(tmp_path: Path) -> None:
    cells = [symmetrise(crystal) for crystal in CRYSTALS]
    write_cells(tmp_path / "cells.parquet", cells)
    order = list(range(len(cells)))[::-1]
    write_structures(tmp_path, CellFiles((tmp_path / "cells.parquet",)), order)
    packed = packed_cells(tmp_path)
    assert len(packed) == len(cells) and packed.sites.tolist() == [len(cells[k].numbers) for k in order]
    assert packed.numbers.tolist() == [int(z) for k in order for z in cells[k].numbers]
    apart = packed.frac / FRACTION - np.concatenate([cells[k].frac for k in order])
    assert np.abs(apart - np.rint(apart)).max() <= 0.5 / FRACTION
    seen = set()
    for place, k in enumerate(order):
        crystal = CRYSTALS[k]
        cell = moyopy.Cell(crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
        letter = CENTRINGS[packed.centring[place]]
        conventional = np.array(CONVENTIONAL[letter]) @ cells[k].lattice
        np.testing.assert_allclose(conventional, moyopy.MoyoDataset(cell, symprec=0.01).std_cell.basis, atol=1e-3)
        np.testing.assert_allclose(packed.parameters[place, :3], np.linalg.norm(cells[k].lattice, axis=1), atol=1e-9)
        seen.add(letter)
    assert {"P", "F", "I"} <= seen


def test_withheld_structures_leave_nothing(tmp_path: Path) -> None:
    write_cells(tmp_path / "cells.parquet", [symmetrise(CRYSTALS[0])])
    files = CellFiles((tmp_path / "cells.parquet",))
    write_structures(tmp_path, files, [0])
    assert len(packed_cells(tmp_path)) == 1
    write_structures(tmp_path, files, [])
    assert len(packed_cells(tmp_path)) == 0 and len(packed_cells(tmp_path / "nowhere")) == 0
