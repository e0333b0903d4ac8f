"""Gadolinium and europium, whose 4f moments are in the labels: what is left for d atoms, and ions of Eu without a moment."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice

from data.symmetry import SymmetricCell
from tests.pipeline.magnetism.test_net_moment import cell, laves, net, rock_salt


def gdfe3(metal: str = "Fe") -> SymmetricCell:
    frac = [[0, 0, 0], [0, 0, 0.141], [0, 0, 0.5], [0, 0, 0.334], [0.5, 0.5, 0.083]]
    return cell("R-3m", Lattice.hexagonal(5.13, 24.6), ["Gd", "Gd", metal, metal, metal], frac)


@pytest.mark.parametrize(("crystal", "said", "d"), [(gdfe3(), 1.69, (1.0, 1.5)), (gdfe3("Co"), 1.76, (0.5, 1.0))])
def test_what_orders_far_above_300_K_has_d_moments(crystal: SymmetricCell, said: float, d: tuple[float, float]) -> None:
    """GdFe3 (728 K) and GdCo3 (612 K): the mean of both readings of the label looks like gadolinium alone."""
    row = net([crystal], moment_muB_per_atom=said, moment_low=said, moment_high=said, p_magnetic=0.98).iloc[0]
    assert d[0] < row.moment_3d < d[1]


def test_what_orders_at_low_temperature_may_have_none() -> None:
    """GdNi2: 77 K; nickel has no moment."""
    crystal = laves("Gd", "Ni", 7.2)
    row = net([crystal], moment_muB_per_atom=2.3, moment_low=2.2, moment_high=2.4, p_magnetic=0.98, p_tc_above_300=0.0).iloc[0]
    assert row.moment_3d < 0.05


def bixbyite(a: float) -> SymmetricCell:
    return cell("Ia-3", Lattice.cubic(a), ["Eu", "Eu", "O"], [[0.25] * 3, [-0.03, 0, 0.25], [0.39, 0.15, 0.38]])


def test_trivalent_europium_has_no_moment_to_order() -> None:
    """Eu2O3: J = 0, although the calculation has 6 µB."""
    said = {"moment_muB_per_atom": 2.25, "moment_low": 2.2, "moment_high": 2.4, "p_magnetic": 0.99}
    trivalent, divalent = (net([one], **said).iloc[0] for one in (bixbyite(10.87), rock_salt("Eu", "O", 5.14)))
    assert trivalent.p_magnetic < 0.05 and trivalent.p_fm_or_fim < 0.05 and trivalent.ordering_most_likely == "NM"
    assert divalent.p_magnetic > 0.95 and divalent.p_fm_or_fim > 0.9 and divalent.ordering_most_likely == "FM"


def test_a_measured_order_shows_the_valence() -> None:
    """EuB6: its volume leaves the valence open, and it is a ferromagnet."""
    crystal = cell("Pm-3m", Lattice.cubic(4.185), ["Eu", "B"], [[0.0] * 3, [0.2, 0.5, 0.5]])
    row = net([crystal], formula="EuB6", moment_muB_per_atom=1.0, moment_low=0.9, moment_high=1.1, p_magnetic=0.99).iloc[0]
    assert row.order_basis == "measured" and row.p_fm_or_fim > 0.9


def hydride(metal: str, a: float, b: float, c: float) -> SymmetricCell:
    """The structure of CaH2 (cotunnite)."""
    frac = [[0.24, 0.25, 0.11], [0.36, 0.25, 0.43], [0.97, 0.25, 0.68]]
    return cell("Pnma", Lattice.orthorhombic(a, b, c), [metal, "H", "H"], frac)


def test_hydrogen_is_the_anion_of_a_hydride() -> None:
    """EuH2 and YbH2 are divalent, SmH2 (fluorite) is a trivalent metal."""
    cells = [hydride("Eu", 6.25, 3.8, 7.2), hydride("Yb", 5.90, 3.58, 6.79)]
    cells.append(cell("Fm-3m", Lattice.cubic(5.376), ["Sm", "H"], [[0.0] * 3, [0.25] * 3]))
    said = net(cells)["moment_explained"]
    assert "Eu 2+" in said[0] and "Yb 2+" in said[1] and "Sm 3+" in said[2]
