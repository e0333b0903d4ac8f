"""Magnetic space groups: those of the literature, the same for every description of a crystal, and in the tables' setting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.symmetry.maggroups import MagneticSpaceGroup

from data.symmetry import symmetrise
from pipeline.magnetism.competing_orderings import Ordering, orderings
from pipeline.magnetism.magnetic_group import in_bns_setting, moment_axis, without_spin_orbit
from pipeline.magnetism.magnetic_tables import (
    equal,
    group_number,
    magnetic_group,
    operations,
    operations_of,
    to_bns,
    transformed,
)
from tests.contract.crystals import hand_built, of_space_group

PRECISION_A = 1e-3
OTHER_ORIGIN = {"16.3", "48.257", "70.527", "227.128"}  # spglib's tables have other axes or another origin than ISO-MAG


def of(crystal: str, ordering: str) -> Ordering:
    return next(o for o in orderings(symmetrise(hand_built()[crystal])) if o.name == ordering)


def corundum() -> Ordering:
    """Cr2O3 with + - + - along the threefold axis."""
    lattice = Lattice.hexagonal(4.961, 13.599)
    crystal = of_space_group("R-3c", lattice, ["Cr", "O"], [[0, 0, 0.3475], [0.3058, 0, 0.25]])
    primitive = crystal.get_primitive_structure()
    along = [site.frac_coords[0] % 1.0 if site.specie.symbol == "Cr" else np.inf for site in primitive]  # the threefold axis
    moments = np.zeros(len(primitive))
    moments[np.argsort(along)[:4]] = [3.0, -3.0, 3.0, -3.0]
    return Ordering("afm", primitive.copy(site_properties={"magmom": moments.tolist()}))


# MAGNDATA (Bilbao Crystallographic Server) has these of MnF2 (0.15) and Cr2O3 (0.59); the ferromagnets follow from their axes.
KNOWN = (
    (lambda: of("Fe", "fm"), "Im-3m", "229.140", "I4/mm'm'", "139.537", [0, 0, 1]),
    (lambda: of("SmCo5", "fm"), "P6/mmm", "191.233", "P6/mm'm'", "191.240", [0, 0, 1]),
    (lambda: of("MnF2", "afm-gamma2"), "P4_2'/mn'm", "136.498", "P4_2'/mnm'", "136.499", [0, 0, 1]),
    (corundum, "R-3'c", None, "R-3'c'", "167.106", [0, 0, 1]),
)


@pytest.mark.parametrize(("make", "signed", "signed_number", "symbol", "number", "axis"), KNOWN)
def test_groups_of_the_literature(make, signed, signed_number, symbol, number, axis) -> None:  # type: ignore[no-untyped-def]
    cell = in_bns_setting(make())
    assert (cell.group.symbol, cell.group.number) == (symbol, number)
    assert np.allclose(np.abs(cell.axis), axis, atol=1e-6)
    if signed_number:
        assert str(without_spin_orbit(make())) == f"{signed} ({signed_number})"


@pytest.mark.parametrize("crystal", sorted(hand_built()))
def test_the_group_of_vectors_is_that_of_the_operations_that_keep_the_axis(crystal: str) -> None:
    """Found a second way: operations of the signed moments whose rotation keeps the axis, time reversed where it turns it."""
    import spglib

    for ordering in orderings(symmetrise(hand_built()[crystal])):
        structure = ordering.structure
        lattice = structure.lattice.matrix
        found = spglib.get_magnetic_symmetry(
            (lattice, structure.frac_coords, [s.specie.Z for s in structure], ordering.moments), symprec=PRECISION_A
        )
        axis = moment_axis(ordering)
        rotations, translations, reversals = [], [], []
        for rotation, translation, reversal in zip(
            found["rotations"], found["translations"], found["time_reversals"], strict=True
        ):
            turned = lattice.T @ rotation @ np.linalg.inv(lattice.T) @ axis * np.linalg.det(rotation)
            if abs(abs(turned @ axis) - 1) < 1e-6:
                rotations.append(rotation)
                translations.append(translation)
                reversals.append(bool(reversal) != (turned @ axis < 0))
        kept = operations(rotations, translations, reversals)
        assert magnetic_group(group_number(kept)) == in_bns_setting(ordering).group, ordering.name


@pytest.mark.parametrize("crystal", sorted(hand_built()))
def test_the_tables_operations_map_the_cell_onto_itself(crystal: str) -> None:
    for ordering in orderings(symmetrise(hand_built()[crystal])):
        cell = in_bns_setting(ordering)
        volume = abs(np.linalg.det(cell.lattice)) / ordering.structure.volume
        assert len(cell.numbers) == pytest.approx(volume * len(ordering.structure))
        own = cell.operations
        for rotation, translation, reversal in zip(own.rotations, own.translations, own.reversals, strict=True):
            apart = (cell.frac @ rotation.T + translation)[:, None] - cell.frac[None]
            near = (np.abs(apart - np.round(apart)) < 1e-6).all(axis=-1)
            assert (near.sum(axis=1) == 1).all()
            cartesian = cell.lattice.T @ rotation @ np.linalg.inv(cell.lattice.T)
            sign = round(np.linalg.det(rotation)) * (-1 if reversal else 1)
            image = near.argmax(axis=1)
            assert np.array_equal(cell.numbers[image], cell.numbers)
            assert np.allclose(cell.moments[image], sign * cell.moments @ cartesian.T, atol=1e-6)


steps = st.lists(st.tuples(st.permutations(range(3)), st.integers(-1, 1)), min_size=1, max_size=3)


@given(st.sampled_from(["MnF2", "MnO", "MnSi", "Co2MnSi", "CrI3 layer", "MnWO4"]), st.integers(0, 5), steps, st.integers(0, 99))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_another_description_of_the_same_crystal(crystal: str, which: int, steps: list, seed: int) -> None:  # type: ignore[type-arg]
    """Another cell, orientation, origin and order of sites: the same groups and the same cell."""
    found = orderings(symmetrise(hand_built()[crystal]))
    ordering = found[which % len(found)]
    rng = np.random.default_rng(seed)
    basis = np.eye(3)
    for (a, b, _), factor in steps:
        basis[a] += factor * basis[b]
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    lattice = basis @ ordering.structure.lattice.matrix @ (rotation * np.linalg.det(rotation))
    frac = ordering.structure.frac_coords @ np.linalg.inv(basis) + rng.uniform(size=3)
    order = rng.permutation(len(frac))
    numbers = [ordering.structure[int(k)].specie.Z for k in order]
    other = Ordering("x", Structure(
        Lattice(lattice), numbers, frac[order] % 1.0, site_properties={"magmom": ordering.moments[order].tolist()}
    ))  # fmt: skip
    one, two = in_bns_setting(ordering), in_bns_setting(other)
    assert one.group == two.group and without_spin_orbit(ordering) == without_spin_orbit(other)
    assert sorted(one.numbers) == sorted(two.numbers)
    assert np.allclose(sorted(np.linalg.norm(one.lattice, axis=1)), sorted(np.linalg.norm(two.lattice, axis=1)), atol=1e-5)


@pytest.mark.parametrize("uni", [*range(1, 1652, 67)])
def test_spglibs_tables_come_to_the_bns_setting(uni: int) -> None:
    _agree(uni)


def test_groups_with_another_origin_or_other_axes() -> None:
    import spglib

    found = {spglib.get_magnetic_spacegroup_type(uni).bns_number: uni for uni in range(1, 1652)}
    for number in OTHER_ORIGIN:
        matrix, shift = to_bns(found[number])
        assert not (np.allclose(matrix, np.eye(3)) and np.allclose(shift, 0)), f"{number} is no example of another setting"
        _agree(found[number])


def _agree(uni: int) -> None:
    import spglib

    entry = spglib.get_magnetic_symmetry_from_database(uni)
    own = operations(entry["rotations"], entry["translations"], entry["time_reversals"])
    group = magnetic_group(uni)
    table = MagneticSpaceGroup([int(part) for part in group.number.split(".")]).symmetry_ops
    there = operations(
        [np.round(op.rotation_matrix) for op in table], [op.translation_vector for op in table],
        [op.time_reversal == -1 for op in table],
    )  # fmt: skip
    assert equal(transformed(own, *to_bns(uni)), there) and equal(operations_of(uni), there)
    assert group.kind in (1, 2, 3, 4) and group.number == spglib.get_magnetic_spacegroup_type(uni).bns_number
