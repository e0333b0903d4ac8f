"""Supply figures: against pymatgen's own function, and honest where its source has a gap."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.analysis.hhi import HHIModel
from pymatgen.core import Composition, Element

from data.criticality import RARE_EARTHS, TOXIC, Criticality, criticality, radioactive_elements
from data.crystal import symbol


def of(formula: str) -> Criticality:
    amounts = sorted((element.Z, int(n)) for element, n in Composition(formula).items())
    return criticality(tuple(z for z, _ in amounts), tuple(n for _, n in amounts))


@given(st.dictionaries(st.integers(1, 103), st.integers(1, 20), min_size=1, max_size=6))
def test_hhi_is_pymatgens(amounts: dict[int, int]) -> None:
    composition = Composition({symbol(z): n for z, n in amounts.items()})
    production, reserve = HHIModel().get_hhi(composition)
    ours = criticality(tuple(sorted(amounts)), tuple(amounts[z] for z in sorted(amounts)))
    if production is None:
        assert math.isnan(ours.hhi_production) and math.isnan(ours.hhi_reserve), "unknown is not zero"
    else:
        assert ours.hhi_production == pytest.approx(production, rel=1e-9)
        assert ours.hhi_reserve == pytest.approx(reserve, rel=1e-9)


def test_words() -> None:
    magnet = of("Nd2Fe14B")
    assert (magnet.rare_earths, magnet.radioactive) == ("Nd", "")
    assert of("UFe2").radioactive == "U"
    assert (of("PmCo5").rare_earths, of("PmCo5").radioactive) == ("Pm", "Pm")
    assert of("ScY").rare_earths == "Sc, Y"
    assert of("HfThBi").rare_earths == ""
    assert {Element.from_Z(z).symbol for z in RARE_EARTHS} >= {"Sc", "Y", "La", "Lu"} and len(RARE_EARTHS) == 17


def test_prices() -> None:
    assert of("Fe").price_USD_per_kg < 1 < of("Co").price_USD_per_kg < 100 < of("Pt").price_USD_per_kg
    light, heavy = of("Fe").price_USD_per_kg, of("Pt").price_USD_per_kg
    share = 195.084 / (195.084 + 55.845)
    assert of("FePt").price_USD_per_kg == pytest.approx(share * heavy + (1 - share) * light, rel=1e-4)
    assert math.isnan(of("UFe2").price_USD_per_kg)


def test_groups_that_the_report_filters_by() -> None:
    radioactive = radioactive_elements()
    assert {43, 61, 84, 92, 94} <= radioactive and not radioactive & {26, 60, 82, 83}
    assert [symbol(z) for z in sorted(TOXIC)] == ["Be", "As", "Cd", "Hg", "Tl", "Pb"]
