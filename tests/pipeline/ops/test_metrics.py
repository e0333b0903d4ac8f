"""Prometheus text: read back by a parser of its own, for homes with and without anything in them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ops.ledger import FAILED, INTERRUPTED, Ledger
from pipeline.ops.metrics import _escaped, metrics_text
from pipeline.settings import Settings
from tests.conftest import STARTER_ROWS

LABEL = r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
LINE = re.compile(rf"(?P<name>[a-z_][a-z0-9_]*)(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>\S+)")


def parsed(text: str) -> dict[tuple[str, str], float]:
    """Name and labels to value. Raises AssertionError for a line that the format does not know, or a name in two places."""
    found: dict[tuple[str, str], float] = {}
    announced: list[str] = []
    for line in text.splitlines():
        if line.startswith("#"):
            kind, name = line.split(" ")[1:3]
            announced += [name] if kind == "HELP" else []
            continue
        match = LINE.fullmatch(line)
        assert match is not None, line
        assert match["name"] == announced[-1], "numbers of one name stand together, after its help"
        found[match["name"], match["labels"] or ""] = float(match["value"])
    assert len(announced) == len(set(announced)) and text.endswith("\n")
    return found


@pytest.fixture
def where(trained_home: Path, tmp_path: Path) -> Settings:
    shutil.copytree(trained_home, tmp_path / "home")
    return Settings(home=tmp_path / "home", workers=1)


def test_what_a_home_tells(where: Settings) -> None:
    found = parsed(metrics_text(where))
    assert found["ferroscreen_runs", 'job="train",state="done"'] == 1
    assert found["ferroscreen_snapshot_crystals", ""] == STARTER_ROWS
    assert found["ferroscreen_last_duration_seconds", 'job="train"'] > 0
    (mae,) = (value for (name, _), value in found.items() if name == "ferroscreen_model_mae_mub_per_atom")
    assert 0 < mae < 1
    assert metrics_text(where) == metrics_text(where)


@pytest.mark.parametrize(("fault", "state"), [(RuntimeError, FAILED), (KeyboardInterrupt, INTERRUPTED)])
def test_a_run_that_ended_early_shows(where: Settings, fault: type[BaseException], state: str) -> None:
    with pytest.raises(fault), Ledger(where.home).run("screen", "screen-x", {}):
        raise fault
    assert parsed(metrics_text(where))["ferroscreen_runs", f'job="screen",state="{state}"'] == 1


@given(st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp", "Cs"]) | st.just("\n"), max_size=20))
def test_any_label_stays_one_label(text: str) -> None:
    assert parsed(f'# HELP x y\nx{{a="{_escaped(text)}"}} 1\n') == {("x", f'a="{_escaped(text)}"'): 1.0}
