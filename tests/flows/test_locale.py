"""The command in a locale that is not UTF-8: names of files, our own files and the terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.data.cif_texts import cif_text

ROOT = Path(__file__).resolve().parents[2]
NAME = "Ångström → µ.cif"


@pytest.mark.parametrize(
    "variables",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "ascii"}],
    ids=["locale", "terminal"],
)
def test_inspect_reads_any_name_and_prints(tmp_path: Path, variables: dict[str, str]) -> None:
    (tmp_path / NAME).write_text(cif_text())
    done = subprocess.run(
        [sys.executable, "-m", "flows", "inspect", str(tmp_path / NAME)], cwd=ROOT, capture_output=True,
        env={**os.environ, "FERROSCREEN_HOME": str(tmp_path / "home"), **variables}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert b"formula    MnO, 2 atoms" in done.stdout
    if "PYTHONIOENCODING" not in variables:
        assert NAME.encode() in done.stdout
