"""The figures of the model, kept between reports: all screens by one model show the same, and drawing them takes a second."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from typing import Protocol

import pandas as pd
from markupsafe import Markup

from pipeline.ops.row_store import RowStore, row_keys
from pipeline.report.content import ReportContent
from pipeline.report.neighbours import Learned
from pipeline.report.page_figure import PageFigure
from pipeline.report.structures import PackedCells
from pipeline.screening.kept_rows import key_prefix, today


class Begin(Protocol):
    """Begins to apply a function to one item, here or beside this process."""

    def __call__(
        self, function: Callable[[ReportContent], list[PageFigure]], item: ReportContent, /
    ) -> Callable[[], list[PageFigure]]:
        """What waits for the result."""
        ...


def kept_evaluation_figures(content: ReportContent, store: RowStore | None, begin: Begin) -> Callable[[], list[PageFigure]]:
    """What waits for `evaluation_figures`; those that were drawn from the same numbers by the same code are taken from the file.

    Args:
        content: the report.
        store: the file; without one, they are drawn.
        begin: begins to draw.
    """
    read = _without_candidates(content)
    if store is None or content.evaluation is None:
        return begin(_drawn, read)
    (key,) = row_keys(key_prefix("figures", version("matplotlib")), [_bytes(content, content.evaluation)])
    found = store.get([key], today()).get(key)
    if found is not None:
        return partial(_figures, found)
    return begin(partial(_drawn_and_kept, store, key), read)


def _without_candidates(content: ReportContent) -> ReportContent:
    """What `evaluation_figures` reads, and nothing large beside it: another process may have to receive it."""
    none, nothing = content.ranking.head(0), content.rejected.head(0)
    return replace(content, ranking=none, rejected=nothing, cells=PackedCells(), known=Learned(), changes=None, second=None)


def _figures(found: bytes) -> list[PageFigure]:
    return [PageFigure(t, Markup(svg), c, wide, n and Markup(n)) for t, svg, c, wide, n in json.loads(found)]


def _drawn(content: ReportContent) -> list[PageFigure]:
    from pipeline.report import figures  # late: what draws takes as long to import as all the rest of a page

    return figures.evaluation_figures(content)


def _drawn_and_kept(store: RowStore, key: bytes, content: ReportContent) -> list[PageFigure]:
    drawn = _drawn(content)
    store.put({key: json.dumps([[f.title, f.svg, f.caption, f.wide, f.narrow] for f in drawn]).encode()}, today())
    return drawn


def _bytes(content: ReportContent, evaluation: pd.DataFrame) -> bytes:
    """All that `evaluation_figures` reads."""
    scores = json.dumps([dict(content.metrics), dict(content.experiment), list(evaluation.columns)], sort_keys=True, default=repr)
    return scores.encode() + pd.util.hash_pandas_object(evaluation, index=False).to_numpy().tobytes()
