"""What the command says to a mistake: exit code 2 and one line to act on, before anything slow starts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from data.errors import UserError
from flows.cli import app, check_not_empty

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["screen", "no-such-folder"], "no-such-folder does not exist"),
        (["screen", "pyproject.toml"], "is of no kind that is read"),
        (["screen", "data/starter"], "no file with crystals"),
        (["train"], "there is no snapshot yet: run `ferroscreen refresh"),
        (["train", "--members", "forest,oracle"], "unknown model family oracle"),
        (["train", "--members", "forest,forest"], "named twice"),
        (["train", "--descriptors", "slow"], "--descriptors is fast or full, not 'slow'"),
        (["train", "--descriptors", "full", "--members", "cgcnn"], "only forests learn from descriptors"),
        (["refresh", "--source", "tape"], "`csv:PATH`, `calculated:FOLDER` or `literature:FOLDER`"),
        (["refresh", "--source", "parquet:absent.parquet"], "absent.parquet is not a readable Parquet file"),
        (["refresh", "--source", "calculated:tests/flows"], "holds no calculation: `ferroscreen calculate` writes them"),
        (["refresh", "--columns", "colour=red"], "'colour=red' is not PART=COLUMN"),
        (["evaluate", "--model", "abc"], "no single model is called 'abc'"),
        (["screen", "tests", "--profile", "cheap"], "rare-earth-free or low-cost or explore, not 'cheap'"),
        (["screen", "tests", "--max-file-mb", "0"], "--max-file-mb is 0; it must be above 0"),
        (["screen", "tests", "--max-file-mb", "nan"], "--max-file-mb is nan; it must be above 0"),
        (["screen", "tests", "--icsd-max-temperature", "-1"], "--icsd-max-temperature is -1; it must be above 0"),
        (["screen", "tests", "--columns", "id=my_id,moment=m"], "moment is for `refresh`, which reads labelled tables"),
        (["inspect", "tests", "--columns", "ordering=o"], "ordering is for `refresh`"),
        (["predict", "tests", "--columns", "site_moments=m"], "site_moments is for `refresh`"),
        (["screen", "tests", "--model", "zzz"], "no model is called 'zzz'; there is "),
        (["predict", "tests", "--model", "zzz"], "no model is called 'zzz'; there is "),
        (["report"], "there is no run yet"),
        (["compare", "a", "b"], "no single run is called 'a'"),
        (["export"], "there is no run yet"),
        (["export", "--format", "pdf"], "not pdf"),
        (["run", "--out", "LICENSE/report"], "cannot create the folder"),
        (["push", "tape://drive"], "cannot open tape://drive: Protocol not known: tape"),
        (["pull", "tests/no-such-folder"], "tests/no-such-folder holds no snapshots and no models"),
        (["fetch", "tape", "--out", "report"], "unknown source 'tape'"),
        (["fetch", "icsd", "--filter", "COMPOSITION : Fe", "--out", "report"], "set ICSD_LOGIN_ID and ICSD_LOGIN_PASSWORD"),
        (["fetch", "optimade:nobody", "--out", "report"], "'nobody' is no OPTIMADE provider; say alexandria, cod, mp, oqmd"),
        (["fetch", "optimade:cod", "--out", "report"], "say what to fetch with --filter"),
        (["fetch", "optimade:cod", "--theoretical", "--out", "report"], "--theoretical is for icsd"),
        (["fetch", "optimade:cod", "--filter", "nelements=2", "--out", "data"], "data is not empty and holds no fetch"),
    ],
)
@pytest.mark.usefixtures("empty_home")
def test_a_mistake_is_named(arguments: list[str], words: str) -> None:
    """In this process; the next test shows how the command ends with such an error."""
    done = CliRunner().invoke(app, arguments)
    assert isinstance(done.exception, UserError), done.output
    assert words in str(done.exception)
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["screen", "no-such-folder"], "no-such-folder does not exist"),
        (["train", "--members", "forest,oracle"], "unknown model family oracle"),
        (["push", "tape://drive"], "cannot open tape://drive: Protocol not known: tape"),
    ],
)
def test_a_mistake_ends_the_command(fresh: Call, arguments: list[str], words: str) -> None:
    done = fresh(*arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["screen", ""], "an argument is empty"),
        (["compare", "", ""], "an argument is empty"),
        (["screen", "tests", "--out", ""], "the value of --out is empty"),
        (["screen", "tests", "--out="], "the value of --out is empty"),
    ],
)
def test_an_empty_argument_is_named(arguments: list[str], words: str) -> None:
    """Before typer reads them; the test above shows how the command ends."""
    with pytest.raises(UserError, match=words):
        check_not_empty(arguments)


def test_a_table_without_the_column(ferroscreen: Call, tmp_path: Path) -> None:
    pq.write_table(pa.table({"material_id": ["a"], "text": ["data_a"]}), tmp_path / "t.parquet")
    done = ferroscreen("refresh", "--source", f"parquet:{tmp_path / 't.parquet'}")
    assert done.returncode == 2
    assert "no column 'cif', 'total_magnetization_muB'" in done.stderr
    assert "--columns id=my_id" in done.stderr


def test_calculations_need_a_code_first_and_a_run_then(ferroscreen: Call) -> None:
    done = ferroscreen("calculate")
    wanted = "calculations need GPAW, which is not installed: `CC=g++ pip install -e '.[dft]'`"
    assert done.returncode == 2
    assert (wanted if find_spec("gpaw") is None else "there is no run yet") in done.stderr


def test_help_does_not_import_the_heavy_packages() -> None:
    """Help answers in under half a second because none of these is loaded; time itself would be a flaky test."""
    code = "import sys, flows.cli; print([m for m in ('torch', 'prefect', 'sklearn', 'pymatgen', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


def test_doctor_says_what_the_commands_would_find(ferroscreen: Call, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    told = json.loads(
        ferroscreen("doctor", "--json", MP_API_KEY="  ", FERROSCREEN_HOME=str(tmp_path / "file" / "home")).stdout
    )
    assert told["mp_api_key"] == "absent" and told["home_writable"] is False, "a file stands where the home should be"
    printed = ferroscreen("doctor").stdout
    assert printed.count("pymatgen-core") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(("target", "code", "words"), [("/dev/full", 2, "cannot write the output: No space left"), ("&-", 0, "")])
def test_an_output_that_cannot_be_written(tmp_path: Path, target: str, code: int, words: str) -> None:
    command = f'exec "{sys.executable}" -m flows models >{target}'
    done = subprocess.run(
        ["sh", "-c", command], cwd=Path(__file__).parents[2], env={**os.environ, "FERROSCREEN_HOME": str(tmp_path)},
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert done.returncode == code and words in done.stderr and "error of ours" not in done.stderr


def test_doctor_and_empty_lists(ferroscreen: Call) -> None:
    canary = "k" * 32
    done = ferroscreen("doctor", "--json", MP_API_KEY=canary)
    assert done.returncode == 0
    assert '"mp_api_key": "present"' in done.stdout
    assert canary not in done.stdout + done.stderr
    lines = [line.split()[0] for line in ferroscreen("doctor").stdout.splitlines()]
    assert lines.count("torch") == 1 and "libraries" not in lines
    silent = ferroscreen("doctor", PREFECT_API_URL="http://127.0.0.1:9/api")
    assert silent.returncode == 0 and re.search(r"^answers +no: ConnectError", silent.stdout, re.MULTILINE)
    for name in ("snapshots", "runs"):
        assert ferroscreen(name).stdout.strip() == f"No {name} yet."
    shipped = json.loads(ferroscreen("models", "--json").stdout)
    assert [model["kind"] for model in shipped] == ["model", "order classifier", "order ranker", "experiment model"]
    assert all(model["in use"] == "yes" for model in shipped)
