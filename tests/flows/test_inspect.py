"""`ferroscreen inspect`: what was read, or why not, without Prefect."""

from __future__ import annotations

import json
import os
import subprocess
import warnings
from pathlib import Path
from zipfile import ZipFile

from tests.data.cif_texts import cif_text, named
from tests.servers.commands import call


def inspect(home: Path, *arguments: str, given: str = "", command: str = "inspect") -> subprocess.CompletedProcess[str]:
    return call(command, *arguments, env={**os.environ, "FERROSCREEN_HOME": str(home)}, given=given)


def test_each_block_of_a_file(tmp_path: Path) -> None:
    good = cif_text("good", symmetry=named("F m -3 m"), extra="_chemical_formula_sum 'Mn O'\n")
    shared = cif_text("shared", sites="Mn1 Mn 0 0 0 0.7\nFe1 Fe 0 0 0 0.3\n")
    (tmp_path / "two.cif").write_text(good + shared)
    told = json.loads(inspect(tmp_path, str(tmp_path / "two.cif"), "--json").stdout)
    assert [one["id"] for one in told] == ["two#good", "two#shared"]
    first, second = told
    assert first["formula"] == "MnO" and first["n_sites"] == 8 and first["symmetry_found"]["number"] == 225
    assert first["cell"]["lengths_A"] == [4.445] * 3 and abs(first["density_g_cm3"] - 5.364) < 0.005
    assert [(site["element"], site["wyckoff"]) for site in first["sites"]] == [("Mn", "4a"), ("O", "4b")]
    assert first["stated"] == {"block": "good", "Hermann-Mauguin symbol": "F m -3 m", "formula": "Mn O"}
    assert second["formula"] == "Mn0.7Fe0.3" and second["occupancies"] == "Mn 0.7 Fe 0.3 (1 site)"
    assert second["sites"][0]["element"] == "Mn 0.7 Fe 0.3" and second["approximants"]["most"] == 8
    (told,) = json.loads(inspect(tmp_path, str(tmp_path / "two.cif"), "--disorder", "reject", "--json").stdout)[1:]
    assert told["rejected"] == "partial_occupancy" and "Mn1" in told["why"] and told["stated"]["operations"] == 1


def test_members_of_one_name_are_not_said_to_state_what_the_first_does(tmp_path: Path) -> None:
    with warnings.catch_warnings(), ZipFile(tmp_path / "z.zip", "w") as made:
        warnings.simplefilter("ignore")
        made.writestr("x.cif", cif_text(symmetry=named("F m -3 m"), extra="_chemical_formula_sum 'Mn O'\n"))
        made.writestr("x.cif", cif_text(symmetry=named("F m m m"), extra="_chemical_formula_sum 'Mn O'\n"))
    told = json.loads(inspect(tmp_path, str(tmp_path / "z.zip"), "--json").stdout)
    assert [(one["id"], one["stated"]) for one in told] == [("x", {}), ("x", {})]


def test_as_text_and_from_standard_input(tmp_path: Path) -> None:
    done = inspect(tmp_path, "-", given=cif_text(extra="_database_code_ICSD 77\n"))
    assert done.returncode == 0 and done.stderr == ""
    for word in ("77  (stdin.cif)", "MnO", "4.445 4.445 4.445", "licensed"):
        assert word in done.stdout, word


def test_predict_reads_standard_input_too(tmp_path: Path) -> None:
    done = inspect(tmp_path, "-", "--json", given=cif_text(symmetry=named("F m -3 m")), command="predict")
    assert done.returncode == 0, done.stderr
    assert [row["formula"] for row in json.loads(done.stdout)["predictions"]] == ["MnO"]


def test_mistakes(tmp_path: Path) -> None:
    for arguments, given, word in (
        (["nothing.cif"], "", "does not exist"), (["-"], "hello", "no kind"), (["-"], "", "empty"),
        (["-", "--disorder", "x"], "", "--disorder"),
    ):  # fmt: skip
        done = inspect(tmp_path, *arguments, given=given)
        assert done.returncode == 2 and word in done.stderr, done
