"""What an export says of measurements and of 4f electrons."""

from __future__ import annotations

import bz2
import json
from pathlib import Path

import numpy as np
import pytest
from pybtex.database import parse_string
from pymatgen.io.vasp.inputs import POTCAR_STATS_PATH

from data.symmetry import symmetrise
from pipeline.export.chosen import Chosen
from pipeline.export.four_f import four_f_states
from pipeline.export.measured import measured
from pipeline.export.readme import Part, readme
from pipeline.export.references import bibtex
from pipeline.magnetism.competing_orderings import orderings
from tests.contract.crystals import hand_built
from tests.pipeline.export.test_hostile_text import RUN, row

NUMBERS = np.arange(1, 100)
ORDERINGS = orderings(symmetrise(hand_built()["Fe"]))[:1]
KNOWN = {
    "known_order": "FM", "known_tc_K": 1043.0, "known_tn_K": float("nan"), "known_references": 3,
    "known_dois": "10.1000/a_b; 10.1000/c; handbook: Coey 2010",
}  # fmt: skip


def test_both_potentials_exist_in_vasps_sets_for_every_lanthanoid() -> None:
    sets = json.loads(bz2.decompress(Path(POTCAR_STATS_PATH).read_bytes()))
    there = {one["symbol"] for name in sets if name.startswith("PBE") for same in sets[name].values() for one in same}
    states = four_f_states(NUMBERS)
    assert [one.element for one in states] == ["Ce", "Pr", "Nd", "Pm", "Sm", "Eu", "Gd", "Tb", "Dy", "Ho", "Er", "Tm", "Yb"]
    for one in states:
        assert {one.frozen, one.valence} <= there and one.chosen in (one.frozen, one.valence)


# g J of the free ions: Jensen and Mackintosh, Rare Earth Magnetism, table 1.1 (Eu divalent: 7)
@pytest.mark.parametrize(("z", "moment", "beside"), [
    (58, 2.14, "parallel"), (60, 3.27, "parallel"), (62, 0.71, "parallel"), (63, 7.0, "antiparallel"),
    (64, 7.0, "antiparallel"), (66, 10.0, "antiparallel"), (69, 7.0, "antiparallel"), (70, 4.0, "antiparallel"),
])  # fmt: skip
def test_free_ions(z: int, moment: float, beside: str) -> None:
    (one,) = four_f_states(np.array([z, 26, 57, 71]))
    assert one.ion_moment_muB == pytest.approx(moment, abs=0.01) and one.beside_3d == beside


def test_the_full_shell_of_divalent_ytterbium_hides_no_moment() -> None:
    states = four_f_states(np.array([63, 66, 70]))
    assert {one.element: one.facts()["hidden_by_frozen_muB"] for one in states} == {"Eu": 7.0, "Dy": 10.0, "Yb": 0.0}
    told = readme(RUN, ["vasp"], [Part(Chosen(row("Fe"), hand_built()["Fe"]), 1, ORDERINGS, (), four_f=states)], [])
    (line,) = [line for line in told.splitlines() if line.startswith("| Yb |")]
    assert line == "| Yb | Yb_2 | core | Yb_2 | Yb | 4.00 | 0.00 | antiparallel |" and "`Yb_3`" in told
    without = readme(RUN, ["vasp"], [Part(Chosen(row("Fe"), hand_built()["Fe"]), 1, ORDERINGS, (), four_f=states[:2])], [])
    assert "Yb_3" not in without and "| Dy | Dy_3 | core | Dy_3 | Dy | 10.00 | 10.00 | antiparallel |" in without


def test_frozen_where_the_materials_project_freezes() -> None:
    assert {one.element: one.in_core for one in four_f_states(np.array([58, 62, 63, 64, 70]))} == {
        "Ce": False, "Sm": True, "Eu": False, "Gd": False, "Yb": True,
    }  # fmt: skip


def test_measured_values_and_their_references_are_told() -> None:
    part = Part(Chosen({**row("Fe"), **KNOWN}, hand_built()["Fe"]), 1, [], ())
    assert part.measured and part.measured.facts() == {
        "order": "FM", "tc_K": 1043.0, "tn_K": None, "references": 3,
        "sources": ["10.1000/a_b", "10.1000/c", "handbook: Coey 2010"],
    }  # fmt: skip
    text = readme(RUN, ["csv"], [part], [])
    (line,) = [line for line in text.splitlines() if "10.1000/c" in line]
    assert line == "| 00001-Fe | FM | 1043 |  | 3 | 10.1000/a\\_b; 10.1000/c; handbook: Coey 2010 |"
    entries = parse_string(bibtex(RUN, [part.chosen.row]), "bibtex").entries
    assert entries["measured1"].fields["doi"].replace("\\_", "_") == "10.1000/a_b" and "doi" in entries["measured2"].fields
    assert entries["measured3"].fields["howpublished"] == "handbook: Coey 2010" and "doi" not in entries["measured3"].fields


def test_nothing_measured_says_nothing() -> None:
    nothing = {"known_order": "", "known_tc_K": float("nan"), "known_tn_K": float("nan"), "known_references": 0, "known_dois": ""}
    assert measured(nothing) is None and measured(row("Fe")) is None, "and rankings of older releases have no such columns"
    assert "## Measured" not in readme(RUN, ["csv"], [Part(Chosen({**row("Fe"), **nothing}, hand_built()["Fe"]), 1, [], ())], [])
