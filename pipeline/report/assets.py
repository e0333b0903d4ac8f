"""What the page is made of: style sheets, scripts, templates, and the policy that lets nothing else act."""

from __future__ import annotations

import base64
import hashlib
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


def style() -> str:
    """All style sheets in their order."""
    return "".join(_read(f"{name}.css") for name in STYLES)


def script() -> str:
    """All scripts in one closure, so that nothing of them is global."""
    return f'"use strict";\n(() => {{\n{"".join(_read(f"{name}.js") for name in SCRIPTS)}}})();'


def page_environment() -> Environment:
    """The templates, everything escaped, with the filters of pipeline.report.text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = ("visible", "file_name", "formula", "number", "count", "price", "order")
    environment.filters |= {name: getattr(text, name) for name in names}
    return environment


def policy(style: str, script: str) -> str:
    """Only this very style sheet and this very script may act; nothing may be fetched."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _read(name: str) -> str:
    return (_HERE / "web" / name).read_text(encoding="utf-8")


def _digest(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode("utf-8")).digest()).decode("ascii")
