"""Tables of measured values: what is read, what is kept aside, what a snapshot promises."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from pymatgen.core import Composition

from data.errors import UserError
from data.sources.literature import quarantine as q
from data.sources.literature import tables
from data.sources.literature.diff import literature_difference
from data.sources.literature.snapshot import LiteratureSnapshot, newest_literature, open_literature, publish_literature
from data.sources.literature.tables import amounts_of, composition_key

HEAD = "formula,kind,value_K,ref"
SOUND = ["Fe,Tc,1044,doi:10.1/a", "NiO,TN,525,doi:10.1/b", "Fe3O4,Tc,858,handbook"]


def publish(folder: Path, *lines: str) -> LiteratureSnapshot:
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    (tables / "mine.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    return publish_literature(folder / "home", tables)


def reason(folder: Path, line: str, *others: str) -> str:
    """Why the line is kept aside; "" where it is not."""
    aside = publish(folder, *SOUND, line, *others).quarantine()
    found = aside[aside["row"] == len(SOUND) + 1]["reason"].tolist()
    return found[0] if found else ""


def test_what_is_known(tmp_path: Path) -> None:
    known = publish(tmp_path, *SOUND, "Fe,Tc,1040,doi:10.1/c").compositions().set_index("formula")
    assert known.loc["Fe", "order"] == "FM or FiM" and known.loc["NiO", "order"] == "AFM"
    assert known.loc["Fe", "tc_K"] == 1042 and known.loc["Fe", "spread_K"] == 4 and known.loc["Fe", "references"] == 2
    assert known.loc["Fe", "dois"] == "10.1/a; 10.1/c" and known.loc["Fe3O4", "dois"] == "handbook"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Xx2,Tc,300,a", q.NO_FORMULA),
        (",Tc,300,a", q.NO_FORMULA),
        ("Fe2P,Curie,217,a", q.NO_KIND),
        ("Fe2P,Tc,about 200,a", q.NO_NUMBER),
        ("Fe2P,Tc,,a", q.NO_NUMBER),
        ("Fe2P,Tc,inf,a", q.NO_NUMBER),
        ("Fe2P,Tc,0,a", q.IMPOSSIBLE),
        ("Fe2P,Tc,-56,a", q.IMPOSSIBLE),
        ("Fe2P,Tc,2170,a", q.IMPOSSIBLE),
        ("NaCl,Tc,300,a", q.NOT_MAGNETIC),
        ("YBa2Cu3O7,Tc,92,a", q.SUPERCONDUCTOR),
        ("La1.85Sr0.15CuO4,Tc,38,a", q.SUPERCONDUCTOR),
        ("Sr2RuO4,Tc,1.5,a", q.SUPERCONDUCTOR),
        ("Zn0.98Co0.02O,Tc,350,a", q.DILUTE),
        ("Fe2P,Tc,217,a", ""),
        ("La0.7Sr0.3MnO3,Tc,370,a", ""),
        ("GdCl3,Tc,2.2,a", ""),
        ("CeCu0.5Ge1.5,Tc,1.5,a", ""),
        ("CuFe2O4,Tc,728,a", ""),
        ("ZrZn2,Tc,28,a", ""),
    ],
)
def test_impossible_values(tmp_path: Path, line: str, expected: str) -> None:
    assert reason(tmp_path, line) == expected


def test_celsius_needs_others_that_agree_in_kelvin(tmp_path: Path) -> None:
    others = ("YCo5,Tc,977,b", "YCo5,Tc,980,c")
    assert reason(tmp_path, "YCo5,Tc,705,a", *others) == q.CELSIUS
    assert reason(tmp_path, "YCo5,Tc,760,a", *others) == "", "another value is no degree Celsius"
    assert reason(tmp_path, "YCo5,Tc,705,a", "YCo5,Tc,977,b") == "", "one against one says nothing"


def test_neel_temperatures_called_curie_temperatures(tmp_path: Path) -> None:
    assert reason(tmp_path, "MnO,Tc,118,a", "MnO,TN,117,b", "MnO,TN,118,c") == q.NEEL_AS_CURIE
    assert reason(tmp_path, "MnO,Tc,45,a", "MnO,TN,117,b", "MnO,TN,118,c") == "", "another transition"
    assert reason(tmp_path, "Fe3O4,Tc,858,a", "Fe3O4,Tc,850,d", "Fe3O4,TN,858,b") == "", "more references call it Tc"


def test_both_orders_are_contradictory_until_one_outvotes_the_other(tmp_path: Path) -> None:
    one = publish(tmp_path, "MnPd,Tc,970,a", "MnPd,TN,780,b").compositions()
    assert one["order"].tolist() == ["contradictory"]
    many = publish(tmp_path, "MnPd,Tc,970,a", *(f"MnPd,TN,{780 + k},r{k}" for k in range(4))).compositions()
    assert many["order"].tolist() == ["AFM"]


def test_the_same_tables_give_the_same_snapshot(tmp_path: Path) -> None:
    first, second = publish(tmp_path, *SOUND), publish(tmp_path, *SOUND)
    assert first.id == second.id and len(list((tmp_path / "home").glob("[!.]*"))) == 1
    third = publish(tmp_path, *SOUND, "Co,Tc,1388,x")
    assert third.id != first.id and newest_literature(tmp_path / "home") == third
    assert open_literature(tmp_path / "home", first.id[:6]) == first


def test_a_parquet_table_and_files_that_are_no_tables(tmp_path: Path) -> None:
    tables = tmp_path / "tables"
    tables.mkdir()
    pd.DataFrame({"formula": ["Fe"], "kind": ["Tc"], "value_K": [1044.0], "ref": ["a"]}).to_parquet(tables / "a.parquet")
    (tables / "README.md").write_text("no table")
    (tables / "other.csv").write_text("a,b\n1,2\n")
    assert list(publish_literature(tmp_path / "home", tables).manifest["tables"]) == ["a.parquet"]


def test_mistakes_of_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no folder"):
        publish_literature(tmp_path / "home", tmp_path / "nowhere")
    (tmp_path / "tables").mkdir()
    with pytest.raises(UserError, match="columns formula, kind, value_K, ref"):
        publish_literature(tmp_path / "home", tmp_path / "tables")
    with pytest.raises(UserError, match="no usable value"):
        publish(tmp_path, "Fe,Tc,-4,a")
    with pytest.raises(UserError, match="the tables are empty"):
        publish(tmp_path)
    assert newest_literature(tmp_path / "home") is None


def test_a_damaged_snapshot(tmp_path: Path) -> None:
    made = publish(tmp_path, *SOUND)
    (made.folder / "compositions.parquet").write_bytes(b"x")
    with pytest.raises(UserError, match="damaged"):
        made.compositions()


def test_what_changed(tmp_path: Path) -> None:
    old = publish(tmp_path, *SOUND)
    new = publish(tmp_path, "Fe,Tc,1044,doi:10.1/a", "NiO,TN,520,doi:10.1/b", "Co,Tc,1388,c")
    found = literature_difference(old, new)
    assert found.counts() == {"new": 1, "withdrawn": 1, "reordered": 0, "remeasured": 1}
    assert found.remeasured[0]["tn_K"] == 520 and found.remeasured[0]["old_tn_K"] == 525
    assert found.withdrawn[0]["formula"] == "Fe3O4"


def test_keys() -> None:
    assert composition_key(amounts_of("Fe2O3") or {}) == composition_key(amounts_of("Fe4O6") or {}) == "Fe0.4000 O0.6000"
    assert amounts_of("D2O") == amounts_of("H2O") and amounts_of("not a formula") is None


def test_formulas_are_read_as_pymatgen_reads_them() -> None:
    read_here = ("Fe", "Fe2O3", "CH3CH2OH", "NaN", "Fe1.5O2", "Ba2Mn(PO4)2", "Fe(OH)2Cl(OH)3", "Co6Ge2(CO)19", "Dy10Fe10")
    for formula in (*read_here, "Fe(C(OH)2)2", "Fe(O0.5)2", "(Fe2)O", "Fe0.5O", "Fe 2 O 3", "Fe2O3-x"):
        plain = tables._plain_amounts(formula)
        assert bool(plain) == (formula in read_here), formula
        if plain:
            assert plain == Composition(formula).get_el_amt_dict(), formula
    assert amounts_of("D2O") == amounts_of("H2O") and amounts_of("Xx2") is None and amounts_of("Rf2") is None


def test_absent_cells_of_a_parquet_table(tmp_path: Path) -> None:
    """An absent reference is none, and a handbook's mark is one where other rows have no mark."""
    tables = {"formula": ["Fe", "Fe", "Ni"], "kind": ["Tc"] * 3, "value_K": [1044.0, 1000.0, 627.0]}
    table = pd.DataFrame({**tables, "ref": ["doi:10.1/a", "doi:10.1/b", None], "manual": [1.0, None, None]})
    table.to_parquet(tmp_path / "mine.parquet")
    snapshot = publish_literature(tmp_path / "home", tmp_path)
    known = snapshot.compositions().set_index("formula")
    assert known.loc["Fe", "tc_K"] == 1044 and known.loc["Ni", "dois"] == ""
    assert snapshot.values()["manual"].tolist() == [True, False, False]


