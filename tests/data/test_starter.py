"""The embedded starter set: what it holds, against values from the literature."""

from __future__ import annotations

import json
from collections import defaultdict

import numpy as np
import pytest

from data.labels import find_fault, saturation_T
from data.rejection import Rejection
from data.sources import Record
from data.sources.starter import STARTER_FILE, StarterSource

ROWS, COMPOUNDS = 644, 160
LATER_COMPOUNDS = 88
CUTOFF_EV, SCAN_CUTOFF_EV, FEWEST_POINTS = 400, 320, 4
LITERATURE_TOLERANCE = 0.03  # relative; PBE codes agree to a few per cent
EDGE_TOLERANCE = 0.01  # relative
ZERO_MUB = 0.01
IRON_TESLA = 2.2


def records(source: StarterSource) -> list[Record]:
    found = [item for shard in source.shards() for item in source.read(shard)]
    assert not any(isinstance(item, Rejection) for item in found)
    return [item for item in found if isinstance(item, Record)]


@pytest.fixture(scope="module")
def equilibrium() -> dict[str, Record]:
    return {record.crystal.id: record for record in records(StarterSource(equilibrium_only=True))}


def test_it_holds_what_its_description_says() -> None:
    everything = records(StarterSource())
    assert len(everything) == ROWS
    assert len({record.crystal.id for record in everything}) == ROWS


def test_equilibrium_rows_are_one_a_compound_and_part_of_the_whole(equilibrium: dict[str, Record]) -> None:
    assert len(equilibrium) == COMPOUNDS
    assert set(equilibrium) < {record.crystal.id for record in records(StarterSource())}
    assert all(", equilibrium," in record.label.provenance for record in equilibrium.values() if record.label)


@pytest.mark.parametrize(
    ("name", "elements", "moment_muB_per_cell", "edge_A", "cells_per_cube"),
    [
        ("bcc-Fe", "Fe", 2.2, 2.83, 2),
        ("fcc-Co", "Co", 1.65, 3.52, 4),
        ("L21-CoMnSi", "Co-Mn-Si", 5.0, 5.63, 4),
        ("C1b-NiMnSb", "Mn-Ni-Sb", 4.0, 5.91, 4),
        ("fcc-Al", "Al", 0.0, 4.04, 4),
        ("fcc-Ag", "Ag", 0.0, 4.15, 4),
        ("bcc-Co", "Co", 1.75, 2.81, 2),
        ("bcc-Na", "Na", 0.0, 4.20, 2),
        ("B1-NaCl", "Cl-Na", 0.0, 5.70, 4),
        ("B1-TiN", "N-Ti", 0.0, 4.25, 4),
        ("B2-NiAl", "Al-Ni", 0.0, 2.895, 1),
        ("B3-CrSb", "Cr-Sb", 3.0, 6.15, 4),
        ("B3-CrTe", "Cr-Te", 4.0, 6.26, 4),
        ("fcc-Pt", "Pt", 0.0, 3.97, 4),
        ("B3-GaAs", "As-Ga", 0.0, 5.75, 4),
        ("B3-CrAs", "As-Cr", 3.0, 5.66, 4),
        ("L12-AlSc", "Al-Sc", 0.0, 4.10, 1),
        ("C1b-AlLiSi", "Al-Li-Si", 0.0, 5.93, 4),
    ],
)
def test_values_of_the_literature(
    equilibrium: dict[str, Record], name: str, elements: str, moment_muB_per_cell: float, edge_A: float, cells_per_cube: int
) -> None:
    record = equilibrium[name]
    assert record.label is not None
    assert record.crystal.chemsys == elements
    assert record.label.moment_muB_per_cell == pytest.approx(moment_muB_per_cell, rel=LITERATURE_TOLERANCE, abs=ZERO_MUB)
    assert (record.crystal.volume * cells_per_cube) ** (1 / 3) == pytest.approx(edge_A, rel=EDGE_TOLERANCE)


def test_iron_has_the_saturation_of_iron(equilibrium: dict[str, Record]) -> None:
    iron = equilibrium["bcc-Fe"]
    assert iron.label is not None
    tesla = saturation_T(iron.label.per_atom(iron.crystal.n_sites), iron.crystal.volume / iron.crystal.n_sites)
    assert tesla == pytest.approx(IRON_TESLA, rel=LITERATURE_TOLERANCE)


def test_every_label_is_sound() -> None:
    for record in records(StarterSource()):
        assert record.label is not None
        assert find_fault(record.label, record.crystal.n_sites) is None, record.crystal.id


def test_rows_of_later_compounds_say_how_they_were_calculated() -> None:
    """The first compounds were calculated before the program and the mesh of scans were kept."""
    later = [row for row in map(json.loads, STARTER_FILE.read_text().splitlines()) if "program" in row]
    assert len({row["compound"] for row in later}) == LATER_COMPOUNDS
    for row in later:
        assert row["program"].startswith("GPAW ") and min(row["kpts"]) >= FEWEST_POINTS
        assert row["ecut_eV"] == (CUTOFF_EV if row["kind"] == "equilibrium" else SCAN_CUTOFF_EV)
        assert len(row["site_moments_muB"]) == len(row["species"])


def test_an_equilibrium_lies_within_its_scan() -> None:
    rows = list(map(json.loads, STARTER_FILE.read_text().splitlines()))
    volumes = {row["id"]: abs(np.linalg.det(row["cell_A"])) for row in rows}
    scans: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "scan":
            scans[row["compound"]].append(volumes[row["id"]])
    assert set(scans) == {row["id"] for row in rows if row["kind"] == "equilibrium"}
    for name, scanned in scans.items():
        assert min(scanned) < volumes[name] < max(scanned), name


def test_its_identity_tells_the_two_parts_apart() -> None:
    assert StarterSource().identity() == StarterSource().identity() != StarterSource(equilibrium_only=True).identity()
