from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np
import pytest

from data.symmetry import symmetrise
from models.graphs.crystal_graphs import DTYPES, CrystalGraphs
from pipeline.features.descriptors import (
    MAGPIE_STATISTICS,
    STRUCTURE_NAMES,
    compositions,
    descriptor_names,
    descriptors,
    magpie,
    magpie_table,
    stoichiometry_norms,
    structure,
    valence_orbitals,
)
from pipeline.features.elements import ATOMIC_MOMENT, element_descriptors, element_names, element_table
from pipeline.features.magnetic_composition import MAGNETIC_NAMES, magnetic_physics
from pipeline.features.surroundings import NO_PAIR_A, SURROUNDINGS_NAMES
from tests.contract import crystals as made

MATMINER = 1e-9  # relative, and absolute where the value itself is zero
REAL_FORMULAS = (
    "Fe", "He", "Xe", "XeF2", "KrF2", "ArO", "RnF2", "Ne2He", "AcH2", "UO2", "PuCoGa5", "U6Fe", "AmO2", "NpAl2", "CmO2", "BkO2",
    "CfCl3", "EsF3", "FmO", "LrO", "ThFe5", "PaO2", "SmCo5", "Nd2Fe14B", "GdN", "Co2MnSi", "MnF2", "Fe3O4", "YFe2", "FrCl", "AtH",
    "RaF2", "PoO2", "TcO2", "PmNi5", "H2O", "YbZrIrPtAuHgTlPbBi",
)  # fmt: skip


@lru_cache(maxsize=1)
def counts_by_element() -> list[dict[int, int]]:
    """200 compositions: real ones with noble gases and actinides, and random ones over Z 1..103, with ties."""
    from pymatgen.core import Composition

    rng = np.random.default_rng(0)
    known = [{e.Z: int(n) for e, n in Composition(f).items()} for f in REAL_FORMULAS]
    while len(known) < 200:
        numbers = rng.choice(np.arange(1, 104), rng.integers(1, 7), replace=False)
        known.append({int(z): int(n) for z, n in zip(numbers, rng.integers(1, 9, len(numbers)), strict=True)})
    return known


def only_composition(counts: dict[int, int]) -> CrystalGraphs:
    """A packed graph whose orbits hold these atoms; each element once, its first atom apart where there are more."""
    numbers, atoms = [], []
    for z, n in counts.items():
        split = [1, n - 1] if n > 1 else [1]
        numbers += [z] * len(split)
        atoms += split
    total, k = sum(atoms), len(atoms)
    values = {
        "node_ptr": [0, k], "edge_ptr": [0, k], "numbers": numbers, "node_weight": np.array(atoms) / total,
        "edge_source": range(k), "edge_target": range(k),
        "edge_distance": [2.0] * k, "edge_count": [1] * k, "volume_per_atom": [10.0], "n_atoms": [total],
        "space_group": [1],
    }  # fmt: skip
    return CrystalGraphs(**{name: np.asarray(v, dtype=DTYPES[name]) for name, v in values.items()})


