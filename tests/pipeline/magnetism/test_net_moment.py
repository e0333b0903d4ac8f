"""The net moment: 4f moments and their signs, valences, sublattices of ferrimagnets, and the mixture over orders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.elements import HUND, OTHER_VALENCE, four_f_moment
from data.symmetry import SymmetricCell, symmetrise
from pipeline.features.neighbours import GraphSettings, build_graphs
from pipeline.magnetism.experiment import with_experiment
from pipeline.magnetism.ferrimagnet import PARALLEL, compensation
from pipeline.magnetism.known_orders import known_from_experiment
from pipeline.magnetism.moment_columns import ferrimagnets_by_structure, p_4f
from pipeline.magnetism.moment_constants import FITTED
from pipeline.magnetism.moment_facts import FACTS, moment_facts
from pipeline.magnetism.net_moment import Orders, p_4f_moment
from tests.contract.crystals import of_space_group

FREE_ION_MUB = {59: 3.20, 60: 3.27, 62: 0.71, 64: 7.0, 65: 9.0, 66: 10.0, 67: 10.0, 68: 9.0, 69: 7.0, 70: 4.0}  # handbooks
ROUNDED = 0.005


def cell(group: str, lattice: Lattice, species: list[str], frac: list[list[float]]) -> SymmetricCell:
    return symmetrise(Crystal.from_pymatgen(of_space_group(group, lattice, species, frac), "x"))


def laves(element: str, metal: str = "Fe", a: float = 7.3) -> SymmetricCell:
    return cell("Fd-3m", Lattice.cubic(a), [element, metal], [[0.0] * 3, [0.625] * 3])


def rock_salt(element: str, anion: str, a: float) -> SymmetricCell:
    return cell("Fm-3m", Lattice.cubic(a), [element, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


def cacu5(element: str, metal: str) -> SymmetricCell:
    lattice = Lattice.hexagonal(4.98, 3.97)
    return cell("P6/mmm", lattice, [element, metal, metal], [[0, 0, 0], [1 / 3, 2 / 3, 0], [0.5, 0, 0.5]])


def spinel(a_site: str, b_site: str, a: float = 8.39, u: float = 0.2549) -> SymmetricCell:
    frac = [[0.0] * 3, [0.625] * 3, [u + 0.125] * 3]
    return cell("Fd-3m", Lattice.cubic(a), [a_site, b_site, "O"], frac)


def net(cells: list[SymmetricCell], **changes: object) -> pd.DataFrame:
    """The columns of crystals of which a model says the same of each, unless `changes` say otherwise."""
    graphs, kept = build_graphs(cells, GraphSettings())
    assert len(kept) == len(cells)
    n = len(cells)
    frame = pd.DataFrame(
        {
            "formula": ["X"] * n, "space_group": [one.space_group for one in cells], "p_magnetic": 0.95, "p_ferromagnetic": 0.8,
            "p_ferrimagnetic": 0.1, "p_fm_or_fim_predicted": 0.95, "moment_muB_per_atom": 1.0, "moment_low": 0.9,
            "moment_high": 1.1, "tc_K": 500.0, "tc_low_K": 300.0, "tc_high_K": 700.0, "p_tc_above_300": 0.95,
            "p_tc_above_450": 0.7, "p_tc_above_600": 0.2, "p_tc_260_to_340": 0.1,
        }
    ).assign(**changes)  # fmt: skip
    facts = moment_facts(graphs, cells, frame["p_magnetic"].to_numpy())
    assert set(facts) == set(FACTS)
    known = known_from_experiment(frame["formula"], frame["space_group"], None)
    return with_experiment(frame.assign(**facts), known, pd.Series(1.0, index=frame.index))


@pytest.mark.parametrize("z", sorted(FREE_ION_MUB))
def test_moments_of_free_ions(z: int) -> None:
    assert four_f_moment(z) == pytest.approx(FREE_ION_MUB[z], abs=ROUNDED)
    assert four_f_moment(26) == four_f_moment(57) == four_f_moment(71) == 0.0
    assert set(OTHER_VALENCE) < set(HUND)


def test_light_rare_earths_add_to_the_3d_moment_and_heavy_ones_subtract() -> None:
    rows = net([laves(symbol) for symbol in ("Y", "Nd", "Pr", "Tb", "Dy", "Ho", "Er", "Tm")])
    assert rows["moment_4f"][0] == 0.0
    assert (rows["moment_4f"][1:3] > 0).all() and (rows["moment_4f"][3:] < 0).all()
    np.testing.assert_allclose(rows["moment_3d"], rows["moment_3d"][0], rtol=1e-9)
    assert (rows["moment_net"][1:3] > rows["moment_net"][0] + 0.3).all()
    assert rows["moment_net"][4] == pytest.approx(abs(1 / 0.95 - FITTED.heavy_c[1] * 10 / 3), abs=0.15), "DyFe2"
    assert (rows["ordering_most_likely"][3:] == "FiM").all()


@pytest.mark.parametrize("element", ["Nd", "Tb", "Ho", "Er"])
def test_a_4f_magnet_that_dft_calls_non_magnetic_has_its_moment(element: str) -> None:
    row = net([laves(element, "Al", 7.8)], p_magnetic=0.001, moment_muB_per_atom=0.0, moment_low=0.0, moment_high=0.001).iloc[0]
    assert 0.6 * four_f_moment(HUND_Z[element]) / 3 < row.moment_net <= four_f_moment(HUND_Z[element]) / 3
    assert row.ordering_most_likely == "FM" and row.p_fm_or_fim > 0.9 and element in row.moment_explained
    assert row.moment_muB_per_atom == 0.0, "the forecast of the calculation stays what it was"


HUND_Z = {"Nd": 60, "Tb": 65, "Ho": 67, "Er": 68}


@pytest.mark.parametrize("label", [14.0 / 6, 0.0])
def test_gadolinium_in_the_label_is_turned_against_the_3d_metal(label: float) -> None:
    """GdCo5: the label of the calculation is 7 + 7 µB, in nature 7 - 8."""
    row = net([cacu5("Gd", "Co")], moment_muB_per_atom=label, moment_low=label, moment_high=label, p_magnetic=1.0).iloc[0]
    assert row.moment_4f == pytest.approx(-7 / 6) and 0.5 < row.moment_3d < 1.4
    assert row.moment_net < 0.5


def test_the_antiparallel_reading_of_a_label() -> None:
    """GdFe2: 1.19 µB/atom can only be 7 - 2 × 1.7."""
    row = net([laves("Gd")], moment_muB_per_atom=1.19, moment_low=1.1, moment_high=1.3, p_magnetic=1.0).iloc[0]
    assert row.moment_3d == pytest.approx(1.2, abs=0.2) and row.moment_net == pytest.approx(1.2, abs=0.25)


def test_valences_from_distances() -> None:
    cells = {
        "Eu 2+": [rock_salt("Eu", "O", 5.14), rock_salt("Eu", "S", 5.97), rock_salt("Eu", "Te", 6.60)],
        "Eu 3+": [rock_salt("Eu", "N", 5.01)],
        "Yb 3+": [rock_salt("Yb", "N", 4.785), rock_salt("Yb", "As", 5.70)],
        "Yb 2+": [rock_salt("Yb", "S", 5.68), rock_salt("Yb", "Te", 6.36)],
        "Sm 2+": [rock_salt("Sm", "S", 5.97)],
        "Sm 3+": [rock_salt("Sm", "As", 5.92)],
    }
    for ion, several in cells.items():
        said = net(several)
        assert all(ion in words for words in said["moment_explained"]), (ion, said["moment_explained"].tolist())
    trivalent = net(cells["Eu 3+"], moment_muB_per_atom=3.0).iloc[0]
    assert trivalent.moment_4f < 0.5, "Eu 3+ has J = 0"


def test_spinels_compensate_by_coordination() -> None:
    magnetite = compensation(spinel("Fe", "Fe"))
    assert magnetite is not None and magnetite.share == pytest.approx(1 / 3)
    assert magnetite.words == "Fe on 6-fold sites against Fe on 4-fold sites"
    row = net([spinel("Fe", "Fe")], formula="Fe3O4", moment_muB_per_atom=2.0, moment_low=1.9, moment_high=2.1).iloc[0]
    assert row.moment_net == pytest.approx(0.6, abs=0.2) and row.order_basis == "measured"


def test_a_spinel_with_one_magnetic_sublattice_compensates_nothing() -> None:
    assert compensation(spinel("Zn", "Fe")) == compensation(laves("Y")) == PARALLEL


def test_without_a_rule_is_not_parallel() -> None:
    """Sites of one orbit that prefer to be antiparallel, sites far from each other, and no d moments."""
    perovskite = cell("Pm-3m", Lattice.cubic(3.9), ["La", "Fe", "O"], [[0.5] * 3, [0, 0, 0], [0.5, 0, 0]])
    far = cell("Fm-3m", Lattice.cubic(8.5), ["Cs", "Fe", "Cl"], [[0.25] * 3, [0, 0, 0], [0.27, 0, 0]])
    chromium = cell("Im-3m", Lattice.cubic(2.88), ["Cr"], [[0, 0, 0]])
    for one in (perovskite, far, chromium, rock_salt("Gd", "N", 5.0)):
        assert compensation(one) is None
    assert compensation(cell("Im-3m", Lattice.cubic(2.87), ["Fe"], [[0, 0, 0]])) == PARALLEL


def test_garnet() -> None:
    frac = [[0, 0.25, 0.125], [0, 0, 0], [0, 0.25, 0.375], [-0.0272, 0.0571, 0.1495]]
    garnet = compensation(cell("Ia-3d", Lattice.cubic(12.376), ["Y", "Fe", "Fe", "O"], frac))
    assert garnet is not None and garnet.share == pytest.approx(1 / 5)


def test_the_interval_contains_parallel_and_compensated_where_nothing_decides() -> None:
    open_case = net([laves("Y")], p_fm_or_fim_predicted=0.5, p_ferromagnetic=0.4, p_ferrimagnetic=0.4).iloc[0]
    assert open_case.moment_net_low == 0.0 and open_case.moment_net_high >= 1.0
    decided = net([spinel("Mn", "Cr")], formula="Fe", space_group=229).iloc[0]  # measured: FM
    assert decided.moment_net_low > 0.5


def test_a_measured_antiferromagnet_has_no_net_moment() -> None:
    row = net([rock_salt("Ni", "O", 4.18)], formula="NiO").iloc[0]
    assert row.moment_net < 0.05 and row.moment_net_high >= row.moment_net


@pytest.mark.parametrize("e", [0.1, 0.5, 0.95])
@pytest.mark.parametrize("p_magnetic", [0.3, 0.95])
def test_times_p_fm_or_fim_the_conditional_moment_is_the_expected_one(e: float, p_magnetic: float) -> None:
    """Without 4f shells. Antiferromagnets are counted once, not once in the moment and once in the probability."""
    fm = 0.98 * p_magnetic
    said = {"p_fm_or_fim_predicted": e, "p_magnetic": p_magnetic, "p_ferromagnetic": fm, "p_ferrimagnetic": p_magnetic - fm}
    row = net([laves("Y")], **said).iloc[0]
    canted = 0.01 * row.p_antiferromagnetic * row.moment_muB_per_atom / p_magnetic
    assert row.moment_net == pytest.approx(row.p_fm_or_fim * row.moment_if_fm_or_fim + canted, abs=1e-6)
    sure = net([laves("Y")], **said | {"p_fm_or_fim_predicted": 1.0}).iloc[0]
    assert row.moment_if_fm_or_fim == pytest.approx(sure.moment_if_fm_or_fim, abs=1e-9)
    assert row.moment_if_fm_or_fim_low <= row.moment_if_fm_or_fim <= row.moment_if_fm_or_fim_high
    assert row.moment_if_fm_or_fim_low > 0.5, "no antiferromagnet in the interval given FM or FiM"


def test_weights_given_a_net_moment_sum_to_one() -> None:
    half = np.array([0.5, 0.5])
    orders = Orders(half, np.array([0.2, 0.9]), np.array([0.25, 0.25]), np.array([False, False]))
    fm, fim, alone = orders.given_net(np.array([True, False]))
    np.testing.assert_allclose(fm, [0.125, 0.25])
    np.testing.assert_allclose(fim, [0.375, 0.75])
    np.testing.assert_allclose(alone, [0.5, 0.0])


def test_where_rules_oppose_sublattices_a_crystal_with_a_net_moment_is_a_ferrimagnet() -> None:
    """DFT, which starts ferromagnetic, gives Mn3O4 a P(FM) of 0.8."""
    row = net([spinel("Mn", "Mn")]).iloc[0]
    assert row.ordering_most_likely == "FiM" and row.moment_net < 0.5
    fm, fim = [0.6, 0.6, 0.005, 0.6, 0.6], [0.2, 0.2, 0.795, 0.2, 0.2]
    table = pd.DataFrame({"p_ferromagnetic": fm, "p_ferrimagnetic": fim, "fim_share": [0.3, np.nan, 0.3, 0.85, 1.0]})
    found = ferrimagnets_by_structure(table, FITTED)
    np.testing.assert_allclose(found["p_ferrimagnetic"], [FITTED.ruled * 0.8, 0.2, 0.795, 0.2, 0.2])
    np.testing.assert_allclose(found["p_ferromagnetic"] + found["p_ferrimagnetic"], 0.8)


@pytest.mark.parametrize("element", ["Y", "Tb"])
@pytest.mark.parametrize(("fm", "fim"), [(0.8, 0.1), (0.1, 0.8)])
def test_a_share_of_a_ferromagnet_says_nothing_of_ferrimagnets(element: str, fm: float, fim: float) -> None:
    """Rules that leave 95 % or all of the sum: the same columns as without a rule, whatever DFT says of the order."""
    first = net([laves(element)], p_ferromagnetic=fm, p_ferrimagnetic=fim)
    kept = [name for name in first if not name.startswith("moment_") or name in KEPT]
    rows = pd.concat([first[kept]] * 4, ignore_index=True)
    rows = rows.assign(p_ferromagnetic=fm, p_ferrimagnetic=fim, fim_share=[np.nan, 0.95, 1.0, 0.5])
    rows = rows.assign(fim_words=["", "Fe against V", "", ""])
    known = known_from_experiment(rows["formula"], rows["space_group"], None)
    found = with_experiment(rows, known, pd.Series(1.0, index=rows.index)).drop(columns=["fim_share", "fim_words"])
    for row in (1, 2):
        pd.testing.assert_series_equal(found.loc[row], found.loc[0], check_names=False)
    assert found["moment_if_fm_or_fim"][3] != found["moment_if_fm_or_fim"][0]


def test_manganese_and_nickel_across_a_corner_are_parallel() -> None:
    """La2NiMnO6 is a ferromagnet, Sr2FeMoO6 a ferrimagnet."""

    def double_perovskite(first: str, second: str) -> SymmetricCell:
        frac = [[0.25, 0.25, 0.25], [0, 0, 0], [0.5, 0, 0], [0.25, 0, 0]]
        return cell("Fm-3m", Lattice.cubic(7.8), ["La", first, second, "O"], frac)

    assert compensation(double_perovskite("Ni", "Mn")) == PARALLEL
    assert compensation(double_perovskite("Mn", "Co")) == PARALLEL
    opposed = compensation(double_perovskite("Fe", "Mo"))
    assert opposed is not None and 0.5 < opposed.share < 0.8


def test_what_orders_has_its_moment() -> None:
    """An ion of uncertain valence: P(4f moments) is that of the valence, and given an order the moment is the whole one."""
    moment, doubt = np.array([0.6 * 7.0, 7.0, 0.0]), np.array([7.0 * 0.24**0.5, 0.0, 0.0])
    np.testing.assert_allclose(p_4f_moment(moment, doubt), [0.6, 1.0, 1.0])
    row = net([rock_salt("Eu", "S", 5.82)], p_magnetic=0.01, moment_muB_per_atom=0.01, moment_low=0.0, moment_high=0.05).iloc[0]
    p = p_4f(row.to_frame().T)[0]
    assert 0.05 < p < 0.95, "the distance decides nothing"
    assert row.moment_if_fm_or_fim == pytest.approx(3.5, abs=0.15)
    assert row.p_fm_or_fim == pytest.approx(0.95 * p, abs=0.03)


def test_a_small_rest_beside_europium_is_no_moment_of_iron() -> None:
    """EuFe2P2 (30 K): 7 µB of a label of 7.1 are the europium's, and the iron has none."""
    frac = [[0, 0, 0], [0, 0.5, 0.25], [0, 0, 0.362]]
    crystal = cell("I4/mmm", Lattice.tetragonal(3.82, 11.24), ["Eu", "Fe", "P"], frac)
    said = {"moment_muB_per_atom": 7.1 / 5, "moment_low": 1.4, "moment_high": 1.44}
    row = net([crystal], **said, p_magnetic=1.0, p_tc_above_300=0.0).iloc[0]
    assert row.moment_3d < 0.1


