"""quality.html: how far the ids and labels of a snapshot can be trusted. One file that needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd
from markupsafe import Markup

from data.labels import MAGNETIC_THRESHOLD
from pipeline.report import dataplots, plots
from pipeline.report.assets import page_environment, policy, style
from pipeline.report.figures import both, drawn
from pipeline.report.page_figure import PageFigure
from pipeline.report.plot_values import count_reasons

TOP_ROWS = 200
CONTRADICTORY = 0.1  # µB/atom between two calculations of one structure; more makes one of the labels wrong


@dataclass(frozen=True)
class QualityContent:
    """What the page shows."""

    title: str
    facts: tuple[tuple[str, str], ...]
    crystals: pd.DataFrame  # material_id, formula, moment_muB_per_atom, ordering
    quarantine: pd.DataFrame  # columns of schema.REJECTED
    duplicates: pd.DataFrame  # columns of schema.DUPLICATES
    label_noise: pd.DataFrame  # columns of pipeline.refresh.label_noise.COLUMNS
    tombstones: pd.DataFrame  # material_id, reason, database_version


def render_quality(content: QualityContent) -> str:
    """The page as text; the same content gives the same text."""
    styles = style()
    contradictory = content.duplicates[content.duplicates["moment_difference"] > CONTRADICTORY]
    contradictory = contradictory.sort_values("moment_difference", ascending=False, kind="stable")
    return page_environment().get_template("quality.html.j2").render(
        style=Markup(styles),
        policy=policy(styles, ""),
        content=content,
        headline=_headline(content, len(contradictory)),
        figures=_figures(content),
        orderings=_orderings(content.crystals),
        reasons=count_reasons(content.quarantine),
        quarantine=content.quarantine.head(TOP_ROWS).to_dict("records"),
        contradictory=contradictory.head(TOP_ROWS).to_dict("records"),
        label_noise=content.label_noise.head(TOP_ROWS).to_dict("records"),
        limit=CONTRADICTORY,
        threshold=MAGNETIC_THRESHOLD,
    )  # fmt: skip


def _headline(content: QualityContent, contradictory: int) -> list[tuple[str, int, str]]:
    labels = content.crystals["moment_muB_per_atom"]
    magnetic, unlabelled = int((labels > MAGNETIC_THRESHOLD).sum()), int(labels.isna().sum())
    gone = f"{len(content.tombstones):,} others withdrawn so far" if len(content.tombstones) else ""
    return [
        ("crystals", len(labels), gone),
        ("of them magnetic", magnetic, f"{unlabelled:,} without a label" if unlabelled else "all have a label"),
        ("in quarantine", len(content.quarantine), "each with its reason" if len(content.quarantine) else ""),
        (
            "duplicates",
            len(content.duplicates),
            f"{contradictory:,} with another moment" if contradictory else "all of one moment",
        ),
    ]


def _figures(content: QualityContent) -> list[PageFigure]:
    return drawn(
        (
            "The labels",
            both(partial(dataplots.label_histogram, content.crystals)),
            "Each step up the vertical axis is ten times more crystals. A single bar far above its neighbours is more often one "
            "calculation's default than nature.",
            True,
        ),
        (
            "Why crystals are in quarantine",
            plots.rejected_by_reason(content.quarantine),
            "They are kept aside with their reason, and checked again when the source changes them.",
            False,
        ),
        (
            "One structure, two calculations",
            dataplots.moments_of_duplicates(content.duplicates),
            "Crystals of one structure, whatever their cells. Dots off the dashed line carry labels that cannot both be right, "
            "unless their volumes differ.",
            False,
        ),
    )


def _orderings(crystals: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows and moments of each stated ordering."""
    stated = crystals.assign(ordering=crystals["ordering"].fillna("not stated"))
    return [
        {
            "ordering": str(name),
            "crystals": len(group),
            "magnetic": float((group["moment_muB_per_atom"] > MAGNETIC_THRESHOLD).mean()),
            "median": float(group["moment_muB_per_atom"].median()),
        }
        for name, group in stated[stated["moment_muB_per_atom"].notna()].groupby("ordering", sort=True)
    ]
