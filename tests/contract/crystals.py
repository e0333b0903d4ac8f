"""Real crystals written down by hand, ways to say the same crystal differently, and a slow float64 graph to compare with."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import gemmi
import numpy as np
from numpy.typing import NDArray

from data.crystal import Crystal, make_crystal
from data.sources.starter import StarterSource
from data.symmetry import SymmetricCell, symmetrise
from models.contract import Examples
from models.graphs.crystal_graphs import CrystalGraphs
from models.graphs.vector_graphs import VectorGraphs
from pipeline.features.descriptors import descriptors
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.features.vectors import build_vectors, vector_arrays

if TYPE_CHECKING:
    from pymatgen.core import Lattice, Structure

SETTINGS = GraphSettings()
SAME_SITE = 1e-5  # fractional
FIRST_ROWS = 290  # of the starter set, which may grow
Floats = NDArray[np.float64]

_BY_SPACE_GROUP = {  # name: space group, a b c (Å), alpha beta gamma (degrees), species and position of each orbit
    "MnO": ("Fm-3m", (4.445, 4.445, 4.445), (90, 90, 90), [("Mn", (0, 0, 0)), ("O", (0.5, 0.5, 0.5))]),
    "Co2MnSi": ("Fm-3m", (5.654,) * 3, (90, 90, 90), [("Co", (0.25, 0.25, 0.25)), ("Mn", (0, 0, 0)), ("Si", (0.5, 0.5, 0.5))]),
    "MnF2": ("P4_2/mnm", (4.873, 4.873, 3.310), (90, 90, 90), [("Mn", (0, 0, 0)), ("F", (0.305, 0.305, 0))]),
    "MnSi": ("P2_13", (4.558,) * 3, (90, 90, 90), [("Mn", (0.137,) * 3), ("Si", (0.845,) * 3)]),
    "SmCo5": (
        "P6/mmm", (5.002, 5.002, 3.964), (90, 90, 120), [("Sm", (0, 0, 0)), ("Co", (1 / 3, 2 / 3, 0)), ("Co", (0.5, 0, 0.5))],
    ),
    "MnWO4": (
        "P2/c", (4.830, 5.760, 4.994), (90, 91.17, 90),
        [("Mn", (0.5, 0.685, 0.25)), ("W", (0, 0.18, 0.25)), ("O", (0.211, 0.102, 0.943)), ("O", (0.25, 0.374, 0.392))],
    ),
    "CrI3 layer": ("P-31m", (6.867, 6.867, 20.0), (90, 90, 120), [("Cr", (1 / 3, 2 / 3, 0.5)), ("I", (0.351, 0, 0.578))]),
}  # fmt: skip


@lru_cache(maxsize=1)
def hand_built() -> dict[str, Crystal]:
    """By name: cubic to triclinic, one atom to twelve, dense to nearly two-dimensional."""
    from pymatgen.core import Lattice

    made = {
        "Fe": make_crystal("Fe", 2.866 * np.eye(3), [[0, 0, 0], [0.5, 0.5, 0.5]], [26, 26]),
        "Ni": make_crystal("Ni", 1.762 * (1 - np.eye(3)), [[0, 0, 0]], [28]),
        "CuFeO triclinic": make_crystal(
            "CuFeO triclinic", [[3.1, 0, 0], [0.4, 4.2, 0], [-0.6, 0.9, 5.3]],
            [[0, 0, 0], [0.47, 0.52, 0.49], [0.21, 0.28, 0.74], [0.76, 0.69, 0.22]], [29, 26, 8, 8],
        ),
    }  # fmt: skip
    for name, (group, lengths, angles, sites) in _BY_SPACE_GROUP.items():
        lattice = Lattice.from_parameters(*lengths, *angles)
        made[name] = Crystal.from_pymatgen(of_space_group(group, lattice, [s for s, _ in sites], [p for _, p in sites]), name)
    return made


def of_space_group(group: str, lattice: Lattice, species: Sequence[str], sites: Sequence[Sequence[float]]) -> Structure:
    """The cell with all images of `sites`, as Structure.from_spacegroup gives it, which takes up to a second for each group.

    Args:
        group: Hermann-Mauguin symbol; the first choice of the origin, hexagonal axes.
        lattice: of the conventional cell.
        species: element of each site.
        sites: fractional coordinates.
    """
    from pymatgen.core import Structure

    operations = gemmi.find_spacegroup_by_name(group.replace("_", "")).operations()
    everywhere, where = [], []
    for name, place in zip(species, sites, strict=True):
        images = np.array([operation.apply_to_xyz(list(place)) for operation in operations]) % 1.0
        apart = images[:, None] - images
        near = (np.abs(apart - np.rint(apart)) < SAME_SITE).all(axis=2)
        first = near.argmax(axis=1) == np.arange(len(images))
        everywhere += [name] * int(first.sum())
        where.append(images[first])
    return Structure(lattice, everywhere, np.concatenate(where))


def build_graph(cell: SymmetricCell, settings: GraphSettings) -> CrystalGraphs:
    """The packed graph of one crystal."""
    graphs, kept = build_graphs([cell], settings)
    assert len(kept), "an atom has no neighbour"
    return graphs


def without_orbits(cell: SymmetricCell) -> SymmetricCell:
    """The same cell with every site on its own orbit, of which the full-cell graph is made."""
    return replace(cell, orbit=np.arange(len(cell.numbers)))


def random_rotation(seed: int, handedness: int = 1) -> Floats:
    """(3, 3) orthogonal, of determinant `handedness`."""
    q = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    return q * np.array([1.0, 1.0, handedness * np.sign(np.linalg.det(q))])


def rotated(crystal: Crystal, q: Floats) -> Crystal:
    return replace(crystal, lattice=crystal.lattice @ q.T)


def translated(crystal: Crystal, shift: Sequence[float]) -> Crystal:
    return replace(crystal, frac=crystal.frac + np.asarray(shift))


def moved(crystal: Crystal, by_A: float) -> Crystal:
    """The crystal with each atom moved by `by_A` in a direction of its own."""
    step = np.random.default_rng(3).normal(size=crystal.frac.shape)
    step *= by_A / np.linalg.norm(step, axis=1, keepdims=True)
    return replace(crystal, frac=crystal.frac + step @ np.linalg.inv(crystal.lattice))


def permuted(crystal: Crystal, seed: int) -> Crystal:
    order = np.random.default_rng(seed).permutation(crystal.n_sites)
    return replace(crystal, frac=crystal.frac[order], numbers=crystal.numbers[order])


def rebased(crystal: Crystal, matrix: Sequence[Sequence[int]]) -> Crystal:
    """The same atoms over another basis of the lattice; `matrix` holds integers, its determinant is 1 or -1."""
    m = np.array(matrix, dtype=np.float64)
    assert abs(abs(np.linalg.det(m)) - 1) < 1e-9, "not a basis of the same lattice"
    return replace(crystal, lattice=m @ crystal.lattice, frac=(crystal.frac @ np.linalg.inv(m)) % 1.0)


def supercell(crystal: Crystal, repeats: tuple[int, int, int]) -> Crystal:
    shifts = np.array(list(np.ndindex(*repeats)), dtype=np.float64)
    frac = ((crystal.frac[None] + shifts[:, None]) / np.array(repeats)).reshape(-1, 3)
    return Crystal(crystal.id, crystal.lattice * np.array(repeats)[:, None], frac, np.tile(crystal.numbers, len(shifts)))


def standard_cells(crystal: Crystal) -> dict[str, Crystal]:
    """Primitive and conventional standard cell, as pymatgen (spglib) sets them up."""
    from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # spglib about its own error handling
        found = SpacegroupAnalyzer(crystal.to_pymatgen())
        return {
            "primitive": Crystal.from_pymatgen(found.get_primitive_standard_structure(), crystal.id),
            "conventional": Crystal.from_pymatgen(found.get_conventional_standard_structure(), crystal.id),
        }


def examples_of(crystals: Sequence[Crystal], moments: Sequence[float] | None = None) -> Examples:
    """What models look at, by the product's own route."""
    return examples_of_cells([symmetrise(c) for c in crystals], moments)


