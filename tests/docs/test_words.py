"""Documents and code use the names of this release, and the glossary leads to an explanation of every column."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pipeline.screening.columns import EXPLAINED

ROOT = Path(__file__).parents[2]
KEPT = {  # old names in these files are meant: they read what older releases wrote, or tell what has changed
    "pipeline/old_names.py", "tests/pipeline/test_old_names.py", "tests/docs/test_words.py", "CHANGELOG.md",
    "docs/how-to/migrate.md",
    "pipeline/training/label_noise.py",  # the key of a cache that would be filled anew
}  # fmt: skip
OLD_NAMES = (  # of the table in the plan of the house; whole words
    "handoff", "order_shelf", "ordering_shelf", "doubtful", "weeding", "unfamiliar", "set_aside", "p_large", "OrderShelf",
    "lonely", "alone()", "class Patience", "judge_", "carriers", "weigh_doubtful", "without_costly",
)  # fmt: skip
OLD_MODULES = ("kinds", "concerns", "weeding", "groups", "unfamiliar", "costly", "placement", "handoff", "doubts", "characters")
GLOSSARY = ROOT / "docs" / "reference" / "glossary.md"


def texts() -> list[Path]:
    rooms = ("data", "models", "pipeline", "flows", "ferroscreen", "benchmarks", "docs", "tests")
    found = [p for room in rooms for end in ("py", "md") for p in (ROOT / room).rglob(f"*.{end}")]
    kept = {ROOT / name for name in KEPT}
    return [p for p in [*found, *ROOT.glob("*.md")] if p not in kept and "artefacts" not in p.parts]


@pytest.fixture(scope="module")
def words() -> dict[Path, str]:
    found = {path: path.read_text(encoding="utf-8") for path in texts()}
    assert len(found) > 400
    return found


@pytest.mark.parametrize("name", OLD_NAMES)
def test_no_old_name(name: str, words: dict[Path, str]) -> None:
    whole = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(name)}{'' if name.endswith(('_', ')')) else '(?![A-Za-z0-9_])'}")
    assert [str(path.relative_to(ROOT)) for path, text in words.items() if whole.search(text)] == []


def test_no_module_has_an_old_name() -> None:
    assert [
        p for room in ("data", "models", "pipeline", "flows") for p in (ROOT / room).rglob("*.py") if p.stem in OLD_MODULES
    ] == []


@pytest.mark.parametrize("column", EXPLAINED, ids=lambda column: column.name)
def test_the_glossary_names_every_column(column: object) -> None:
    name = column.name  # type: ignore[attr-defined]
    page = GLOSSARY.read_text(encoding="utf-8")
    terms = {line for line in page.splitlines() if re.match(r"[A-Zµ][\w(]", line)}
    rows = [line.split("|") for line in page.splitlines() if line.startswith("|") and f"`{name}`" in line.split("|")[1]]
    assert rows, f"the table at the end of the glossary has no row for `{name}`"
    assert set(rows[0][2].strip().split("; ")) <= terms, f"{rows[0][2].strip()} is no term of the glossary"
