"""What reaches a terminal: nothing in it can be a command to the terminal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.summary import print_facts, print_rows, printable


@given(st.text())
def test_anything_becomes_printable_and_printable_text_stays(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    if text.isprintable():
        assert shown == text


@pytest.mark.parametrize(
    "name", ["a\x1b[31mred", "bell\x07", "line\nbreak", "\u202eevil", "c1\x9b2J", "lone \udc80", "tab\there"]
)
def test_tables_hold_no_control_character(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("Candidates", [{"candidate_id": name, "moment": 1.25}])
    print_facts("Screened", {"by reason": {name: 1}, "report": name})
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert "1.25" in shown


def test_a_hostile_path_in_an_error_message(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "flows", "screen", f"{tmp_path}/none\x1b[2J.cif"]
    run = subprocess.run(
        command, capture_output=True, text=True, env={"FERROSCREEN_HOME": str(tmp_path), "PATH": ""}, check=False
    )
    assert run.returncode == 2
    assert "\x1b" not in run.stderr and "none\\x1b[2J.cif" in run.stderr, run.stderr
