"""What the page says of the model's own errors: floors that hold, scores by name, logarithmic axes that can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from report_samples import METRICS, content, evaluation, ranking

from pipeline.registry.shipped import shipped_model
from pipeline.report.content import Changes
from pipeline.report.logaxis import FEWEST, log_ticks
from pipeline.report.page import render_report
from pipeline.report.scores import score_table
from pipeline.report.stated import stated_error_floor


def rows(stated: list[float], wrong: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"moment_dft": 0.0, "moment_muB_per_atom": wrong, "moment_std": stated})


def test_the_floor_of_errors_that_are_too_small() -> None:
    small, large = [0.0002] * 100, [0.2] * 100
    assert stated_error_floor(rows(small + large, [0.03] * 100 + [0.2] * 100)) == 0.03
    assert stated_error_floor(rows(small + large, [0.0301] * 100 + [0.2] * 100)) == 0.031
    assert stated_error_floor(rows(large, [0.1] * 100)) == 0.0, "errors that are large enough need none"
    assert stated_error_floor(rows(small[:9], [0.03] * 9)) == 0.0, "too few rows to tell"
    assert stated_error_floor(None) == 0.0


@given(st.integers(0, 10_000))
def test_the_floor_holds(seed: int) -> None:
    random = np.random.default_rng(seed)
    stated = 10 ** random.uniform(-4, 0, 400)
    wrong = random.normal(0, 1, 400) * stated * 10 ** random.uniform(0, 1)
    floor = stated_error_floor(rows(stated.tolist(), wrong.tolist()))
    for above in (floor, 1.1 * floor, 2 * floor, 2.0):
        held = wrong[stated < above]
        assert not held.size or np.sqrt(np.mean(held**2)) <= above * (1 + 1e-9) or above < floor


def test_the_shipped_model_has_a_floor_that_holds() -> None:
    model = shipped_model()
    held_out = model.held_out() if model is not None else None
    if held_out is None:
        pytest.skip("needs the shipped model's test rows")
    floor = stated_error_floor(held_out)
    wrong = (held_out["moment_muB_per_atom"] - held_out["moment_dft"])[held_out["moment_std"] < floor]
    assert 0.01 < floor < 0.1 and np.sqrt((wrong**2).mean()) <= floor
    page = " ".join(html.fromstring(render_report(content(evaluation=held_out))).text_content().split())
    assert f"the page never states a smaller error than {floor:g}" in page
    assert "half lie within 0.000" not in page


def test_the_floor_does_not_touch_the_ranking() -> None:
    frame = ranking(60)
    given = content(ranking=frame.assign(moment_std=1e-4), evaluation=evaluation(300).assign(moment_std=1e-4))
    assert stated_error_floor(given.evaluation) > 0
    page = render_report(given)
    cells = [[cell.text_content() for cell in row] for row in html.fromstring(page).xpath("//table[@id='ranking']/tbody/tr")]
    usual = html.fromstring(render_report(content(ranking=frame))).xpath("//table[@id='ranking']/tbody/tr")
    assert cells == [[cell.text_content() for cell in row] for row in usual]


def test_scores_by_name() -> None:
    scores = {"mae": 0.03, "mae_of_zero": 0.18, "k": 250, "precision_at_k": 0.976, "average_precision": 0.97, "n": 6257}
    metrics = {"ensemble": scores, "members": {"cgcnn-0": {**scores, "mae": 0.04, "odd_new_score": 1.0}}}
    table = score_table(metrics)
    headings = [name for name, _ in table.headings]
    assert "Precision among the top 250" in headings and "odd new score" in headings
    assert not any("_" in name or name == "k" for name in headings)
    assert [name for name, _ in table.rows] == ["ensemble", "cgcnn-0", "always 0 (no model)"]
    assert table.rows[2][1][0] == "0.1800"
    assert len(score_table(METRICS).rows) == 3


def test_different_tops_stay_apart() -> None:
    metrics = {"ensemble": {"k": 250, "precision_at_k": 0.9}, "members": {"a": {"k": 50, "precision_at_k": 0.8}}}
    assert [name for name, _ in score_table(metrics).headings] == ["Precision at the top"]


@given(st.floats(-6, 4), st.floats(0.02, 8))
def test_a_logarithmic_axis_has_labels_enough(start: float, decades: float) -> None:
    low, high = 10**start, 10 ** (start + decades)
    ticks = log_ticks(low, high)
    assert FEWEST - 1 <= len(ticks) <= 8 and ticks == sorted(ticks)
    assert decades < 0.1 or len(ticks) >= FEWEST
    assert all(0.9 * low <= tick <= 1.1 * high for tick in ticks)


def test_another_profile_is_not_called_the_run_before() -> None:
    moves = pd.DataFrame({"change": [], "candidate_id": []})
    for profiles, heading in ((("a", "a"), "Since the run before"), (("<b>", "low-cost"), "Against the profile <b>")):
        document = html.fromstring(render_report(content(changes=Changes("0123", {"up": 0}, (), moves, profiles))))
        assert document.xpath("string(//h2[@id='changes-h'])") == heading
        assert document.xpath("string(//nav/a[@href='#changes'])") == heading
        assert ("so places differ" in document.text_content()) == (profiles[0] != profiles[1])
    assert not html.fromstring(render_report(content())).xpath("//nav/a[@href='#changes']")
