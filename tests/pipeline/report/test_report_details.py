"""Any column of the ranking with a label among the details reaches a candidate's details, whatever it holds."""

from __future__ import annotations

import math

import lxml.html
import numpy as np
import pandas as pd
import pytest
from report_samples import content, ranking

from pipeline.report import details
from pipeline.report.pack import unpack
from pipeline.report.page import render_report
from pipeline.report.text import number
from pipeline.report.view import sent
from pipeline.screening.columns import RankingColumn

SENTENCE = RankingColumn("moment_sentence", "", "A sentence.", "Moments by shell")
SHELL = RankingColumn("moment_4f", "µB/atom", "A number.", "4f moment")
FLAG = RankingColumn("disorder", "", "A flag.", "Disordered")
ABSENT = RankingColumn("not_there", "", "Nothing.", "Never shown")


@pytest.fixture(autouse=True)
def _labelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(details, "RANKING", (SENTENCE, SHELL, FLAG, ABSENT))
    monkeypatch.setattr(details, "EXPERIMENT", ())


def test_texts_numbers_and_flags_are_sent_with_their_labels() -> None:
    frame = ranking(3).assign(moment_sentence=["3d 1.95 µB/atom </script>", "", "b"], moment_4f=[0.741, math.nan, 123.4])
    page = render_report(content(rows=3, ranking=frame.assign(disorder=np.array([True, False, False]))))
    header, columns = unpack(lxml.html.document_fromstring(page.encode()).get_element_by_id("data").text)
    assert header["details"] == {"detail_0": "Moments by shell", "detail_1": "4f moment", "detail_2": "Disordered"}
    assert columns["detail_0"] == ["3d 1.95 µB/atom </script>", "", "b"]
    assert columns["detail_1"] == ["0.74 µB/atom", "", "123 µB/atom"]
    assert columns["detail_2"] == ["yes", "no", "no"]


def test_a_column_that_says_nothing_is_left_out() -> None:
    frame = ranking(2).assign(moment_sentence="", moment_4f=math.nan)
    assert details.detail_columns(frame) == []


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.03453, "0.03"), (0.0347, "0.03"), (0.03547, "0.04"), (0.035, "0.04"), (0.99496, "0.99"), (1.2349, "1.23"), (0.3, "0.30")],
)
def test_a_number_is_rounded_once(value: float, said: str) -> None:
    """On its way to the page it is rounded to more digits than are shown."""
    for digits in (3, 4):
        assert number(sent(pd.Series([value]), digits, 2)[0], 2) == said