def test_facts_average_over_cells() -> None:
    """The facts of a disordered crystal are the mean of those of its cells."""
    two = net([laves("Tb"), laves("Y")])
    mean = {name: two[name].mean() for name in FACTS if name not in ("ions_4f", "fim_words", "fim_share")}
    half = net([laves("Tb")]).drop(columns=[c for c in two if c.startswith("moment_") and c not in KEPT]).assign(**mean)
    known = known_from_experiment(half["formula"], half["space_group"], None)
    again = with_experiment(half, known, pd.Series(1.0, index=half.index))
    assert again["moment_4f"][0] == pytest.approx(two["moment_4f"].mean())


KEPT = ("moment_muB_per_atom", "moment_low", "moment_high")


def test_no_rows() -> None:
    frame = net([laves("Tb")]).iloc[:0]
    found = with_experiment(frame, known_from_experiment(frame["formula"], frame["space_group"], None), pd.Series(dtype=float))
    assert found.empty and "moment_net" in found


def test_many_orbits_are_improved_one_by_one() -> None:
    """An inverse spinel without symmetry, all of whose sites are orbits of their own, has the signs of the symmetric one."""
    whole = spinel("Fe", "Fe")
    sites = Structure(Lattice(whole.lattice), whole.numbers.tolist(), whole.frac) * (2, 1, 1)
    crystal = Crystal.from_pymatgen(sites, "x")
    alone = SymmetricCell(crystal.lattice, crystal.frac, crystal.numbers, np.arange(crystal.n_sites), 1, False)
    assert (alone.numbers == 26).sum() > 10
    found = compensation(alone)
    assert found is not None and found.share == pytest.approx(1 / 3)


