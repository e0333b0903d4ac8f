"""The plots: what is drawn, in which colours, and that nothing in them acts."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import METRICS, evaluation, ranking, rejected

from pipeline.report import plots
from pipeline.report.pareto import moment_against_stability, pareto_front
from pipeline.report.periodic import candidate_map, error_map
from pipeline.report.scale import scale_for
from pipeline.report.svg import ROLES


def drawn(svg: str | None) -> ElementTree.Element:
    assert svg is not None
    return ElementTree.fromstring(svg)


def labels(svg: str | None) -> list[str]:
    return [element.text or "" for element in drawn(svg).iter() if element.tag.endswith("text")]


ALL = {
    "agreement": lambda: plots.predicted_against_dft(evaluation(300)),
    "spread": lambda: plots.error_against_spread(evaluation(300)),
    "moments": lambda: plots.moment_histogram(ranking(300)),
    "coverage": lambda: plots.coverage_by_bin(METRICS["coverage_by_bin"]),
    "reasons": lambda: plots.rejected_by_reason(rejected(9)),
    "truth": lambda: plots.truth_of_ranking(ranking(40)),
}
HARMLESS = {"svg", "g", "defs", "path", "use", "text", "clipPath", "rect", "tspan"}


@pytest.mark.parametrize("name", ALL)
def test_every_colour_has_a_class_and_nothing_acts(name: str) -> None:
    svg = ALL[name]()
    assert svg == ALL[name]()
    root = drawn(svg)
    for element in root.iter():
        assert not {"style", "font-family"} & set(element.attrib)
        assert element.tag.rpartition("}")[2] in HARMLESS
        for paint in ("fill", "stroke"):
            colour = element.get(paint, "none")
            if colour != "none":
                role = next(role for role, value in ROLES.items() if value == colour)
                assert f"{paint[0]}-{role}" in element.get("class", "").split()
    identities = [element.get("id") for element in root.iter() if element.get("id")]
    references = re.findall(r'(?:href="|url\()#([^")]+)', svg or "")
    assert set(references) == set(identities)
    assert all(str(identity).startswith(f"{name}-") for identity in identities)


def test_sixty_thousand_points_make_a_small_drawing() -> None:
    svg = plots.predicted_against_dft(evaluation(60_000))
    assert svg is not None and len(svg) < 400_000


def test_reasons_are_drawn_as_they_are_and_most_frequent_first() -> None:
    frame = rejected(5).assign(reason=["b", "$x^{$", "b", "\x00磁", "$x^{$"])
    assert labels(plots.rejected_by_reason(frame)) == ["$x^{$", "b", "??", "2", "2", "1"]


def test_rare_reasons_are_put_together() -> None:
    frame = rejected(40).assign(reason=[f"reason {place:02d}" for place in range(40)])
    assert labels(plots.rejected_by_reason(frame))[plots.MAX_REASONS] == "28 other reasons"
    assert plots.count_reasons(frame)[0] == ("reason 00", 1)


def test_coverage_names_bins_and_rows() -> None:
    text = " ".join("".join(drawn(ALL["coverage"]()).itertext()).split())
    assert "0–0.5" in text and "n = 4800" in text and "≥ 0.5" in text


def test_nothing_to_draw_is_none() -> None:
    assert plots.predicted_against_dft(evaluation(0)) is None
    assert plots.error_against_spread(evaluation(30).assign(moment_std=0.0)) is None
    assert plots.moment_histogram(ranking(plots.FEWEST_FOR_HISTOGRAM - 1)) is None
    assert plots.coverage_by_bin([{"low": 0.0, "high": 1.0, "n": 0, "coverage": float("nan")}]) is None
    assert plots.rejected_by_reason(rejected(0)) is None
    assert plots.truth_of_ranking(ranking(9).assign(moment_dft=np.nan)) is None
    assert plots.truth_of_ranking(ranking(9).drop(columns="moment_dft")) is None


def test_wilson_interval_against_published_values() -> None:
    low, high = plots.wilson(np.array([0.9, 1.0]), np.array([10.0, 10.0]))
    assert np.allclose(low, [0.5958, 0.7225], atol=1e-3) and np.allclose(high, [0.9821, 1.0], atol=1e-3)


@pytest.mark.parametrize(("values", "end"), [([], 1.0), ([0.3], 0.3), ([0.31], 0.4), ([2.2, float("nan")], 3.0), ([1e30], 4.0)])
def test_scale_ends_at_a_round_value(values: list[float], end: float) -> None:
    scale = scale_for(values)
    assert scale.end == pytest.approx(end)
    assert scale.ticks()[-1] == pytest.approx(end)
    assert scale.x(0.0) == scale.margin and scale.x(1e40) == scale.width - scale.margin
    assert scale.x(float("inf")) is None


def test_no_figure_lives_in_global_state() -> None:
    sources = [file.read_text(encoding="utf-8") for file in Path(plots.__file__).parent.glob("*.py")]
    assert len(sources) > 5 and not any("pyplot" in source for source in sources)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12))
def test_the_front_is_what_nobody_beats(points: list[tuple[int, int]]) -> None:
    energy, gain = np.array(points, dtype=float).T
    front = pareto_front(energy, gain).tolist()
    values = {points[k] for k in front}
    beaten = {p for p in points if any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)}
    assert values == set(points) - beaten and len(front) == len(values)


def test_stability_is_drawn_only_where_it_is_known() -> None:
    frame = ranking(40)
    assert moment_against_stability(frame) is None
    assert moment_against_stability(frame.assign(e_above_hull=np.nan)) is None
    known = moment_against_stability(frame.assign(e_above_hull=np.linspace(0.2, 0.0, 40)))
    assert known is not None and known == moment_against_stability(frame.assign(e_above_hull=np.linspace(0.2, 0.0, 40)))


def test_maps_of_the_periodic_table() -> None:
    text = " ".join(drawn(error_map({name: {"n": 40, "mae": 0.5} for name in ("Fe", "O", "<b>")})).itertext())
    assert text.count("0.50") == 2 and error_map({}) is None
    assert candidate_map(ranking(40)) is not None and candidate_map(ranking(3).assign(formula="<b>")) is None
