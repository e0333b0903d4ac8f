"""Pages that MkDocs generates from the code: columns, commands, settings, rejection reasons, the list of results.

MkDocs calls `on_files` once for each build (a hook of mkdocs.yml). Nothing is written into the source folder.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add each page below docs/results/ to the navigation, by its file name."""
    assert config.nav is not None
    results = next(entry for entry in config.nav if "Results" in entry)
    pages = sorted(path.name for path in (ROOT / "docs" / "results").glob("*.md") if path.name != "index.md")
    results["Results"] = ["results/index.md", *(f"results/{name}" for name in pages)]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages to the build."""
    pages = {
        "columns": columns_page(), "cli": commands_page(), "settings": settings_page(), "rejections": rejections_page(),
        "profiles": profiles_page(),
    }  # fmt: skip
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def columns_page() -> str:
    """The ranking's columns, from pipeline.screening.columns, and those of a snapshot, from data.schema."""
    from data.schema import ALIASES, CRYSTALS, DOCUMENTS, DUPLICATES, REJECTED, SITE_MOMENTS, TOMBSTONES
    from pipeline.screening.columns import EXPLAINED

    columns = [(f"`{c.name}`", c.unit, c.meaning) for c in EXPLAINED]
    parts = [
        "# Columns",
        "This page is generated from `pipeline/screening/columns.py` and `data/schema.py`. "
        "The [glossary](glossary.md) explains the terms.",
        "## ranking.csv and ranking.parquet",
        _table(("column", "unit", "meaning"), columns),
    ]
    tables = {
        "rejected.csv and quarantine.parquet": REJECTED, "crystals.parquet of a snapshot": CRYSTALS,
        "site_moments.parquet": SITE_MOMENTS, "documents.parquet": DOCUMENTS,
        "tombstones.parquet": TOMBSTONES, "aliases.parquet": ALIASES, "duplicates.parquet": DUPLICATES,
    }  # fmt: skip
    for title, schema in tables.items():
        parts += [f"## {title}", _table(("column", "unit", "meaning", "may be empty"), [_field(field) for field in schema])]
    return "\n\n".join(parts)


def _field(field: pa.Field) -> tuple[str, str, str, str]:
    unit = field.metadata[b"unit"].decode()
    return f"`{field.name}`", "" if unit == "1" else unit, field.metadata[b"meaning"].decode(), "yes" if field.nullable else ""


def commands_page() -> str:
    """Every command of the command line with its arguments and options, from typer."""
    from flows.cli import app

    group = typer.main.get_command(app)
    assert hasattr(group, "commands")
    parts = [
        "# Commands",
        "This page is generated from the command line itself. `ferroscreen COMMAND --help` prints the same.",
        "Exit code 0: done, also when some files were rejected. 2: a mistake in the input or the options, named in one line. "
        "1: an error of ours (`FERROSCREEN_DEBUG=1` prints where), or the answer is no: `promote` keeps the model in use, a "
        "check of `demo` failed, a service of `check-endpoints` answered otherwise than expected. 130: interrupted.",
    ]
    for name, command in sorted(group.commands.items()):
        parts += _command(f"ferroscreen {name}", command)
    return "\n\n".join(parts)


def _command(name: str, command: Any) -> list[str]:
    if hasattr(command, "commands"):
        return [part for sub, one in sorted(command.commands.items()) for part in _command(f"{name} {sub}", one)]
    parameters = [p for p in command.params if p.name != "help"]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    usage = " ".join([name, *(["[OPTIONS]"] if options else []), *map(_argument, arguments)])
    rows = [_parameter(p) for p in (*arguments, *options)]
    text = [f"## {name}", (command.help or "").strip(), f"```\n{usage}\n```"]
    return [*text, _table(("argument or option", "meaning", "default"), rows)] if rows else text


def _argument(parameter: Any) -> str:
    name = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
    return name if parameter.required else f"[{name}]"


def _parameter(parameter: Any) -> tuple[str, str, str]:
    options = (*parameter.opts, *parameter.secondary_opts)
    name = _argument(parameter) if parameter.param_type_name == "argument" else ", ".join(options)
    default = parameter.default
    shown = "" if default is None or default is False or default == "" else f"`{default}`"
    return f"`{name}`", parameter.help or "", shown


def settings_page() -> str:
    """The environment variables, from pipeline.settings."""
    from pipeline.settings import Settings

    rows = []
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default == "" else f"`{field.default}`"
        rows.append((f"`FERROSCREEN_{name.upper()}`", field.description or "", default))
    return "\n\n".join(
        [
            "# Settings",
            "Settings are environment variables. A variable wins over the default, and a command's own option wins over both. "
            "Without `FERROSCREEN_HOME`, artefacts are stored in `ferroscreen` in the user's data folder; without "
            "`FERROSCREEN_WORKERS`, all cores are used.",
            _table(("variable", "meaning", "default"), rows),
            "`MP_API_KEY` holds the key of the Materials Project, `ICSD_LOGIN_ID` and `ICSD_LOGIN_PASSWORD` the account of the "
            "ICSD API. Keys are never options: they come from the environment or from a Prefect Secret block. "
            "`FERROSCREEN_DEBUG=1` prints the trace of an error. `PREFECT_API_URL` names a Prefect server.",
        ]
    )


def profiles_page() -> str:
    """The ranking profiles, from pipeline.screening.profiles."""
    from pipeline.screening.profiles import PROFILES

    rows = [(f"`{profile.name}`", profile.purpose, profile.formula) for profile in PROFILES.values()]
    return "\n\n".join(
        [
            "# Profiles",
            "The profile of a screen defines its score. This page is generated from `pipeline/screening/profiles.py`; "
            "`ferroscreen profiles` prints the same. [How to choose](../how-to/compare-and-export.md#profiles).",
            _table(("profile", "for", "formula"), rows),
        ]
    )


def rejections_page() -> str:
    """The reasons why a crystal is rejected, from data.rejection; the comment beside each word is its meaning."""
    source = (ROOT / "data" / "rejection.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    reason = next(node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == "Reason")
    rows = []
    for node in reason.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            rows.append((f"`{node.value.value}`", lines[node.lineno - 1].partition("#")[2].strip()))
    return "\n\n".join(
        [
            "# Rejection reasons",
            "The column `reason` of `rejected.csv` and of a snapshot's `quarantine.parquet` holds one of these words. "
            "The column `detail` says what exactly was wrong. This page is generated from `data/rejection.py`.",
            _table(("reason", "meaning"), rows),
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(str(cell).replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
