"""4f moments on inequivalent places: without d moments their axes differ, and less of their sum is left."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.elements import four_f_moment
from data.symmetry import SymmetricCell, symmetrise
from pipeline.magnetism import four_f
from pipeline.magnetism.moment_constants import FITTED
from tests.contract.crystals import of_space_group
from tests.pipeline.magnetism.test_net_moment import net, rock_salt

SHIFT_A = 0.02


def bismuth_fluoride(first: str, second: str, other: str, a: float = 7.2) -> Structure:
    """first on 4a, other on 4b, second on 8c."""
    return of_space_group("Fm-3m", Lattice.cubic(a), [first, other, second], [[0.0] * 3, [0.5] * 3, [0.25] * 3])


def cell(structure: Structure) -> SymmetricCell:
    return symmetrise(Crystal.from_pymatgen(structure, "x"))


def orbits_4f(cells: list[SymmetricCell]) -> np.ndarray:
    return four_f.orbits_4f(cells, np.ones(len(cells), dtype=bool))


def test_orbits_are_counted() -> None:
    one, two, mixed = bismuth_fluoride("La", "Tb", "Al"), bismuth_fluoride("Tb", "Tb", "Al"), bismuth_fluoride("Nd", "Tb", "Al")
    neither, spin = bismuth_fluoride("La", "Y", "Al"), bismuth_fluoride("Gd", "Tb", "Al")
    assert orbits_4f([cell(s) for s in (one, two, mixed, neither, spin)]).tolist() == [1, 2, 2, 0, 1]


def test_shifts_and_other_elements_on_one_place_make_no_orbits() -> None:
    shifted, rng = bismuth_fluoride("La", "Tb", "Al").make_supercell([1, 1, 2], in_place=False), np.random.default_rng(0)
    for k in range(len(shifted)):
        step = rng.normal(size=3)
        shifted.translate_sites(k, SHIFT_A * step / np.linalg.norm(step), frac_coords=False)
    doped = bismuth_fluoride("La", "Tb", "Al")
    doped.replace(next(k for k, site in enumerate(doped) if site.specie.symbol == "Tb"), "Dy")
    assert cell(shifted).space_group == 1 and cell(doped).space_group != 225
    assert orbits_4f([cell(shifted), cell(doped)]).tolist() == [1, 1]


@pytest.mark.parametrize("element", ["Y", "Gd", "Lu", "Dy"])
def test_an_alloy_of_rare_earths_has_the_places_of_the_pure_metal(element: str) -> None:
    """An ordered cell of Tb with other rare earths on one place; aluminium takes its symmetry."""
    terbium = of_space_group("P6_3/mmc", Lattice.hexagonal(3.6, 5.69), ["Tb"], [[1 / 3, 2 / 3, 0.25]])
    alloy, other = (terbium.make_supercell([2, 2, 1], in_place=False) for _ in range(2))
    for k in (0, 3, 5):
        alloy.replace(k, element)
        other.replace(k, "Al")
    found = [cell(alloy), cell(other)]
    assert len(set(found[0].orbit[found[0].numbers == 65])) > 1
    assert orbits_4f(found)[0] == 1 < orbits_4f(found)[1]
    assert four_f.orbits_4f(found, np.zeros(2, dtype=bool)).tolist() == [0, 0]


def test_less_is_left_of_ions_on_inequivalent_places() -> None:
    """At 0.95 of certainty for a net moment, and P(magnetic) of nothing by the calculation."""
    silent = {"p_magnetic": 0.001, "moment_muB_per_atom": 0.0, "moment_low": 0.0, "moment_high": 0.001}
    row = net([cell(bismuth_fluoride("Tb", "Tb", "Al"))], **silent).iloc[0]
    whole = 0.75 * four_f_moment(65)
    low, middle, high = FITTED.several_alone
    assert row.moment_4f == pytest.approx(middle * whole, rel=0.01)
    assert row.moment_if_fm_or_fim_low == pytest.approx(low * whole, rel=0.05)
    assert row.moment_if_fm_or_fim_high == pytest.approx(high * whole, rel=0.05)
    same = net([rock_salt("Tb", "Al", 5.6)], **silent).iloc[0]
    assert same.moment_4f == pytest.approx(FITTED.heavy_alone[1] * 0.5 * four_f_moment(65), rel=0.01)


def test_beside_d_moments_and_without_an_orbital_moment_all_is_left() -> None:
    beside = net([cell(bismuth_fluoride("Tb", "Tb", "Fe"))]).iloc[0]
    assert abs(beside.moment_4f) == pytest.approx(FITTED.heavy_c[1] * 0.75 * four_f_moment(65), rel=0.01)
    silent = {"p_magnetic": 0.9, "moment_muB_per_atom": 0.75 * 7.0, "moment_low": 5.0, "moment_high": 5.5}
    spin = net([cell(bismuth_fluoride("Gd", "Gd", "Al"))], **silent).iloc[0]
    assert spin.moment_4f == pytest.approx(0.75 * 7.0, rel=0.05)
