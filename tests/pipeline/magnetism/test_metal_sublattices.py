"""Sublattices of metals: which near neighbours oppose each other, and how large a moment of manganese is."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice

from pipeline.magnetism.ferrimagnet import PARALLEL, Compensation, compensation
from tests.pipeline.magnetism.test_net_moment import cell

SITES = [[0.0] * 3, [0.25] * 3, [0.5] * 3, [0.75] * 3]


def antiperovskite(metal: str, a: float, between: str = "N") -> Compensation | None:
    frac = [[0.0] * 3, [0.5, 0.5, 0.0], [0.5] * 3]
    return compensation(cell("Pm-3m", Lattice.cubic(a), [metal, metal, between], frac))


def test_manganese_beside_nitrogen_has_a_small_moment_and_opposes_the_other() -> None:
    """Mn4N, antiparallel by neutron diffraction (Takei et al., Phys. Rev. 119, 122, 1960). Beside N 0.35 of 2.7 µB; at the
    corner, with 12 metal atoms within 2.95 Å, 1.4 - 12 * 0.07 of it. Fe4N is a ferromagnet."""
    found = antiperovskite("Mn", 3.865)
    faces, corner = 3 * 0.35, 1.4 - 12 * 0.07
    assert found is not None and found.share == pytest.approx((faces - corner) / (faces + corner))
    assert antiperovskite("Fe", 3.795) == PARALLEL


def test_mn2sb_is_a_ferrimagnet_of_two_manganese_sublattices() -> None:
    """2.1 and 3.9 µB, antiparallel (Wilkinson et al., J. Phys. Chem. Solids 2, 289, 1957). The first manganese has 4 like
    itself at 2.88 Å and 4 others at 2.81 Å, the second one has 4 of the first: 1.4 - 8 * 0.07 and 1.4 - 4 * 0.07 of 2.7 µB."""
    frac = [[0.0] * 3, [0.0, 0.5, 0.295], [0.0, 0.5, 0.72]]
    found = compensation(cell("P4/nmm", Lattice.tetragonal(4.08, 6.56), ["Mn", "Mn", "Sb"], frac))
    assert found is not None and found.share == pytest.approx((1.12 - 0.84) / (1.12 + 0.84))


def test_cobalt_is_parallel_to_the_manganese_that_touches_it() -> None:
    """Mn2CoGa has 2.0 µB a formula unit. The first manganese has 4 Mn at 2.54 Å and 6 Co at 2.93 Å, a second
    shell; the second one has 4 Mn and 4 Co at 2.54 Å: the two are antiparallel, and cobalt goes with the second. Factors
    1.4 - 0.07 * 10 and 1.4 - 0.07 * 8 of 2.7 µB."""
    found = compensation(cell("F-43m", Lattice.cubic(5.86), ["Mn", "Mn", "Co", "Ga"], SITES))
    first, second, cobalt = 2.7 * 0.7, 2.7 * 0.84, 1.2
    assert found is not None
    assert found.share == pytest.approx((second + cobalt - first) / (first + cobalt + second))
    up, down = found.words.split(" against ")
    assert "Co" in up and "Mn" in up and "Mn" in down and "Co" not in down


def test_a_second_shell_of_cobalt_and_manganese_counts_three_tenths() -> None:
    """Four Co and four Mn as in rock salt, six of the other kind at 2.93 Å, and two Mn between that touch them at 2.54 Å and
    oppose the four: 2 exceeds 6 * 0.3, so that Co goes with the two. All Mn have 8 metal atoms around them."""
    face_centred = [[0.0] * 3, [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    frac = [*face_centred, *([x + 0.5 for x in place] for place in face_centred), [0.25] * 3, [0.75] * 3]
    found = compensation(cell("P1", Lattice.cubic(5.86), ["Co"] * 4 + ["Mn"] * 6, frac))
    four, two, cobalt = 4 * 2.7 * 0.84, 2 * 2.7 * 0.84, 4 * 1.2
    assert found is not None and found.share == pytest.approx((cobalt + two - four) / (cobalt + two + four))


@pytest.mark.parametrize(("a", "opposed"), [(5.88, True), (5.92, False)])
def test_metal_atoms_farther_apart_than_2_95_angstroms_do_not_decide(a: float, opposed: bool) -> None:
    """Vanadium and chromium half an edge apart, aluminium between them."""
    found = compensation(cell("Fm-3m", Lattice.cubic(a), ["V", "Al", "Cr"], SITES[:3]))
    assert (found is not None) == opposed
    assert found is None or found.share == pytest.approx((1.5 - 0.8) / (1.5 + 0.8))


@pytest.mark.parametrize("other", ["Fe", "Co", "Ni"])
def test_manganese_is_parallel_to_later_metals(other: str) -> None:
    assert compensation(cell("Pm-3m", Lattice.cubic(2.95), ["Mn", other], [[0.0] * 3, [0.5] * 3])) == PARALLEL


def test_chromium_and_vanadium_by_themselves_oppose_each_other() -> None:
    found = compensation(cell("Pm-3m", Lattice.cubic(2.95), ["V", "Cr"], [[0.0] * 3, [0.5] * 3]))
    assert found == Compensation(pytest.approx((1.5 - 0.8) / (1.5 + 0.8)), "Cr against V")


def test_one_near_manganese_counts_less_than_six_of_a_second_shell() -> None:
    """As above with one Mn between: 1 is less than 6 * 0.3, and Co goes with the four. These have 7 metal atoms around them."""
    face_centred = [[0.0] * 3, [0.0, 0.5, 0.5], [0.5, 0.0, 0.5], [0.5, 0.5, 0.0]]
    frac = [*face_centred, *([x + 0.5 for x in place] for place in face_centred), [0.25] * 3]
    found = compensation(cell("P1", Lattice.cubic(5.86), ["Co"] * 4 + ["Mn"] * 5, frac))
    four, one, cobalt = 4 * 2.7 * 0.91, 2.7 * 0.84, 4 * 1.2
    assert found is not None and found.share == pytest.approx((cobalt + four - one) / (cobalt + one + four))


def test_manganese_beside_boron_has_a_small_moment_too() -> None:
    """Mn4B and Mn4C as Mn4N."""
    boride, carbide, nitride = (antiperovskite("Mn", 3.865, element) for element in ("B", "C", "N"))
    assert nitride is not None and boride == carbide == nitride


@pytest.mark.parametrize("leader", ["Fe", "Co", "Ni"])
def test_beside_later_metals_vanadium_and_chromium_do_not_oppose_each_other(leader: str) -> None:
    found = compensation(cell("F-43m", Lattice.cubic(5.8), ["V", leader, "Cr", leader], SITES))
    assert found is None or found == PARALLEL