def test_the_doubt_of_a_4f_moment_reaches_the_net_moment_of_a_ferrimagnet() -> None:
    """Thulium, measured as a ferrimagnet: nothing but the crystal field is in doubt, and that is."""
    thulium = cell("P6_3/mmc", Lattice.hexagonal(3.54, 5.55), ["Tm"], [[1 / 3, 2 / 3, 0.25]])
    row = net([thulium], formula=["Tm"], moment_muB_per_atom=0.02, moment_low=0.0, moment_high=0.05).iloc[0]
    assert row.ordering_most_likely == "FiM"
    assert row.moment_net_low < 0.5 * row.moment_net < row.moment_net < 0.7 * row.moment_net_high


@pytest.mark.parametrize("p_magnetic", [0.5, 0.7, 0.9])
def test_the_interval_holds_aligned_4f_moments_where_the_value_counts_them(p_magnetic: float) -> None:
    """Moments of 4f ions alone align in a field, so the net moment counts them, however likely they alternate without one."""
    row = net(
        [rock_salt("Tb", "P", 5.69)], p_magnetic=p_magnetic, moment_muB_per_atom=0.1, moment_low=0.0, moment_high=0.2,
        p_fm_or_fim_predicted=0.02, tc_K=5.0, tc_low_K=1.0, tc_high_K=20.0, p_tc_above_300=0.0, p_tc_above_450=0.0,
        p_tc_above_600=0.0,
    ).iloc[0]  # fmt: skip
    assert row.moment_net_low == 0.0 < row.moment_net
    assert row.moment_net_high > 0.4 * four_f_moment(65)
