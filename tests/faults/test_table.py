"""docs/faults.md names every fault once, and only tests that there are."""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAULTS = [f"F{k}" for k in range(1, 26)]
ROWS = [line for line in (ROOT / "docs" / "faults.md").read_text().splitlines() if re.match(r"\| F\d+ \|", line)]


@lru_cache
def named_in(path: Path) -> set[str]:
    """`name` of each test of a file, or `Class::name`."""
    body = ast.parse(path.read_text()).body
    found = {node.name for node in body if isinstance(node, ast.FunctionDef)}
    for kind in (node for node in body if isinstance(node, ast.ClassDef)):
        found |= {f"{kind.name}::{node.name}" for node in kind.body if isinstance(node, ast.FunctionDef)}
    return {name for name in found if name.split("::")[-1].startswith("test_")}


def test_every_fault_has_its_row() -> None:
    assert [row.split("|")[1].strip() for row in ROWS] == FAULTS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip())
def test_every_test_named_is_there(row: str) -> None:
    *_, promise, names, end = row.split("|")
    assert promise.strip() and not end.strip()
    named = re.findall(r"`([^`]+)`", names)
    assert named, "nothing causes it"
    for name in named:
        path, _, test = name.partition("::")
        assert test in named_in(ROOT / path), name


def test_a_name_that_is_not_there_is_noticed() -> None:
    assert "test_every_test_named_is_there" in named_in(Path(__file__))
    assert "named_in" not in named_in(Path(__file__))
    assert "test_that_nobody_wrote" not in named_in(Path(__file__))
