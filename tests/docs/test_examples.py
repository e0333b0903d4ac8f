"""The Python code in the documents runs as it stands and prints what the documents say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
END = "=== end of block ==="
SECONDS = 300  # a run takes about fifteen seconds on two idle cores

EXAMPLE = "docs/examples/python-api.md"
SHORT = ("README.md", "docs/quick-start.md")  # they use the structure and the folder of the example, and this file
THEIR_FILE = 'structure.to(filename="crystal.cif")\n'


def blocks(page: str) -> list[tuple[str, str]]:
    """(code, the output shown below it, empty if none) of each block of a page."""
    return [(code, shown) for code, shown in BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))]


def outputs(codes: list[str], folder: Path) -> list[str]:
    """What each block prints; they run one after the other in a process and a home of their own."""
    script = "\n".join(f"{code}\nprint({END!r})" for code in codes)
    environment = os.environ | {"FERROSCREEN_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "FERROSCREEN_WORKERS": "2"}
    environment.pop("PREFECT_API_URL", None)
    done = subprocess.run(
        [sys.executable, "-c", script],  # as in a notebook, there is no main file that worker processes would run again
        cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split(f"{END}\n")[:-1]


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]


def test_the_examples_run_and_print_what_they_show(tmp_path: Path) -> None:
    example, short = blocks(EXAMPLE), [blocks(page) for page in SHORT]
    assert sum(bool(shown) for _, shown in example) >= 4
    assert all(short)
    codes = [code for page in ([(THEIR_FILE, "")], *short) for code, _ in page]
    printed = outputs([*(code for code, _ in example), *codes], tmp_path)
    assert [lines(text) for text in printed[: len(example)]] == [lines(shown) for _, shown in example]
    assert all("FeCo" in text for text in printed[len(example) + 1 :])
    assert (tmp_path / "high_ms" / "report.html").is_file()
    assert (tmp_path / "results" / "report.html").is_file()


def test_an_output_that_differs_would_be_noticed(tmp_path: Path) -> None:
    assert outputs(["print(1 + 1)\n", "x = 3\n"], tmp_path) == ["2\n", ""]
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        outputs(["1 / 0\n"], tmp_path)
