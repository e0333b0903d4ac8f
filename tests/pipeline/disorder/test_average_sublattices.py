"""Disordered salts have the sublattices of their average, whatever atoms an approximant has where."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.disordered import DisorderedCrystal, Species
from data.symmetry import symmetrise
from pipeline.disorder.approximants import Approximants
from pipeline.magnetism.ferrimagnet import Compensation, compensation, compensation_of_salt

Shares = dict[int, float]
CUBE = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]


def crystal(lattice: np.ndarray, frac: list[list[float]], places: list[Shares]) -> DisorderedCrystal:
    kinds = tuple(tuple(Species(z, x, None) for z, x in sorted(one.items())) for one in places)
    return DisorderedCrystal("x", lattice, np.array(frac), np.arange(len(frac)), kinds)


def perovskite(metal: Shares, oxygen: float = 1.0) -> DisorderedCrystal:
    return crystal(3.85 * np.eye(3), CUBE, [{38: 1.0}, metal, *[{8: oxygen}] * 3])


def spinel(tetrahedral: Shares, octahedral: Shares) -> DisorderedCrystal:
    frac, names = [[0.0] * 3, [0.625] * 3, [0.3805] * 3], ["Mg", "Fe", "O"]
    cell = Structure.from_spacegroup(227, Lattice.cubic(8.38), names, frac).get_primitive_structure()
    shares = {"Mg": tetrahedral, "Fe": octahedral, "O": {8: 1.0}}
    return crystal(cell.lattice.matrix, cell.frac_coords.tolist(), [shares[site.specie.symbol] for site in cell])


def arranged(one: DisorderedCrystal) -> tuple[list[Compensation | None], list[Compensation | None]]:
    """By the orbits of each approximant, and by those of the average."""
    made = Approximants(one)
    own = [compensation(symmetrise(approximant)) for approximant in made.make(made.most)]
    return own, [compensation_of_salt(made.as_salt(k)) for k in range(len(own))]


@pytest.mark.parametrize(
    ("metal", "oxygen"),
    [({27: 1.0}, 0.95), ({27: 1.0}, 0.9167), ({25: 1.0}, 0.98), ({24: 0.1, 25: 0.9}, 1.0)],
)
def test_one_kind_of_places_is_not_opposed_to_itself(metal: Shares, oxygen: float) -> None:
    """Missing oxygen, or chromium in place of manganese, make no sublattices; the cubic crystal has no rule either."""
    own, average = arranged(perovskite(metal, oxygen))
    assert any(found is not None and found.words for found in own), "an approximant alone seems to be a ferrimagnet"
    assert set(average) == {None} == {compensation(symmetrise(Approximants(perovskite({27: 1.0})).make(1)[0]))}


def test_vacancies_of_magnetic_ions_oppose_no_layers() -> None:
    """Cr0.875Te is a ferromagnet, with chromium on one kind of places."""
    lattice = Lattice.hexagonal(3.95, 6.1).matrix
    frac = [[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]
    own, average = arranged(crystal(lattice, frac, [{24: 0.875}] * 2 + [{52: 1.0}] * 2))
    assert all(found is not None and found.words for found in own)
    assert not any(found is not None and found.words for found in average)


@pytest.mark.parametrize("inversion", [0.7, 0.8, 0.9])
def test_a_spinel_has_the_net_moment_of_neel(inversion: float) -> None:
    """Iron on the tetrahedra against iron on the octahedra, whatever the inversion of an approximant."""
    one = spinel({12: 1 - inversion, 26: inversion}, {12: inversion / 2, 26: 1 - inversion / 2})
    made, (_, average) = Approximants(one), arranged(one)
    made.make(len(average))
    share = sum(w * found.share for w, found in zip(made.weights(len(average)), average, strict=True) if found)
    assert {found.words.split(" against ")[-1] for found in average if found and found.share > 0} == {"Fe on 4-fold sites"}
    assert share == pytest.approx(1 - inversion, abs=0.005)


def test_partly_ordered_places_stay_two_sublattices() -> None:
    """Sr2FeMoO6 with a tenth of the iron and molybdenum exchanged."""
    frac = [[0.25] * 3, [0] * 3, [0.5] * 3, [0.25, 0, 0]]
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(7.88), ["Sr", "Fe", "Mo", "O"], frac).get_primitive_structure()
    shares = {"Sr": {38: 1.0}, "Fe": {26: 0.9, 42: 0.1}, "Mo": {26: 0.1, 42: 0.9}, "O": {8: 1.0}}
    _, average = arranged(crystal(cell.lattice.matrix, cell.frac_coords.tolist(), [shares[s.specie.symbol] for s in cell]))
    assert all(found is not None and 0.2 < found.share < 0.7 for found in average)


def test_places_that_are_nearly_equivalent_are_one_sublattice() -> None:
    """A doubled cell of which every second oxygen is 0.03 Å from the middle."""
    frac = [[x, y, (z + k) / 2] for k in (0, 1) for x, y, z in CUBE]
    frac[2] = [0.5, 0.5, 0.004]
    frac[3] = [0.5, 0.004, 0.25]
    places = [{38: 1.0}, {27: 1.0}, *[{8: 0.95}] * 3] * 2
    one = crystal(3.85 * np.diag([1, 1, 2]), frac, places)
    assert Approximants(one).cell.orbit[:].max() > 3
    assert set(arranged(one)[1]) == {None}
