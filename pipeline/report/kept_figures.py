"""The figures of the model, kept between reports: all screens by one model show the same, and drawing them takes a second."""

from __future__ import annotations

import json
from importlib.metadata import version

import pandas as pd
from markupsafe import Markup

from pipeline.ops.row_store import RowStore, row_keys
from pipeline.report.content import ReportContent
from pipeline.report.figures import PageFigure, evaluation_figures
from pipeline.screening.kept_rows import key_prefix, today


def kept_evaluation_figures(content: ReportContent, store: RowStore | None) -> list[PageFigure]:
    """`evaluation_figures`; those that were drawn from the same numbers by the same code are taken from the file.

    Args:
        content: the report.
        store: the file; without one, they are drawn.
    """
    if store is None or content.evaluation is None:
        return evaluation_figures(content)
    (key,) = row_keys(key_prefix("figures", version("matplotlib")), [_bytes(content, content.evaluation)])
    found = store.get([key], today()).get(key)
    if found is not None:
        return [PageFigure(t, Markup(svg), c, wide, n and Markup(n)) for t, svg, c, wide, n in json.loads(found)]
    drawn = evaluation_figures(content)
    store.put({key: json.dumps([[f.title, f.svg, f.caption, f.wide, f.narrow] for f in drawn]).encode()}, today())
    return drawn


def _bytes(content: ReportContent, evaluation: pd.DataFrame) -> bytes:
    """All that `evaluation_figures` reads."""
    scores = json.dumps([dict(content.metrics), dict(content.experiment), list(evaluation.columns)], sort_keys=True, default=repr)
    return scores.encode() + pd.util.hash_pandas_object(evaluation, index=False).to_numpy().tobytes()
