"""Every published method runs from the command line in its smallest size, and says which checks it made."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from flows.cli import app
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.methods import METHODS, method

pytestmark = [pytest.mark.integration, pytest.mark.slow]  # commands that train

SEVEN = {"magnet-scan", "ecn", "mcegnn", "canonicalization", "adaptation", "symmetry-breaking", "spectral-decoupling"}
README = Path(__file__).parents[3] / "models/published/README.md"


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["demo", *words])
    return found.exit_code, found.output


def test_the_list_names_the_seven_methods() -> None:
    code, text = run("--json")
    assert code == 0
    assert {row["method"] for row in json.loads(text)} == SEVEN == {m.name for m in METHODS}


@pytest.mark.parametrize("name", sorted(SEVEN))
def test_a_method_shows_a_table_checks_and_a_figure(name: str, tmp_path: Path) -> None:
    code, text = run(name, "--smoke", "--json", "--out", str(tmp_path / "new"))
    shown = json.loads(text)
    assert code == 0, [c for c in shown["checks"] if c["passed"] is False]
    assert shown["rows"] and all(len(row) == len(shown["head"]) for row in shown["rows"])
    assert any(check["passed"] for check in shown["checks"]) or name == "spectral-decoupling"
    assert ElementTree.parse(shown["figure"]).getroot().tag.endswith("svg")
    assert Path(shown["figure"]) == tmp_path / "new" / f"{name}.svg"


def test_a_failed_check_ends_with_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exit code follows the checks, so that a script notices."""
    failed = Demonstration("T", ("a",), [["1"]], [Check("x > 1", "0.5", False)], "<svg/>")
    monkeypatch.setattr(type(method("ecn")), "demonstrate", lambda self, smoke, seed: failed)
    code, text = run("ecn", "--out", str(tmp_path))
    assert code == 1
    assert "| x > 1 | 0.5 | FAILED |" in text


def test_the_readme_names_every_published_file_and_command() -> None:
    text = README.read_text()
    files = {p.name for p in README.parent.glob("*.py")} - {"__init__.py"}
    assert files <= set(re.findall(r"`(?:models/published/)?(\w+\.py)`", text))
    assert {f"ferroscreen demo {name}" for name in SEVEN} <= set(re.findall(r"`(ferroscreen demo [\w-]+)`", text))