def examples_of_cells(cells: Sequence[SymmetricCell], moments: Sequence[float] | None = None, exact: bool = False) -> Examples:
    """The same from symmetrised cells; exact: in double precision, for networks that are."""
    known = None if moments is None else np.asarray(moments, dtype=np.float64)
    if exact:
        graphs = CrystalGraphs.join([exact_graph(cell) for cell in cells])
        return Examples(graphs, descriptors(graphs), known, VectorGraphs(**vector_arrays(cells, SETTINGS)))
    graphs, kept = build_graphs(cells, SETTINGS)
    assert len(kept) == len(cells), "an isolated atom"
    return Examples(graphs, descriptors(graphs), known, build_vectors(cells, SETTINGS))


@lru_cache(maxsize=1)
def starter_examples() -> Examples:
    """The first FIRST_ROWS labelled crystals of the embedded starter set."""
    source = StarterSource()
    records = [record for shard in source.shards() for record in source.read(shard)][:FIRST_ROWS]
    return examples_of([r.crystal for r in records], [r.label.per_atom(r.crystal.n_sites) for r in records])


def shells_by_hand(cell: SymmetricCell, settings: GraphSettings, centre: int) -> tuple[NDArray[np.int64], Floats]:
    """(neighbour site, distance) of every kept neighbour of a site, by brute force over a block of cells, in float64.

    The block is so large that it holds the whole sphere of the largest radius. Empty where the atom is alone.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell.lattice), axis=0)  # of the cell over each of its faces
    per_atom = abs(np.linalg.det(cell.lattice)) / len(cell.numbers)
    radius = 2.0 * (settings.neighbours * per_atom * 3 / (4 * np.pi)) ** (1 / 3)
    while True:
        radius = min(radius, settings.max_radius_A)
        n = np.ceil(radius / heights).astype(int) + 1
        images = np.stack(np.meshgrid(*(np.arange(-k, k + 1) for k in n), indexing="ij"), axis=-1).reshape(-1, 3)
        apart = (cell.frac[None] - cell.frac[centre] + images[:, None]) @ cell.lattice
        distance = np.linalg.norm(apart, axis=2)
        near = (distance > 1e-4) & (distance <= radius)
        sites = np.broadcast_to(np.arange(len(cell.numbers)), distance.shape)[near]
        distance = distance[near]
        last = radius >= settings.max_radius_A
        if len(distance) == 0 and last:
            return sites, distance
        if len(distance) >= settings.neighbours or last:
            reach = np.sort(distance)[min(settings.neighbours, len(distance)) - 1] + settings.shell_tolerance_A
            if reach < radius or last:
                keep = distance <= reach
                return sites[keep], distance[keep]
        radius *= 1.5


def exact_graph(cell: SymmetricCell) -> CrystalGraphs:
    """The graph with every float in float64 and one edge a neighbour; orbits as in the cell."""
    counts = cell.multiplicities
    found = [shells_by_hand(cell, SETTINGS, site) for site in cell.representatives]
    edges = [len(distance) for _, distance in found]
    return CrystalGraphs(
        node_ptr=np.array([0, len(counts)]),
        edge_ptr=np.array([0, sum(edges)]),
        numbers=cell.numbers[cell.representatives].astype(np.int16),
        node_weight=counts / len(cell.numbers),
        edge_source=np.concatenate([cell.orbit[sites] for sites, _ in found]),
        edge_target=np.repeat(np.arange(len(found)), edges),
        edge_distance=np.concatenate([distance for _, distance in found]),
        edge_count=np.ones(sum(edges)),
        volume_per_atom=np.array([abs(np.linalg.det(cell.lattice)) / len(cell.numbers)]),
        n_atoms=np.array([len(cell.numbers)]),
        space_group=np.array([cell.space_group]),
    )


def turned(examples: Examples, seed: int, handedness: int = 1) -> Examples:
    """Every crystal's graph with directions in a random pose of its own; nothing else changes."""
    v = examples.vectors
    assert v is not None
    q = np.stack([random_rotation(1000 * seed + k, handedness) for k in range(len(v))])
    of_edge, of_rotation = (np.repeat(np.arange(len(v)), np.diff(ptr)) for ptr in (v.edge_ptr, v.rotation_ptr))
    posed = replace(
        v,
        edge_vector=np.einsum("eij,ej->ei", q[of_edge], v.edge_vector).astype(v.edge_vector.dtype),
        rotation=(q[of_rotation] @ v.rotation @ q[of_rotation].transpose(0, 2, 1)).astype(v.rotation.dtype),
        lattice=(v.lattice @ q.transpose(0, 2, 1)).astype(v.lattice.dtype),
    )
    return replace(examples, vectors=posed)
