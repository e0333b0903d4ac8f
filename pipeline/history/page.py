"""The history of a home as one page that needs nothing else: no script, no network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from data.errors import UserError
from data.store.artifact import make_folder, write_bytes
from pipeline.history.nights import TOP, Candidate, Night, Nights, read_nights
from pipeline.history.releases import Release, data_sets, models
from pipeline.report.assets import page_environment, style_policy
from pipeline.settings import Settings

FILE = "history.html"
MARK = '<meta name="generator" content="ferroscreen history">'
DETAILED = 60  # newest runs, whose candidates are named; of older ones there is a line each
LISTED = 30  # candidates that entered, and that left, named a run
LINES = 1000  # runs at most
BAR_HEIGHT, BAR_STEP = 60, 14  # of the drawing, px
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Written:
    """A page, and what it tells."""

    path: Path
    nights: Nights

    def rows(self) -> list[dict[str, object]]:
        """A row a run, newest first."""
        return [
            {
                "date": night.when.isoformat(timespec="minutes"), "run": night.id, "profile": night.manifest.get("profile"),
                "ranked": night.manifest.get("ranked"), "entered": len(night.entered), "left": len(night.left),
                "newly_labelled": night.labelled, "intervals_held": night.inside, "changed": ", ".join(night.changed),
                "trouble": night.trouble,
            }
            for night in reversed(self.nights.read)
        ]  # fmt: skip


def write_history(where: Settings, out: Path | None = None, top: int = TOP) -> Written:
    """Read all runs of a home and write the page.

    Args:
        where: the home.
        out: the page's file; None: history.html in the home. An earlier page there is replaced.
        top: places whose candidates are followed.

    Raises:
        UserError: `out` is another file, or cannot be written.
    """
    path = out if out is not None else where.home / FILE
    _refuse_other_files(path)
    nights = read_nights(where, top)
    page = render(nights, models(where), data_sets(where), path.parent, top)
    make_folder(path.parent)
    write_bytes(path, page.encode("utf-8"))
    return Written(path, nights)


def render(nights: Nights, published: list[Release], data: list[Release], folder: Path, top: int) -> str:
    """The page; everything foreign is escaped.

    Args:
        nights: all runs.
        published: models.
        data: data sets.
        folder: where the page will lie: links to reports start there.
        top: places whose candidates are followed.
    """
    style = (_HERE / "history.css").read_text(encoding="utf-8")
    newest_first = nights.read[::-1][:LINES]
    held = sum(night.inside for night in nights.read), sum(night.labelled for night in nights.read)
    return page_environment(_HERE).get_template("history.html.j2").render(
        style=Markup(style), mark=Markup(MARK), top=top, nights=newest_first, all_nights=len(nights.read), held=held,
        policy=style_policy(style),
        damaged=nights.damaged[:LINES], published=published[::-1], data=data[::-1], bars=bars(nights.read[-DETAILED:]),
        detailed=[night for night in newest_first[:DETAILED] if night.entered or night.left], listed=LISTED,
        link=lambda night: _link(night, folder), best=_best,
    )  # fmt: skip


@dataclass(frozen=True)
class Bar:
    """One run in the drawing; coordinates in px."""

    x: int
    entered: float
    left: float
    title: str


@dataclass(frozen=True)
class Bars:
    """Candidates that entered (up) and left (down), a bar a run."""

    bars: list[Bar]
    width: int
    most: int


def bars(nights: Sequence[Night]) -> Bars:
    """The drawing of these runs, oldest left."""
    most = max([1, *(max(len(night.entered), len(night.left)) for night in nights)])
    drawn = [
        Bar(
            k * BAR_STEP, BAR_HEIGHT * len(night.entered) / most, BAR_HEIGHT * len(night.left) / most,
            f"{night.when:%Y-%m-%d %H:%M}: {len(night.entered)} entered, {len(night.left)} left",
        )
        for k, night in enumerate(nights)
    ]  # fmt: skip
    return Bars(drawn, max(1, len(drawn)) * BAR_STEP, most)


def _best(candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
    """Those that are named."""
    return candidates[:LISTED]


def _link(night: Night, folder: Path) -> str:
    """The report's address from the page's folder; empty where there is no report."""
    if night.report is None:
        return ""
    return quote(Path(os.path.relpath(night.report.resolve(), folder.resolve())).as_posix())


def _refuse_other_files(path: Path) -> None:
    if path.is_dir():
        raise UserError(f"{path} is a folder: name a file, such as {path / FILE}")
    try:
        start = path.read_bytes()[:2000].decode("utf-8", errors="replace")
    except FileNotFoundError:
        return
    except OSError as fault:
        raise UserError(f"{path} cannot be read: {fault.strerror}") from fault
    if MARK not in start:
        raise UserError(f"{path} is no history page: choose another --out")
