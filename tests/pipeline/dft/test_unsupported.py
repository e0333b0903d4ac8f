"""Crystals that PBE without +U misjudges are refused with the reason, and the others are not."""

from __future__ import annotations

import pytest

from pipeline.dft.check import _nothing_to_do
from pipeline.dft.unsupported import OPEN_F, WITH_U, unsupported
from tests.contract.crystals import hand_built
from tests.pipeline.dft.samples import planned, starter


@pytest.mark.parametrize(("numbers", "said"), [
    ([62, 27], "Sm has 4f"), ([92], "U has 4f or 5f"), ([25, 9], "Mn beside F"), ([26, 8, 57], "Fe beside O"),
    ([26, 8, 9], "Fe beside O, F"), ([26, 27], ""), ([57, 27], ""), ([71, 26], ""), ([39, 27], ""), ([12, 8], ""), ([26, 16], ""),
    ([29, 8], ""),
])  # fmt: skip
def test_which(numbers: list[int], said: str) -> None:
    assert (said in unsupported(numbers)) if said else unsupported(numbers) == ""


def test_with_u_is_the_materials_projects_rule() -> None:
    from pymatgen.core import Element
    from pymatgen.io.vasp.sets import MPRelaxSet

    rule = MPRelaxSet.CONFIG["INCAR"]["LDAUU"]
    assert {Element(name).Z for anion in ("O", "F") for name, u in rule[anion].items() if u} == set(WITH_U)
    assert not {57, 71} & OPEN_F, "La and Lu have no open shell"


def test_refused_candidates_have_no_calculation_and_a_reason() -> None:
    oxide, alloy = planned("Toy", hand_built()["MnF2"], starter()["bcc-Fe"], max_sites=16)[::-1]
    assert oxide.jobs == () and "Mn beside F" in oxide.refused and alloy.jobs and not alloy.refused
    assert "Mn beside F" in _nothing_to_do([oxide], 8) and "--max-sites" not in _nothing_to_do([oxide], 8)
