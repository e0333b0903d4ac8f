"""Literature tables to a published snapshot with its page on quality, under the one writer's lease."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from markupsafe import Markup

from data.sources.literature.compositions import CONTRADICTORY
from data.sources.literature.quarantine import REASONS
from data.sources.literature.snapshot import LiteratureSnapshot, publish_literature
from data.sources.literature.tables import literature_files
from data.store.artifact import write_bytes
from data.store.lock import writing
from pipeline.ops.ledger import Ledger
from pipeline.ops.progress import Reporter
from pipeline.report.assets import page_environment, policy, style
from pipeline.settings import Settings

PAGE_FILE = "quality.html"
SOURCE_PREFIX = "literature:"
_ROWS = 200  # of each list on the page


def literature_folder(source: str) -> Path:
    """The folder of `literature:FOLDER`. Raises UserError where it holds no table of measured values."""
    folder = Path(source.removeprefix(SOURCE_PREFIX)).expanduser()
    literature_files(folder)
    return folder


def refresh_literature(folder: Path, where: Settings, reporter: Reporter) -> LiteratureSnapshot:
    """Publish what the tables of a folder say.

    Args:
        folder: holds the tables.
        where: the home.
        reporter: receives the progress.

    Raises:
        Busy: somebody else is writing.
        UserError: nothing usable in the folder.
    """
    with writing(where.literature), Ledger(where.home).run("refresh", "refresh-literature", {"source": str(folder)}) as run:
        reporter.say("Reading the tables of measured values")
        snapshot = publish_literature(where.literature, folder, _write_page)
        run.finished("publish", snapshot.id)
        return snapshot


def _write_page(snapshot: LiteratureSnapshot) -> list[str]:
    write_bytes(snapshot.folder / PAGE_FILE, render_page(snapshot).encode())
    return [PAGE_FILE]


def render_page(snapshot: LiteratureSnapshot) -> str:
    """quality.html of a snapshot: what is known, what is contradictory, and what was kept aside and why."""
    styles, facts = style(), snapshot.manifest
    known, quarantine = snapshot.compositions(), snapshot.quarantine()
    disputed = known[known["order"] == CONTRADICTORY].sort_values("references", ascending=False, kind="stable")
    return page_environment().get_template("literature.html.j2").render(
        style=Markup(styles),
        policy=policy(styles, ""),
        facts=facts,
        reasons=[(name, count, REASONS[name]) for name, count in facts["quarantined_by_reason"].items()],
        sources=_by_source(snapshot.values(), quarantine),
        disputed=disputed.head(_ROWS).to_dict("records"),
        quarantine=quarantine.groupby("reason", sort=True).head(_ROWS // 8).to_dict("records"),
    )  # fmt: skip


def _by_source(sound: pd.DataFrame, bad: pd.DataFrame) -> list[tuple[str, int, int]]:
    """(source, sound values, values kept aside)."""
    names = sorted({*sound["source"], *bad["source"]})
    kept, aside = sound["source"].value_counts(), bad["source"].value_counts()
    return [(name, int(kept.get(name, 0)), int(aside.get(name, 0))) for name in names]
