"""Command lines of the documents name commands, options and benchmarks that exist; the page of files names the home's folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer

from flows.cli import app
from pipeline.settings import Settings

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
REMOVED = {"benchmarks.orderings", "benchmarks.pattern_curve", "benchmarks.RESULTS"}  # pages say that they no longer exist
PLACEHOLDERS = {"benchmarks.NAME", "benchmarks.published.NAME"}
CODE = re.compile(r"^ *```\w*\n(.*?)^ *```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:^ *|&& )ferroscreen ([a-z][a-z-]*)([^\n#|;&]*)", re.MULTILINE)


def commands() -> dict[str, set[str]]:
    """The options of each command."""
    group: Any = typer.main.get_command(app)
    return {
        name: {"--help", *(option for p in command.params for option in (*p.opts, *p.secondary_opts))}
        for name, command in group.commands.items()
    }


def wrong(text: str) -> list[str]:
    """What a text says of the command line that is not so."""
    known, found = commands(), []
    code = "\n".join(block or span for block, span in CODE.findall(text))
    for name, rest in COMMAND.findall(code):
        if name not in known:
            found.append(name)
            continue
        options = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)
        found += [f"{name} {option}" for option in options if option not in known[name]]
    for module in set(re.findall(r"python -m (benchmarks(?:\.\w+)+)", text)) - REMOVED - PLACEHOLDERS:
        if not (ROOT / Path(*module.split("."))).with_suffix(".py").is_file():
            found.append(module)
    return found


@pytest.mark.parametrize("document", [p for p in DOCUMENTS if p.name not in ("CHANGELOG.md", "migrate.md")], ids=lambda p: p.name)
def test_what_a_document_calls_is_there(document: Path) -> None:
    assert wrong(document.read_text(encoding="utf-8")) == []


def test_a_wrong_command_would_be_noticed() -> None:
    block = "```sh\nferroscreen screen x --prof y  # --no\nferroscreen train && ferroscreen screen --topp 3\n```"
    found = wrong(f"`ferroscreen screeen x`\n{block}\nferroscreen knows `python -m benchmarks.nothing`")
    assert found == ["screeen", "screen --prof", "screen --topp", "benchmarks.nothing"]


def test_the_page_of_files_names_every_folder_of_the_home(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "reference" / "files.md").read_text(encoding="utf-8")
    home = Settings(home=tmp_path)
    of_properties = (getattr(home, name) for name, found in vars(Settings).items() if isinstance(found, property))
    folders = [path.name for path in of_properties if isinstance(path, Path) and path.parent == tmp_path]
    assert len(folders) > 8
    assert [name for name in folders if f"`{name}/`" not in page] == []
