"""Sublattices of salts: bonds of 180° outweigh those of 90°, antiferromagnetic layers have no net moment."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice

from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.ferrimagnet import compensation
from pipeline.magnetism.moment_facts import moment_facts
from tests.pipeline.magnetism.test_net_moment import cell


def layers_of_rock_salt(first: str, second: str, a: float) -> list:  # type: ignore[type-arg]
    """Two metals in layers along (111) of rock salt, as in LiNiO2: each has six of the other over an edge, six over a corner."""
    hexagonal = Lattice.hexagonal(a / np.sqrt(2), 2 * np.sqrt(3) * a)
    return ["R-3m", hexagonal, [first, second, "O"], [[0.0] * 3, [0.0, 0.0, 0.5], [0.0, 0.0, 0.25]]]


def test_six_corners_outweigh_six_edges() -> None:
    """Superexchange at 180° is stronger than that at 90° (type II order of MnO to NiO): 4.0 against 1.7 µB."""
    found = compensation(cell(*layers_of_rock_salt("Fe", "Ni", 4.12)))
    assert found is not None and found.share == pytest.approx((4.0 - 1.7) / (4.0 + 1.7))
    assert found.words == "Fe on 6-fold sites against Ni on 6-fold sites"


def test_layers_far_apart_that_are_antiferromagnets_have_no_net_moment() -> None:
    """FeO2 and CrO2 planes of corners, 6 Å apart: parallel moments would cost energy in each."""
    frac = [[0.0] * 3, [0.0, 0.0, 0.5], [0.5, 0.0, 0.0], [0.5, 0.0, 0.5]]
    assert compensation(cell("P4/mmm", Lattice.tetragonal(3.9, 12.0), ["Fe", "Cr", "O", "O"], frac)) is None


@pytest.mark.parametrize("anion", ["N", "O", "S", "Se", "Te", "F", "Cl", "Br", "I"])
def test_halides_chalcogenides_and_nitrides_are_salts_and_alloys_are_not(anion: str) -> None:
    made = [cell("Fm-3m", Lattice.cubic(a), ["Mn", other], [[0.0] * 3, [0.5] * 3]) for other, a in ((anion, 5.2), ("Al", 5.9))]
    facts = moment_facts(build_graphs(made, GraphSettings())[0], made, np.ones(2))
    assert facts["salt"].tolist() == [1.0, 0.0] and facts["typical_d"].tolist() == pytest.approx([4.0 / 2, 2.7 / 2])
