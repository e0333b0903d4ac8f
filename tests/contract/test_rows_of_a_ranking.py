"""Every row of a ranking agrees with itself: what the column reference says of one column follows from the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.labels import TESLA_PER_MUB_PER_A3
from data.sources import Record
from data.sources.given import GivenCrystals
from data.sources.starter import StarterSource
from pipeline.registry.shipped import shipped_model
from pipeline.screening.predict import predict_here
from pipeline.settings import Settings
from pipeline.uncertainty.training_residuals import LARGEST
from tests.contract.crystals import hand_built, permuted, random_rotation, rotated, supercell
from tests.contract.test_disordered_one_answer import CRYSTALS as DISORDERED

STARTER_STEP = 12  # of the starter set, one crystal in so many
CANDIDATES = 40
EXACT = 1e-6  # of what is calculated from other columns in double precision
ROUNDED = 2e-3  # of what is stated with rounded constants
CORRECTED = 1.25 * LARGEST  # µB/atom, about the largest correction by training residuals, which are no larger than LARGEST
VACUUM = 4e-7 * np.pi  # T m / A
ORDERS = ["FM", "FiM", "AFM", "NM"]
INTERVALS = [
    ("moment_low", "moment_muB_per_atom", "moment_high"), ("saturation_T_low", "saturation_T", "saturation_T_high"),
    ("moment_3d_low", "moment_3d", "moment_3d_high"), ("moment_4f_low", "moment_4f", "moment_4f_high"),
    ("moment_net_low", "moment_net", "moment_net_high"), ("tc_low_K", "tc_K", "tc_high_K"), ("tn_low_K", "tn_K", "tn_high_K"),
    ("moment_if_fm_or_fim_low", "moment_if_fm_or_fim", "moment_if_fm_or_fim_high"),
    ("saturation_300K_T_low", "saturation_300K_T", "saturation_300K_T_high"),
]  # fmt: skip
TESLA = [
    ("saturation_T", "moment_net"), ("saturation_T_low", "moment_net_low"), ("saturation_T_high", "moment_net_high"),
    ("saturation_if_fm_or_fim_T", "moment_if_fm_or_fim"), ("saturation_dft_T", "moment_muB_per_atom"),
    ("saturation_dft_T_low", "moment_low"),
]  # fmt: skip


def crystals() -> Iterator[AnyCrystal]:
    """Hand-built, disordered and computed crystals, among them elements whose order is measured."""
    source = StarterSource()
    yield from hand_built().values()
    yield from DISORDERED.values()
    items = [item for shard in source.shards() for item in source.read(shard)]
    yield from (item.crystal for item in items[::STARTER_STEP] if isinstance(item, Record))


def predicted(several: list[AnyCrystal], home: Path) -> pd.DataFrame:
    ensemble = shipped_model()
    assert ensemble is not None
    table, _ = predict_here(GivenCrystals(several), ensemble, Settings(home=home, workers=1))
    by_id = {one.id: one for one in several}
    atoms = [getattr(by_id[name], "n_atoms", by_id[name].n_sites) for name in table["candidate_id"]]
    return table.assign(volume=[by_id[name].volume for name in table["candidate_id"]], atoms=atoms)


def named(several: list[AnyCrystal]) -> list[AnyCrystal]:
    return [replace(one, id=str(k)) for k, one in enumerate(several)]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    found = predicted(named(list(crystals())), tmp_path_factory.mktemp("home"))
    assert len(found) > 30 and found["order_basis"].eq("measured").any() and found["n_approximants"].notna().any()
    return found


@pytest.fixture(scope="module")
def candidates(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    rows = pq.read_table(shared_data("icsd_candidates.parquet"), columns=["cif"])
    chosen = rows.take(np.sort(np.random.default_rng(3).choice(len(rows), CANDIDATES, replace=False)))
    read = [next(iter(read_cif(text, "candidates", str(k)))) for k, text in enumerate(chosen.column("cif").to_pylist())]
    return predicted(named([one for one in read if isinstance(one, Crystal)]), tmp_path_factory.mktemp("home"))


def breaches(table: pd.DataFrame) -> list[str]:
    """What does not hold, with the ids of the rows in which it does not."""
    found: list[str] = []

    def holds(what: str, good: pd.Series[bool] | np.ndarray) -> None:
        bad = table["candidate_id"][~np.asarray(good, dtype=bool)].to_list()
        if bad:
            found.append(f"{what}: {', '.join(bad[:5])}")

    def near(one: pd.Series[float], other: pd.Series[float], within: float) -> pd.Series[bool]:
        return (one - other).abs() <= within * np.maximum(1.0, other.abs())

    for low, value, high in INTERVALS:
        holds(f"{low} <= {value} <= {high}", (table[low] <= table[value] + EXACT) & (table[value] <= table[high] + EXACT))
    per_atom = TESLA_PER_MUB_PER_A3 * table["atoms"] / table["volume"]
    for tesla, moment in TESLA:
        holds(f"{tesla} of {moment}", near(table[tesla], table[moment] * per_atom, ROUNDED))
    for name in [name for name in table if name.startswith("p_")] + ["afm_risk"]:
        holds(f"0 <= {name} <= 1", table[name].between(-EXACT, 1 + EXACT))
    fm, fim, afm = table["p_ferromagnetic"], table["p_ferrimagnetic"], table["p_antiferromagnetic"]
    ordered = fm + fim + afm
    holds("the orders sum to P(magnetic)", near(ordered, table["p_magnetic"], ROUNDED))
    holds("P(FM or FiM)", near(fm + fim, table["p_fm_or_fim"], ROUNDED))
    holds("afm_risk", near(table["afm_risk"] * ordered, afm, ROUNDED))
    chances = pd.DataFrame({"FM": fm, "FiM": fim, "AFM": afm, "NM": 1 - ordered})
    largest = np.sort(chances.to_numpy())[:, ::-1]
    tied = largest[:, 0] - largest[:, 1] < EXACT
    holds("ordering_most_likely", (chances.idxmax(axis=1) == table["ordering_most_likely"]) | tied)
    holds("falls with the temperature", table["saturation_300K_T"] <= table["saturation_if_fm_or_fim_T"] + EXACT)
    holds("nothing above Tc", (table["tc_K"] >= 300) | (table["saturation_300K_T"] < EXACT))
    above = [table[f"p_tc_above_{kelvin}"] for kelvin in (300, 450, 600)]
    holds("P(Tc) falls", (above[0] >= above[1]) & (above[1] >= above[2]))
    product = table["saturation_300K_T"] ** 2 / (4 * VACUUM) / 1000
    holds("BHmax in kJ/m³", near(table["bh_max_kJ_m3"], product, ROUNDED))
    holds("BHmax in MGOe", near(table["bh_max_MGOe"], table["bh_max_kJ_m3"] / 7.957747, ROUNDED))
    holds("K1 of hardness 1", near(table["k1_for_hardness_1_MJ_m3"], 4 * product / 1000, ROUNDED))
    holds("a Tc is measured or predicted", (table["tc_basis"] == "measured") == table["known_tc_K"].notna())
    measured = table["tc_basis"] == "measured"
    holds("a measured Tc is shown", ~measured | near(table["tc_K"], table["known_tc_K"].fillna(0.0), EXACT))
    holds("an order is measured or predicted", (table["order_basis"] == "measured") == table["known_order"].isin(ORDERS))
    holds("references", (table["known_order"] == "") == (table["known_references"] == 0))
    holds("stability", (table["stability"] == "known") == table["e_above_hull"].notna())
    members = table[[name for name in table if name.startswith("member_")]]
    moment = table["moment_muB_per_atom"]
    moved = 1.0 / table["n_sites"] + CORRECTED  # to the nearest integer of a cell, which is 1 µB away at most
    holds("near its members", moment.between(members.min(axis=1) - moved, members.max(axis=1) + moved))
    numbers = table.select_dtypes("number")
    holds("finite or empty", ~np.isinf(numbers.to_numpy(dtype=float)).any(axis=1))
    return found


def test_rows_agree_with_themselves(table: pd.DataFrame) -> None:
    assert breaches(table) == []


def test_rows_of_candidates_agree_with_themselves(candidates: pd.DataFrame) -> None:
    assert breaches(candidates) == []


def test_the_check_finds_what_is_wrong(table: pd.DataFrame) -> None:
    """A check that cannot fail checks nothing."""
    for name, factor in (("saturation_T", 1.1), ("p_ferrimagnetic", 2.0), ("moment_low", 50.0), ("bh_max_MGOe", 1.2)):
        assert breaches(table.assign(**{name: table[name] * factor + 0.01}))
    assert breaches(table.assign(tc_basis="measured"))


@pytest.mark.parametrize("name", ["SmCo5", "Co2MnSi", "Fe"])
def test_the_cell_that_a_crystal_is_described_in_shows_nowhere(name: str, tmp_path: Path) -> None:
    one = hand_built()[name]
    other = permuted(rotated(supercell(one, (2, 1, 1)), random_rotation(3)), 4)
    rows = predicted(named([one, other]), tmp_path).sort_values("candidate_id").drop(columns=["volume", "atoms"])
    ignored = ["rank", "candidate_id", "duplicate_of"]
    first, second = (rows.iloc[k].drop(ignored) for k in (0, 1))
    for column, value in first.items():
        same = np.isclose(value, second[column], rtol=ROUNDED, atol=ROUNDED, equal_nan=True) if isinstance(value, float) else True
        assert same and (isinstance(value, float) or pd.isna(value) or value == second[column]), (column, value, second[column])
