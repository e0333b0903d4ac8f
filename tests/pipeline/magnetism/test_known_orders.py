"""The embedded table of known magnets, and the look-up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.known_magnets import NO_ORDER, ORDERS, known_magnets, measured_in
from data.sources.literature.snapshot import publish_literature
from data.sources.literature.tables import amounts_of, composition_key
from pipeline.magnetism.known_orders import KNOWN_COLUMNS, MIXED, OTHER_ORDER, OTHER_STRUCTURE, OTHER_TC, known_from_experiment

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "literature" / "transition_temperatures.parquet"
AGREE = 0.10
# the median of the literature is that of disordered samples, nanoparticles, other transitions or other structures
MIXED_LITERATURE = {
    "FePt", "FePd", "FePt3", "Mn3Ir", "ZrZn2", "MnO2", "NdNiO3", "GdFeO3", "EuFeO3", "Sm", "Eu", "FePO4",
    "La2CuO4", "NiS2",
}


def look(*crystals: tuple[str, int], own: Path | None = None) -> pd.DataFrame:
    formulas, groups = zip(*crystals, strict=True)
    snapshot = None if own is None else publish_literature(own / "home", own)
    return known_from_experiment(pd.Series(formulas, dtype=object), pd.Series(groups), snapshot)


def test_the_table_is_whole() -> None:
    table = known_magnets()
    assert len(table) >= 250 and set(table["order"]) == set(ORDERS)
    assert (table["reference"].str.len() > 3).all()
    keys = [composition_key(amounts_of(f) or {}) for f in table["formula"]]
    measured = [(key, group) for key, groups in zip(keys, measured_in(), strict=True) for group in groups]
    assert len(set(measured)) == len(measured), "one row for each composition and space group"
    ferro, none = table["order"].isin(("FM", "FiM")), table["order"] == NO_ORDER
    assert table.loc[ferro, "tc_K"].between(0.5, 1400).all() and table.loc[~(ferro | none), "tn_K"].between(0.5, 1600).all()
    assert table.loc[none, ["tc_K", "tn_K", "saturation_300K_T"]].isna().all(axis=None)
    assert table["saturation_300K_T"].dropna().between(0.01, 2.5).all()


@pytest.mark.skipif(not SHARED.is_file(), reason="the shared literature table is not here")
def test_the_table_agrees_with_the_literature() -> None:
    shared = pd.read_parquet(SHARED, columns=["key", "kind", "T_K"])
    compared = 0
    once = known_magnets().drop_duplicates("formula", keep=False)  # the literature does not tell structures apart
    for row in once.itertuples():
        if row.formula in MIXED_LITERATURE:
            continue
        theirs = shared[shared["key"] == composition_key(amounts_of(row.formula) or {})].set_index("kind")["T_K"]
        for kind, ours in (("Tc", row.tc_K), ("TN", row.tn_K)):
            if kind in theirs and not np.isnan(ours):
                compared += 1
                assert abs(ours / theirs[kind] - 1) <= AGREE, f"{row.formula}: {ours} K, {theirs[kind]} K in the literature"
    assert compared > 200


def test_what_is_known_and_what_is_not() -> None:
    found = look(("Nd2Fe14B", 136), ("NiO", 225), ("Fe2O3", 167), ("Fe2O3", 206), ("Al2O3", 167))
    assert list(found.columns) == [*KNOWN_COLUMNS, OTHER_ORDER, OTHER_TC, OTHER_STRUCTURE]
    assert found["known_order"].tolist() == ["FM", "AFM", "AFM", "", ""]
    assert found["known_tc_K"].fillna(0).tolist() == [588, 0, 0, 0, 0]
    assert found["known_references"].tolist() == [1, 1, 1, 0, 0]
    assert found["known_dois"][0].startswith("handbook: ")


def test_a_formula_with_fractions_is_found_whatever_its_multiple() -> None:
    found = look(("La7Sr3Mn10O30", 167), ("La0.7Sr0.3MnO3", 167), ("La3Sr(MnO3)4", 167))
    assert found["known_tc_K"].fillna(0).tolist() == [369, 369, 0]


@pytest.mark.parametrize(
    ("formula", "measured", "other"),
    [
        ("Fe", 229, 194), ("Fe", 225, 194), ("Co", 194, 229), ("Ni", 225, 194), ("Mn", 217, 225), ("NiO", 225, 216),
        ("CoO", 225, 186), ("MnSb", 194, 216), ("LiFePO4", 62, 181), ("Fe2SiO4", 62, 227), ("YbFeO3", 62, 185),
        ("FePt", 123, 225), ("Mn3Ge", 194, 139), ("FeGe", 198, 12), ("YMnO3", 185, 225),
        ("FeRh", 221, 229), ("SmCo5", 191, 221), ("FeS", 190, 129), ("Fe2O3", 167, 206), ("CuO", 15, 225), ("Gd", 194, 166),
    ],
)  # fmt: skip
def test_another_polymorph_was_not_measured(formula: str, measured: int, other: int) -> None:
    found = look((formula, measured), (formula, other))
    assert found["known_order"][0] != "" and found["known_references"][0] == 1
    assert found["known_order"][1] == "" and found["known_references"][1] == 0
    assert np.isnan(found["known_tc_K"][1]) and np.isnan(found["known_tn_K"][1]) and found["known_dois"][1] == ""
    assert found["known_elsewhere"][0] == "" and f"{found['known_order'][0]}, T" in found["known_elsewhere"][1]


@pytest.mark.parametrize(
    ("formula", "group", "order", "kelvin"),
    [
        ("Fe", 229, "FM", 1044), ("Fe", 225, "AFM", 67), ("FeGe", 198, "FM", 279),
        ("FeGe", 191, "AFM", 411), ("Co", 194, "FM", 1388), ("Co", 225, "FM", 1388), ("FeNi", 123, "FM", 823),
        ("FeNi", 225, "FM", 785), ("FeCo", 229, "FM", 1250),
        ("Fe2O3", 167, "AFM", 955), ("Fe2O3", 33, "FiM", 500), ("Fe2O3", 227, "FiM", 918), ("Mn3Ga", 139, "FiM", 770),
        ("Mn3Ga", 194, "AFM", 470), ("FeS", 194, "AFM", 598), ("YMnO3", 62, "AFM", 42), ("YMnO3", 185, "AFM", 70),
    ],
)  # fmt: skip
def test_each_measured_structure_has_its_own_order(formula: str, group: int, order: str, kelvin: float) -> None:
    found = look((formula, group)).iloc[0]
    assert found["known_order"] == order and found["known_elsewhere"] == "" and found["known_references"] == 1
    assert found["known_tn_K" if order == "AFM" else "known_tc_K"] == kelvin


@pytest.mark.parametrize(
    ("formula", "group", "order"),
    [
        ("NpFe2", 227, "FM"), ("La2CuO4", 64, "AFM"), ("SrVO3", 221, "NM"), ("LiV2O4", 227, "NM"),
        ("UAl2", 227, "NM"), ("Pu", 225, "NM"), ("VI2", 164, "AFM"), ("NiS2", 205, "AFM"), ("FeP", 62, "AFM"),
        ("VSe2", 164, "NM"), ("CrGe", 198, "NM"), ("UAl3", 221, "NM"), ("FeVSb", 216, "NM"),
    ],
)  # fmt: skip
def test_what_the_models_take_for_something_else_is_looked_up(formula: str, group: int, order: str) -> None:
    """Of SrVO3 and UAl2 they make ferromagnets, of La2CuO4 and NpFe2 crystals without moments."""
    assert look((formula, group))["known_order"][0] == order


def test_what_another_structure_of_the_composition_has_is_said() -> None:
    found = look(("Fe", 194), ("FeS", 129), ("Al", 225), ("Fe", 229))
    assert found["known_elsewhere"][0] == "FM, Tc 1044 K (bcc) and AFM, TN 67 K (fcc)" and ", TN " in found["known_elsewhere"][1]
    assert (found["known_elsewhere"][2:] == "").all()
    assert found[OTHER_ORDER].tolist() == [MIXED, "AFM", "", ""]
    assert found[OTHER_TC][0] == 1044.0 and found[OTHER_TC][1:].isna().all()


def test_what_has_no_order_is_known_too(tmp_path: Path) -> None:
    """LaNi5 and pyrite; beta-manganese has none, beside alpha-manganese, which orders. It says nothing of other structures."""
    (tmp_path / "mine.csv").write_text("formula,kind,value_K,ref,manual\nLaNi5,Tc,300,doi:10.1/e,true\n")
    found = look(("LaNi5", 191), ("FeS2", 205), ("Mn", 213), ("FeS2", 58), own=tmp_path)
    assert found["known_order"].tolist() == [NO_ORDER] * 3 + [""]
    assert found["known_references"].tolist() == [2, 1, 1, 0] and found["known_tc_K"][1:].isna().all()
    assert (found["known_elsewhere"] == "").all() and (found[OTHER_ORDER] == "").all()
    assert found[OTHER_STRUCTURE].tolist() == [False] * 3 + [True]
    assert found["known_spread_K"].fillna(-1).tolist() == [0, -1, -1, -1]


def test_distortions_of_the_measured_structure_count() -> None:
    found = look(("NiO", 166), ("CrN", 62), ("MnAs", 62), ("Ni2MnGa", 139), ("CuFe2O4", 141), ("Y2Fe17", 166), ("LaMnO3", 62))
    assert (found["known_order"] != "").all()
    found = look(("SrFe2As2", 69), ("V2O3", 15), ("LiFe5O8", 227), ("Fe2O3", 96), ("YFe3", 194))
    assert (found["known_order"] != "").all()


def test_every_compound_names_its_structure() -> None:
    groups = measured_in()
    assert len(groups) == len(known_magnets())
    assert all(found and all(1 <= n <= 230 for n in found) for found in groups)


def test_the_users_values(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(
        "formula,kind,value_K,ref\n"
        "Fe7Co3N,Tc,512,doi:10.1/a\nFe7Co3N,Tc,520,doi:10.1/b\n"
        "Fe8W,Tc,600,doi:10.1/c\nFe8W,TN,90,doi:10.1/d\n"
        "Fe,Tc,900,doi:10.1/e\n"
    )  # fmt: skip
    found = look(("Co3Fe7N", 1), ("Fe8W", 1), ("Fe", 229), ("Al", 225), own=tmp_path)
    assert found["known_order"].tolist() == ["FM or FiM", "contradictory", "FM", ""]
    assert found["known_tc_K"][0] == 516 and found["known_spread_K"][0] == 8 and found["known_references"][0] == 2
    assert found["known_dois"][0] == "10.1/a; 10.1/b"
    assert found["known_tc_K"][2] == 1044, "a handbook comes before a table of the user"
    assert found["known_dois"][2] == "handbook: Coey 2010; 10.1/e" and found["known_references"][2] == 2


def test_the_spread_holds_every_value_that_is_counted(tmp_path: Path) -> None:
    """A value of the user that contradicts the handbook is a reference, and is seen."""
    (tmp_path / "mine.csv").write_text(
        "formula,kind,value_K,ref,manual\nFe,Tc,900,doi:10.1/e,true\nFe,Tc,950,doi:10.1/f,\nMnBi,TN,500,doi:10.1/b,true\n"
    )
    found = look(("Fe", 229), ("MnBi", 194), ("Fe", 194), ("Ni", 225), own=tmp_path)
    assert found["known_references"].tolist() == [3, 2, 2, 1]
    assert found["known_tc_K"].tolist()[:2] == [1044, 633], "the handbook decides"
    assert found["known_spread_K"].fillna(-1).tolist() == [144, 133, 50, -1], "hcp iron has the user's values only"
    fcc = look(("Fe", 225), own=tmp_path)
    assert fcc["known_spread_K"][0] == 883, "its own Neel temperature, not that of the body-centred structure"


def test_the_order_of_rows_does_not_matter() -> None:
    crystals = [("NiO", 225), ("Al", 225), ("Fe", 229)]
    forth, back = look(*crystals), look(*crystals[::-1])
    pd.testing.assert_frame_equal(forth, back.iloc[::-1].reset_index(drop=True))
