"""Real files: the same sites as pymatgen, and no crash on any of a large collection of troublesome ones."""

from __future__ import annotations

import re
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pymatgen.core import Structure
from pymatgen.io.cif import CifParser, CifWriter

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection

SITE_TOLERANCE_A = 2e-3  # pymatgen moves 0.3333 to 1/3 (1e-4 of a cell edge); gemmi keeps the digits
LATTICE_TOLERANCE_A = 1e-6
LEAST_READABLE = 0.45  # of the troublesome files; half of them are disordered
SYMPREC_A = 0.01


@pytest.fixture(scope="module")
def symmetrised(known_cifs: list[str]) -> list[str]:
    """The real crystals again, as an asymmetric unit with symmetry operations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [str(CifWriter(Structure.from_str(text, fmt="cif"), symprec=SYMPREC_A)) for text in known_cifs]


def read_one(text: str) -> Crystal:
    (crystal,) = read_cif(text, "file.cif", "file")
    assert isinstance(crystal, Crystal), crystal
    return crystal


def as_pymatgen_reads(text: str) -> Crystal:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (structure,) = CifParser.from_str(text).parse_structures(primitive=False)
    return Crystal.from_pymatgen(structure, "file")


def assert_same_sites(ours: Crystal, theirs: Crystal) -> None:
    assert Counter(ours.numbers.tolist()) == Counter(theirs.numbers.tolist())
    np.testing.assert_allclose(ours.lattice @ ours.lattice.T, theirs.lattice @ theirs.lattice.T, atol=LATTICE_TOLERANCE_A)
    shift = ours.frac[:, None] - theirs.frac[None]
    shift -= np.rint(shift)
    near = np.linalg.norm(shift @ ours.lattice, axis=2) < SITE_TOLERANCE_A
    near &= ours.numbers[:, None] == theirs.numbers[None]
    assert (near.sum(axis=0) == 1).all() and (near.sum(axis=1) == 1).all(), "a site without exactly one partner"


def test_symmetrised_files_give_the_sites_of_pymatgen(symmetrised: list[str]) -> None:
    assert len(symmetrised) == 60
    assert sum("'-x, -y, -z'" in text for text in symmetrised) > 20, "hardly any symmetry to test with"
    for text in symmetrised:
        assert_same_sites(read_one(text), as_pymatgen_reads(text))


def test_symbols_alone_give_the_same_sites(symmetrised: list[str]) -> None:
    """Without their operations, where the symbol has one setting only."""
    compared = 0
    for text in symmetrised:
        symbol = re.search(r"_symmetry_space_group_name_H-M +'?([^'\n]+)", text)
        assert symbol is not None
        operations = re.compile(r"loop_\n _symmetry_equiv_pos_site_id\n _symmetry_equiv_pos_as_xyz\n(?:  \d+  '.*'\n)+")
        bare, removed = operations.subn("", text)
        assert removed == 1
        if symbol[1].replace(" ", "") in ("Fm-3m", "Pm-3m", "P6_3/mmc", "Pnma", "P4/mmm", "I4/mmm", "P1"):
            assert_same_sites(read_one(bare), read_one(text))
            compared += 1
    assert compared >= 10


def test_files_without_symmetry_give_the_sites_of_pymatgen(known_cifs: list[str]) -> None:
    for text in known_cifs[::3]:
        assert_same_sites(read_one(text), as_pymatgen_reads(text))


def test_every_troublesome_file_ends_with_crystals_or_reasons(shared_data: Callable[[str], Path]) -> None:
    rows = pq.read_table(shared_data("cif_quirks.parquet"), columns=["origin_path", "cif"]).to_pylist()
    readable = 0
    reasons: Counter[Reason] = Counter()
    for row in rows:
        found = list(read_cif(row["cif"], row["origin_path"], "file"))
        assert found, row["origin_path"]
        for item in found:
            assert isinstance(item, Crystal | Rejection)
            if isinstance(item, Rejection):
                assert item.reason is not Reason.FAILED, (row["origin_path"], item.detail)
                reasons[item.reason] += 1
        readable += any(isinstance(item, Crystal) for item in found)
    assert len(rows) == 1135
    assert readable / len(rows) > LEAST_READABLE
    assert len(reasons) >= 9, reasons