@lru_cache(maxsize=1)
def matminer() -> tuple[list[str], np.ndarray]:
    from matminer.featurizers.composition import ElementProperty, Stoichiometry, ValenceOrbital
    from pymatgen.core import Composition, Element

    featurizers = [ElementProperty.from_preset("magpie", impute_nan=True), Stoichiometry(), ValenceOrbital(impute_nan=True)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [
            [v for f in featurizers for v in f.featurize(Composition({Element.from_Z(z): n for z, n in counts.items()}))]
            for counts in counts_by_element()
        ]
        return [label for f in featurizers for label in f.feature_labels()], np.array(rows, dtype=np.float64)


@lru_cache(maxsize=1)
def ours() -> np.ndarray:
    mix = compositions(CrystalGraphs.join([only_composition(c) for c in counts_by_element()]))
    return np.concatenate([magpie(mix), stoichiometry_norms(mix), valence_orbitals(mix)], axis=1)


def test_names_are_matminers_names() -> None:
    labels, _ = matminer()
    assert descriptor_names()[: len(labels)] == labels
    assert descriptor_names()[len(labels) :] == [*STRUCTURE_NAMES, *element_names(), *SURROUNDINGS_NAMES]
    assert len(descriptor_names()) >= 250
    assert len(labels) == 22 * len(MAGPIE_STATISTICS) + 6 + 8
    assert len(set(descriptor_names())) == len(descriptor_names())


def test_values_are_matminers_values() -> None:
    labels, wanted = matminer()
    assert wanted.shape == ours().shape
    for k, label in enumerate(labels):
        np.testing.assert_allclose(ours()[:, k], wanted[:, k], rtol=MATMINER, atol=MATMINER, err_msg=label)


def test_the_whole_table_is_finite() -> None:
    table = magpie_table()[1]
    assert np.isfinite(table).all()
    counts = [*({z: 1} for z in range(1, 104)), *counts_by_element()]
    graphs = CrystalGraphs.join([only_composition(c) for c in counts])
    said = descriptors(graphs)
    assert said.shape == (len(graphs), len(descriptor_names()))
    assert said.dtype == np.float32
    assert np.isfinite(said).all()


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    examples = made.starter_examples()
    alone = np.concatenate([descriptors(examples.graphs.take(np.array([k]))) for k in range(0, 290, 17)])
    np.testing.assert_array_equal(alone, examples.descriptors[::17][: len(alone)])


@pytest.mark.parametrize("name", made.hand_built())
def test_fractions_are_the_crystals(name: str) -> None:
    crystal = made.hand_built()[name]
    mix = compositions(made.build_graph(symmetrise(crystal), made.SETTINGS))
    wanted = {z: (crystal.numbers == z).mean() for z in set(crystal.numbers.tolist())}
    assert dict(zip(mix.number.tolist(), mix.fraction.tolist(), strict=True)) == pytest.approx(wanted, abs=1e-15)


def test_structure_of_iron_by_hand() -> None:
    a = 2.866
    graphs = made.build_graph(symmetrise(made.hand_built()["Fe"]), made.SETTINGS)
    row = dict(zip(STRUCTURE_NAMES, structure(graphs, compositions(graphs))[0], strict=True))
    first = a * np.sqrt(3) / 2
    wanted = {
        "volume per atom": a**3 / 2, "density": 55.845 / (a**3 / 2) * 1.66053907, "atoms in the primitive cell": 1, "orbits": 1,
        "space group": 229, "crystal system": 7, "packing fraction": 4 / 3 * np.pi * 1.32**3 / (a**3 / 2),
        "shortest distance": first, "mean nearest distance": first, "mean shell distance": (8 * first + 6 * a) / 14,
        "mean coordination": 14, "largest coordination": 14,
        "magnetic fraction": 1, "magnetic atoms per volume": 2 / a**3, "shortest magnetic-magnetic distance": first,
        "magnetic neighbours of magnetic atoms": 14,
    }  # fmt: skip
    assert row == pytest.approx(wanted, rel=1e-5)


def test_structure_of_rock_salt_by_hand() -> None:
    """MnO: six O at a/2 around Mn, twelve Mn at a/sqrt 2 (the shell of the twelfth neighbour)."""
    a = 4.445
    graphs = made.build_graph(symmetrise(made.hand_built()["MnO"]), made.SETTINGS)
    row = dict(zip(STRUCTURE_NAMES, structure(graphs, compositions(graphs))[0], strict=True))
    assert row["mean coordination"] == row["largest coordination"] == 6
    assert row["magnetic fraction"] == pytest.approx(0.5)
    assert row["shortest magnetic-magnetic distance"] == pytest.approx(a / np.sqrt(2), rel=1e-5)
    assert row["magnetic neighbours of magnetic atoms"] == pytest.approx(12)
    assert row["shortest distance"] == pytest.approx(a / 2, rel=1e-5)


SYSTEMS = [(1, 1, 2), (2, 3, 15), (3, 16, 74), (4, 75, 142), (5, 143, 167), (6, 168, 194), (7, 195, 230)]


@pytest.mark.parametrize(("system", "first", "last"), SYSTEMS)
def test_crystal_systems_begin_at_their_space_groups(system: int, first: int, last: int) -> None:
    iron = made.build_graph(symmetrise(made.hand_built()["Fe"]), made.SETTINGS)
    for group in (first, last):
        graphs = CrystalGraphs(**(iron.arrays() | {"space_group": np.array([group], dtype=np.int16)}))
        assert structure(graphs, compositions(graphs))[0, STRUCTURE_NAMES.index("crystal system")] == system


def test_full_cell_and_asymmetric_unit_agree_but_for_the_numbers_of_orbits() -> None:
    cells = [symmetrise(c) for c in made.hand_built().values()]
    folded = descriptors(CrystalGraphs.join([made.build_graph(c, made.SETTINGS) for c in cells]))
    unfolded = descriptors(CrystalGraphs.join([made.build_graph(made.without_orbits(c), made.SETTINGS) for c in cells]))
    orbits = [descriptor_names().index(name) for name in ("orbits", "magnetic orbits")]
    np.testing.assert_allclose(np.delete(unfolded, orbits, 1), np.delete(folded, orbits, 1), rtol=2e-6, atol=2e-6)


# ---- beyond Magpie ----


def named(crystal: str) -> dict[str, float]:
    graphs = made.build_graph(symmetrise(made.hand_built()[crystal]), made.SETTINGS)
    return dict(zip(descriptor_names(), descriptors(graphs)[0].tolist(), strict=True))


def test_element_statistics_by_hand() -> None:
    names, table = magpie_table()
    said = dict(
        zip(
            element_names(),
            element_descriptors(compositions(only_composition({26: 3, 64: 1, 8: 4})), names, table)[0],
            strict=True,
        )
    )
    assert said[f"mean {ATOMIC_MOMENT}"] == pytest.approx((3 * 4 + 1 * 8 + 4 * 2) / 8)  # Hund: Fe 4, Gd 8, O 2
    assert said[f"maximum {ATOMIC_MOMENT}"] == 8 and said[f"minimum {ATOMIC_MOMENT}"] == 2 and said[f"range {ATOMIC_MOMENT}"] == 6
    assert said[f"deviation {ATOMIC_MOMENT}"] == pytest.approx(np.std([4, 8, 2]))  # bare, over the elements
    assert said["mean Number of magnetic atoms"] == pytest.approx((3 * 26 + 64) / 4)
    assert said["deviation Number of magnetic atoms"] == pytest.approx(np.std([26, 26, 26, 64]))
    assert said["magnetic elements"] == 2
    assert said["share of Fe"] == said["share of 3d metals"] == pytest.approx(3 / 8)
    assert said["share of oxygen"] == said["share of chalcogens"] == 0.5
    assert said["share of lanthanides"] == said["share of Gd"] == pytest.approx(1 / 8)
    assert np.isfinite(element_table()).all()


def test_nothing_is_asked_of_magnetic_atoms_where_there_are_none() -> None:
    names, table = magpie_table()
    said = element_descriptors(compositions(only_composition({11: 1, 17: 1})), names, table)[0]
    assert all(value == 0 for name, value in zip(element_names(), said, strict=True) if "magnetic" in name)


def test_surroundings_by_hand() -> None:
    nickel = named("Ni")
    assert nickel["coordination of magnetic atoms"] == nickel["magnetic atoms in the first shell of magnetic ones"] == 12
    assert nickel["smallest coordination"] == 12 and nickel["magnetic orbits"] == 1
    assert nickel["mean electronegativity step"] == nickel["anions around magnetic atoms"] == 0
    lattice = made.hand_built()["Ni"]
    nearest = 2**0.5 / 2 * (4 * lattice.volume) ** (1 / 3)  # face-centred cubic
    assert nickel["mean shortest magnetic distance"] == pytest.approx(nearest, rel=1e-5)
    assert nickel["volume per magnetic atom"] == pytest.approx(lattice.volume, rel=1e-5)
    assert nickel["shortest bond over radii"] == pytest.approx(nearest / 2 / 1.24, rel=1e-3)  # covalent radius of Ni, Å
    without = [name for name, crystal in made.hand_built().items() if named(name)["magnetic orbits"] == 0]
    for name in without:
        assert named(name)["mean shortest magnetic distance"] == NO_PAIR_A


def test_the_magnetic_columns_have_their_names() -> None:
    fractions = np.zeros((1, 104))
    fractions[0, [62, 27]] = 1 / 6, 5 / 6
    (row,) = magnetic_physics(fractions)
    of_smco5 = dict(zip(MAGNETIC_NAMES, row.tolist(), strict=True))
    assert (of_smco5["magnetic rare-earth share"], of_smco5["magnetic 3d share"]) == pytest.approx((1 / 6, 5 / 6))
    assert of_smco5["rare earths per 3d atom"] == pytest.approx(1 / 5)


def test_the_tables_of_the_elements_are_those_of_matminer() -> None:
    """Every number, read without matminer's reader."""
    from matminer.featurizers.composition import ElementProperty
    from pymatgen.core import Element

    preset = ElementProperty.from_preset("magpie", impute_nan=True)
    names, table = magpie_table()
    assert names == preset.features
    for z in range(1, 104):
        wanted = [preset.data_source.get_elemental_property(Element.from_Z(z), name) for name in names]
        np.testing.assert_array_equal(table[z], wanted)
