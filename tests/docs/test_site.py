"""The documentation builds without a warning, shows what the code has, and loads nothing from another host."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli import app
from pipeline.screening.columns import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
HOST = r"[\"']?(?:https?:)?//"
FOREIGN = re.compile(
    rf"<(?:script|img|iframe|source)\b[^>]*\bsrc={HOST}"
    rf"|<link\b[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect)[\"']?[^>]*\bhref={HOST}"
    rf"|@import[^;]*//|url\({HOST}"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if importlib.util.find_spec("mkdocstrings") is None or importlib.util.find_spec("material") is None:
        pytest.skip("needs the extra `docs`: make docs")
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(out)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_no_page_loads_from_another_host(site: Path) -> None:
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert len(pages) > 40
    assert [page.relative_to(site) for page in pages if FOREIGN.search(page.read_text(encoding="utf-8"))] == []


def test_a_foreign_script_would_be_noticed() -> None:
    assert FOREIGN.search('<script src="https://example.org/a.js"></script>')
    assert FOREIGN.search('<link rel="stylesheet" href="//fonts.example.org/a.css">')
    assert not FOREIGN.search('<a href="https://example.org">a link to follow</a><script src="../a.js"></script>')


def test_every_column_is_explained(site: Path) -> None:
    page = (site / "reference" / "columns.html").read_text(encoding="utf-8")
    assert [name for name in COLUMNS if f"<code>{name}</code>" not in page] == []


def test_every_command_is_listed(site: Path) -> None:
    page = (site / "reference" / "cli.html").read_text(encoding="utf-8")
    names = [(one.name or one.callback.__name__).replace("_", "-") for one in app.registered_commands if one.callback]
    assert names
    assert [name for name in names if f"ferroscreen {name}" not in page] == []


def test_every_page_of_results_is_reached(site: Path) -> None:
    index = (site / "results" / "index.html").read_text(encoding="utf-8")
    pages = [path.stem for path in (ROOT / "docs" / "results").glob("*.md") if path.stem != "index"]
    assert pages
    assert [name for name in pages if f'href="{name}.html"' not in index] == []


@pytest.mark.parametrize("folder", ["concepts", "how-to", "develop"])
def test_every_page_is_in_the_index_of_its_folder(folder: str) -> None:
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs" / folder).glob("*.md") if path.name != "index.md"]
    assert pages
    assert [name for name in pages if f"]({name})" not in index] == []


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "benchmarks/README.md"])
def test_links_outside_the_site_lead_to_files(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_files_that_the_documents_name_are_there() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    named = re.compile(r"`((?:tests|models|data|pipeline|flows|benchmarks|docs)/[\w./-]+?)(?:::[\w:]+)?`")
    of_a_home = {"models/current.json"}
    found = [(page.name, name) for page in pages for name in named.findall(page.read_text(encoding="utf-8"))]
    assert len(found) > 100
    assert [(page, name) for page, name in found if name not in of_a_home and not (ROOT / name).exists()] == []
