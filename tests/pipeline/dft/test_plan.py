"""What is planned: the starter set's own settings, the smallest cells first, and nothing above the limit."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from data.sources.starter import STARTER_FILE
from data.symmetry import symmetrise
from pipeline.dft.plan import posed
from pipeline.dft.settings import DftSettings
from pipeline.magnetism.competing_orderings import orderings
from tests.contract.crystals import random_rotation, rotated
from tests.pipeline.dft.samples import planned, starter

ROWS = [row for row in map(json.loads, STARTER_FILE.read_text().splitlines()) if row["kind"] == "equilibrium"]


def test_the_starter_set_would_be_calculated_with_the_same_settings() -> None:
    """Mesh and cut-off of every row, from the cell that the engine makes of its crystal, in any orientation."""
    crystals = starter()
    turned = [rotated(crystals[row["id"]], random_rotation(k)) for k, row in enumerate(ROWS)]
    plans = planned("Toy", *turned, max_sites=16)
    meshes = {one.chosen.crystal.id: DftSettings().mesh(one.jobs[0].cell.lattice) for one in plans}
    assert {name: sorted(mesh) for name, mesh in meshes.items()} == {row["id"]: sorted(row["kpts"]) for row in ROWS}
    assert {row["ecut_eV"] for row in ROWS} == {DftSettings().cutoff_eV}


def test_cells_are_put_in_one_pose() -> None:
    """The same distances, right-handed, diagonal positive; so a turned or mirrored crystal is the same calculation."""
    crystal = starter()["C1b-NiMnSb"]
    mirrored = replace(crystal, lattice=crystal.lattice @ np.diag([1.0, -1.0, 1.0]))
    for other in (rotated(crystal, random_rotation(3)), mirrored):
        cell = posed(other)
        np.testing.assert_allclose(cell.lattice @ cell.lattice.T, crystal.lattice @ crystal.lattice.T, atol=1e-9)
        assert np.linalg.det(cell.lattice) > 0 and (np.diag(cell.lattice) > 0).all() and not np.triu(cell.lattice, 1).any()
    for one in planned("Toy", *starter().values(), max_sites=16):
        for job in one.jobs:
            assert (np.diag(job.cell.lattice) > 0).all() and np.linalg.det(job.cell.lattice) > 0
            assert job.cell.volume == pytest.approx(job.crystal.volume * job.cell.n_sites / one.n_sites)


def test_smallest_cells_first_and_the_ferromagnet_before_its_competitors() -> None:
    crystals = starter()
    names = ["C1b-NiMnSb", "bcc-Fe", "B2-FeCo", "fcc-Ni"]
    plans = planned("Toy", *(crystals[name] for name in names))
    assert [one.chosen.crystal.id for one in plans] == ["bcc-Fe", "fcc-Ni", "B2-FeCo", "C1b-NiMnSb"]
    for one in plans:
        assert one.jobs[0].ordering == "fm" and len({job.comparison for job in one.jobs}) == 1
        assert {job.ordering for job in one.jobs} == set(one.jobs[0].orderings)


@pytest.mark.parametrize(("max_sites", "sites", "left_out"), [(6, {3, 6}, 0), (5, {3}, 4), (2, set(), 6)])
def test_a_limit_of_sites(max_sites: int, sites: set[int], left_out: int) -> None:
    [one] = planned("Toy", starter()["C1b-NiMnSb"], max_sites=max_sites)
    assert {job.cell.n_sites for job in one.jobs} == sites and len(one.too_large) == left_out


def test_only_the_likeliest_orderings() -> None:
    """The same calculations as before, so that results are shared, and the others by name."""
    [every], [few] = planned("Toy", starter()["bcc-Fe"]), planned("Toy", starter()["bcc-Fe"], orderings=3)
    assert [job.key for job in few.jobs] == [job.key for job in every.jobs[:3]] and every.less_likely == ()
    assert few.less_likely == tuple(job.ordering for job in every.jobs[3:]) and few.jobs[0].orderings == every.jobs[0].orderings


def test_a_ferromagnet_alone_is_not_calculated() -> None:
    [one] = planned("Toy", starter()["bcc-Fe"], max_sites=1)
    assert one.jobs == () and one.n_sites == 1


def test_a_calculation_starts_as_an_export_does() -> None:
    """From the same moments, site by site, and no -0.0, whose key is not that of 0.0."""
    crystal = starter()["C1b-NiMnSb"]
    [one] = planned("Toy", crystal, max_sites=16)
    exported = {ordering.name: ordering.moments for ordering in orderings(symmetrise(crystal))}
    assert len(one.jobs) > 1
    for job in one.jobs:
        assert job.start.tolist() == exported[job.ordering].tolist()
        assert not np.signbit(job.start[job.start == 0]).any()
