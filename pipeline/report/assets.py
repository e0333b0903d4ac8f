"""What the pages are made of: style sheets, scripts, templates, and the Content-Security-Policy that lets nothing else act."""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.report import text

_HERE = Path(__file__).parent
STYLES = ("theme", "base", "top", "table", "filters", "panel", "figures", "narrow", "print")
SCRIPTS = (
    "data",
    "format",
    "chemistry",
    "experiment",
    "rows",
    "search",
    "filters",
    "table",
    "interval",
    "geometry",
    "viewer",
    "links",
    "panel",
    "picks",
    "main",
)
FILTERS = (  # functions of pipeline.report.text
    "visible", "identifier", "file_name", "formula", "number", "count", "price", "order",
)  # fmt: skip


def style() -> str:
    """All style sheets in their order."""
    return "".join(_read(f"{name}.css") for name in STYLES)


def script() -> str:
    """All scripts in one closure, so that nothing of them is global."""
    return f'"use strict";\n(() => {{\n{"".join(_read(f"{name}.js") for name in SCRIPTS)}}})();'


@lru_cache  # with its compiled templates: compiling takes as long as writing a short report
def page_environment(folder: Path = _HERE / "templates") -> Environment:
    """The templates of a folder, everything escaped, with the filters of pipeline.report.text."""
    environment = _environment(folder, autoescape=True)
    environment.filters |= {name: getattr(text, name) for name in FILTERS}
    return environment


def markdown_environment(folder: Path) -> Environment:
    """The templates of a folder for Markdown: nothing is escaped, so text of a source must pass a filter of the caller."""
    return _environment(folder, autoescape=False)


def policy(style: str, script: str) -> str:
    """A Content-Security-Policy: only this style sheet and this script may act; nothing may be fetched."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def style_policy(style: str) -> str:
    """A Content-Security-Policy for a page without scripts and pictures: only this style sheet may act."""
    return f"default-src 'none'; style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"


def _environment(folder: Path, autoescape: bool) -> Environment:
    return Environment(
        loader=FileSystemLoader(folder), autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        keep_trailing_newline=not autoescape,
    )  # fmt: skip


def _read(name: str) -> str:
    return (_HERE / "web" / name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
