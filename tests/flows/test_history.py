"""`ferroscreen history` over real screens, and the job as a server would run it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from flows.cli import app
from flows.jobs.history import HistoryJob, history
from flows.jobs.outlet import InProcess
from tests.data.cif_texts import cell_text


def cif(symbol: str, a: float) -> str:
    sites = "".join(f"{symbol}{k} {symbol} {0.5 * k} {0.5 * k} {0.5 * k}\n" for k in (0, 1))
    loop = "loop_\n_atom_site_label\n_atom_site_type_symbol\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
    return f"data_x\n{cell_text(a, a, a)}_space_group_name_H-M_alt 'P 1'\n{loop}{sites}"


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@dataclass(frozen=True)
class Recorded(InProcess):
    """Keeps what a job publishes."""

    published: dict[str, Any] = field(default_factory=dict)

    def table(self, key: str, rows: list[dict[str, Any]], description: str) -> None:
        self.published[key] = rows

    def link(self, key: str, path: Path) -> None:
        self.published[key] = path


def test_real_screens(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for symbol, a in (("Fe", 2.87), ("Co", 2.8), ("Cr", 2.9)):
        (folder / f"{symbol}.cif").write_text(cif(symbol, a))
    run("screen", str(folder), "--profile", "as-calculated", "--out", str(tmp_path / "one"), "--quiet")
    (folder / "Cr.cif").unlink()
    (folder / "Mn.cif").write_text(cif("Mn", 2.9))
    run("screen", str(folder), "--profile", "as-calculated", "--out", str(tmp_path / "two"), "--quiet")
    found = json.loads(run("history", "--json"))
    newest, first = found["runs"]
    assert (newest["entered"], newest["left"], newest["ranked"]) == (1, 1, 3) and first["entered"] == 0
    assert newest["changed"] == "files, or how they are read" and not newest["trouble"] and found["damaged"] == []
    text = Path(found["page"]).read_text()
    assert Path(found["page"]) == home / "history.html" and "../two/report.html" in text and "starter" in text
    assert found["page"] in run("history")

    outlet = Recorded()
    again = history(HistoryJob(), outlet)
    assert outlet.published == {"history": again["runs"], "history-page": home / "history.html"}
    assert Path(again["page"]).read_text() == text


def test_mistakes(home: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    done = CliRunner().invoke(app, ["history", "--out", str(tmp_path / "mine.txt")])
    assert "no history page" in str(done.exception) and (tmp_path / "mine.txt").read_text() == "mine"
    assert CliRunner().invoke(app, ["history", "--top", "0"]).exit_code == 2