def test_tables_by_hand(tmp_path: Path) -> None:
    """Blanks behind commas, and a name in capitals; a table that is left alone is named."""
    (tmp_path / "mine.csv").write_text("formula, kind, value_K, ref\nFe, Tc, 1044, a\n")
    (tmp_path / "MORE.CSV").write_text(f"{HEAD}\nNi,Tc,627,a\n")
    (tmp_path / "excel.csv").write_text(f"{HEAD};\nCo;Tc;1388;a\n".replace(",", ";"))
    snapshot = publish_literature(tmp_path / "home", tmp_path)
    assert set(snapshot.values()["formula"]) == {"Fe", "Ni"} and snapshot.manifest["left_alone"] == ["excel.csv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"{HEAD}\nFe,Tc,1044,a\nNi,Tc,627,a,b,c,d\n", "mine.csv is no readable table: .* line 3"),
        (f"{HEAD},formula\nFe,Tc,1044,a,Co\n", "mine.csv has the column formula twice"),
        (f"{HEAD}\nFe,Tc,1044,a,\n", "mine.csv is no readable table: .* line 2"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "mine.csv").write_text(content)
    with pytest.raises(UserError, match=words):
        publish_literature(tmp_path / "home", tmp_path)


def test_a_parquet_table_that_is_damaged_inside(tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    pd.DataFrame({"formula": ["Fe"], "kind": ["Tc"], "value_K": [1044.0], "ref": ["a"]}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[20] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match=r"mine\.parquet is no readable table"):
        publish_literature(tmp_path / "home", tmp_path)


def test_a_folder_without_the_columns_says_which_ones_it_has(tmp_path: Path) -> None:
    (tmp_path / "german.csv").write_text("formula;kind;value_K;ref\nFe;Tc;1043;x\n")
    (tmp_path / "short.csv").write_text("formula,kind,T\nFe,Tc,1043\n")
    words = r"with commas.*: german\.csv has formula;kind;value_K;ref; short\.csv has formula, kind, T "
    with pytest.raises(UserError, match=words):
        tables.literature_files(tmp_path)
