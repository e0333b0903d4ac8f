"""Which pattern a cell has: the features are invariant, and striction is seen."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from data.crystal import Crystal, make_crystal
from models.ordering.configuration_features import COLUMNS, OWN, pattern_features, spin_cell
from models.ordering.spin_configurations import spin_configurations
from pipeline.magnetism.magnetic_cell import map_to_primitive
from pipeline.magnetism.site_graphs import build_site_graphs
from tests.pipeline.training.magnets import as_crystal, doubled, rock_salt

SAME = 1e-4  # of a feature; they are float32


def chain(squeeze_A: float, axis: int, metal: int = 25, edge_A: float = 4.4) -> Crystal:
    """Rock salt, 2×2×2 primitive cells, whose metals have moved by turns along an edge: sheets come nearer in pairs."""
    whole = as_crystal(doubled(rock_salt(edge_A, metal)))
    cart = whole.frac @ whole.lattice
    sheet = np.rint(2 * cart[:, axis] / edge_A)
    cart[:, axis] += np.where(whole.numbers == metal, squeeze_A * (-1.0) ** sheet, 0.0)
    return make_crystal("squeezed", whole.lattice, cart @ np.linalg.inv(whole.lattice), whole.numbers)


def sheets(crystal: Crystal, axis: int, edge_A: float = 4.4) -> np.ndarray:
    """Moments that alternate from sheet to sheet across an axis."""
    sheet = np.rint(2 * (crystal.frac @ crystal.lattice)[:, axis] / edge_A)
    return np.where(crystal.numbers == 25, 4.5 * (-1.0) ** sheet, 0.0)


def features(crystal: Crystal) -> tuple[np.ndarray, np.ndarray]:
    """Of all compensated patterns of the metal atoms, and the patterns."""
    graphs, _ = build_site_graphs([map_to_primitive(crystal)])
    sites = np.flatnonzero(graphs.site_magnetic)
    signs = spin_configurations(len(sites)).numpy().astype(float)
    size = np.full(len(sites), 4.5)
    signs = signs[signs @ size == 0]
    return pattern_features(spin_cell(graphs, 0, sites), signs, size), signs


@given(st.integers(0, 2**31), st.sampled_from([0.0, 0.02]))
@settings(max_examples=8)
def test_features_do_not_depend_on_pose_origin_or_order(seed: int, squeeze: float) -> None:
    rng = np.random.default_rng(seed)
    one = chain(squeeze, 2)
    order, turn = rng.permutation(one.n_sites), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    other = make_crystal("other", one.lattice @ turn, (one.frac + rng.random(3))[order], one.numbers[order])
    (first, signs), (second, again) = features(one), features(other)
    metal = np.flatnonzero(one.numbers == 25)
    place_of = {site: k for k, site in enumerate(np.flatnonzero(other.numbers == 25))}
    spots = [place_of[int(np.flatnonzero(order == site)[0])] for site in metal]  # the same atoms
    rows = {tuple(row) for row in signs.astype(int).tolist()}
    index = {tuple((row * row[0]).tolist()): k for k, row in enumerate(again[:, spots].astype(int))}
    assert set(index) == rows
    matched = np.array([index[tuple(row)] for row in signs.astype(int).tolist()])
    assert first.shape == (35, COLUMNS)
    assert np.abs(first - second[matched]).max() < SAME


def test_images_of_a_pattern_have_equal_features() -> None:
    found, signs = features(chain(0.0, 2))
    graphs, _ = build_site_graphs([map_to_primitive(chain(0.0, 2))])
    rows = spin_cell(graphs, 0, np.flatnonzero(graphs.site_magnetic)).permutations
    index = {tuple(row): k for k, row in enumerate(signs.astype(int).tolist())}
    for row in rows[:: max(1, len(rows) // 40)]:
        images = signs[:, row] * signs[:, row][:, :1]
        matched = [index[tuple(image)] for image in images.astype(int).tolist()]
        assert np.abs(found[matched] - found).max() < SAME


def test_what_a_deformation_says() -> None:
    """Sheets that approach each other single out one of the three directions; undeformed, all three are one."""
    crystal = chain(0.02, 2)
    graphs, _ = build_site_graphs([map_to_primitive(crystal)])
    cell = spin_cell(graphs, 0, np.flatnonzero(graphs.site_magnetic))
    metal = crystal.numbers == 25
    signs = np.array([np.sign(sheets(crystal, axis)[metal]) for axis in range(3)])
    size = np.full(int(metal.sum()), 4.5)
    ideal, real = (pattern_features(c, signs, size)[:, :OWN] for c in (cell.ideal(), cell))
    assert np.abs(ideal - ideal[0]).max() < SAME
    assert np.abs(real[0] - real[1]).max() < SAME
    assert np.abs(real[2] - real[0]).max() > 0.1
