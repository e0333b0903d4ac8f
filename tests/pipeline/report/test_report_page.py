"""The page as a file: same bytes, whole or absent, small, and sensible when there is little to show."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import lxml.html
import numpy as np
import pytest
from report_samples import METRICS, content, evaluation, ranking, rejected, second

from data.errors import UserError
from pipeline.ops.row_store import RowStore
from pipeline.report import figures as report_figures
from pipeline.report.content import ReportContent
from pipeline.report.pack import unpack
from pipeline.report.page import ROWS, render_report, write_report
from pipeline.report.view import view


def parse(page: str) -> Any:
    return lxml.html.document_fromstring(page.encode("utf-8"), parser=lxml.html.HTMLParser(encoding="utf-8"))


def figures(page: str) -> list[str]:
    return [title.text for title in parse(page).xpath("//figure/h3")]


def headline(page: str) -> list[str]:
    return [number.text for number in parse(page).xpath("//dl[@class='headline']//dd")]


def test_same_content_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        write_report(content(), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.html", "b.html"]


def test_figures_that_are_kept_are_those_of_the_same_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given, store = content(rows=5, evaluation=evaluation(300)), RowStore(tmp_path / "kept.sqlite")
    page = render_report(given)
    assert render_report(given, store) == page
    monkeypatch.setattr(report_figures, "evaluation_figures", lambda content: [])
    assert render_report(given, store) == page, "they are not drawn again"
    other = content(rows=5, evaluation=evaluation(301))
    assert "Predicted against DFT" in figures(page) and "Predicted against DFT" not in figures(render_report(other, store))


def test_other_content_other_bytes() -> None:
    assert render_report(content(rows=40)) != render_report(content(rows=41))


def test_a_second_opinion_stands_beside_dft() -> None:
    page = render_report(content(rows=5, second=second(ranking(5))))
    assert "Two models against DFT" in figures(page)
    (section,) = parse(page).xpath("//section[@id='second']")
    assert len(section.xpath(".//tbody/tr")) == 5
    assert [cell.text for cell in section.xpath(".//tbody/tr[1]/td")] == ["3.00", "3.00", "2.40 to 3.60", "3.30", "2.64 to 3.96"]
    assert "0.000 µB/atom for this model, 0.150 µB/atom for the shipped one" in " ".join(section.itertext())
    assert not parse(render_report(content(rows=5))).xpath("//section[@id='second']")


def test_only_orders_of_the_moments_are_called_so() -> None:
    frame = ranking(3).assign(p_moment_above_1=0.9, p_ferromagnetic=0.6, p_ferrimagnetic=0.2, p_antiferromagnetic=0.1)
    seen = [column.key for column in view(content(rows=3, ranking=frame)).orderings]
    assert seen == ["p_antiferromagnetic", "p_ferrimagnetic", "p_ferromagnetic"]


def test_a_failed_write_keeps_the_old_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(UserError):
        write_report(content(rows=1), path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["old"]


def test_large_content_stays_small(tmp_path: Path) -> None:
    write_report(content(rows=60_000, turned_away=9_000, tested=6_000), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert len(page.encode()) < 8_000_000
    document = parse(page)
    assert len(document.xpath("//table[@id='ranking']/tbody/tr")) == ROWS
    caption = document.xpath("string(//table[@id='ranking']/caption)")
    assert "60,000 candidates, of which the best 100 are shown without a script" in caption
    assert unpack(document.get_element_by_id("data").text)[0]["rows"] == 60_000
    assert len(document.xpath("//section[@id='rejected']//td[@class='detail']")) == 200
    assert len(figures(page)) == 8


def test_headline_numbers() -> None:
    frame = ranking(5).assign(
        moment_muB_per_atom=[2.0, 1.5, 1.0, np.nan, np.inf],
        moment_low=[1.5, 0.9, 0.8, np.nan, 3.0],
        saturation_T=[1.9, 0.9, 0.5, np.nan, 0.1],
        saturation_T_low=[1.2, 0.4, 0.2, np.nan, 0.0],
    )
    page = render_report(content(ranking=frame, turned_away=1234))
    assert headline(page) == ["5", "1,234", "2", "1"]


def test_the_best_rank_comes_first_whatever_the_order() -> None:
    page = render_report(content(ranking=ranking(12).iloc[::-1]))
    ranks = parse(page).xpath("//td[@class='n rank']/text()")
    assert ranks == [str(rank) for rank in range(1, 13)]


def test_each_mark_is_explained() -> None:
    said = lxml.html.fromstring(render_report(content())).xpath("//dt[. = 'Marks']/following-sibling::dd[1]")[0]
    marks = {mark.text for mark in said.findall("em")}
    assert marks == {
        "measured", "references disagree", "other structure measured", "known", "duplicate", "set aside", "note", "polymorph"
    }  # fmt: skip


def test_formulas_are_typeset() -> None:
    frame = ranking(1).assign(formula="Nd2(Fe0.5Co)14B")
    cell = parse(render_report(content(ranking=frame))).xpath("//bdi[@class='formula']")[0]
    assert [sub.text for sub in cell.xpath("sub")] == ["2", "0.5", "14"]
    assert cell.text_content() == "Nd2(Fe0.5Co)14B"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_a_dash(value: float) -> None:
    numbers = ["moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "saturation_T", "saturation_T_low"]
    frame = ranking(20).assign(**dict.fromkeys([*numbers, "p_magnetic", "member_cgcnn-0"], value))
    page = render_report(content(ranking=frame, evaluation=evaluation(50).assign(moment_std=value)))
    for row in parse(page).xpath("//table[@id='ranking']/tbody/tr"):
        assert [cell.text_content() for cell in row.xpath("td[@class='n']")].count("–") >= 4
        assert not row.xpath(".//circle") and not row.xpath(".//rect")
    assert not {"nan", "inf", "-inf"} & set(parse(page).xpath("//td/text() | //svg//text()"))


def test_interval_bars_share_one_scale() -> None:
    frame = ranking(10).sort_values("rank")
    frame.loc[frame.index[0], ["saturation_T", "saturation_T_low"]] *= 0.4  # a ferrimagnet: less than DFT's moment makes
    document = parse(render_report(content(ranking=frame)))
    dots = [float(x) for x in document.xpath("//table[@id='ranking']/tbody//circle/@cx")]
    tesla = frame["saturation_T"].to_numpy()
    assert np.ptp(tesla) > 0.1
    there = tesla > 0
    per_tesla = (np.array(dots) - 6.0)[there] / tesla[there]  # 6 is the margin
    assert np.allclose(per_tesla, per_tesla[0], rtol=0.02), "each dot stands at its µ0·Ms on the same scale"
    for row in document.xpath("//table[@id='ranking']/tbody/tr")[:9]:
        left, width = (float(row.xpath(f"string(.//rect/@{name})")) for name in ("x", "width"))
        assert left < float(row.xpath("string(.//circle/@cx)")) < left + width <= 160


EMPTY: dict[str, tuple[ReportContent, list[str]]] = {
    "no rejected": (content(rejected=rejected(0)), ["Every crystal that was read could be ranked."]),
    "no evaluation": (content(evaluation=None, metrics={}), ["This model came without a held-out evaluation."]),
    "one candidate": (content(ranking=ranking(1).drop(columns=["moment_dft"])), ["1 candidate prediction"]),
    "nobody ranked": (content(ranking=ranking(0)), ["No crystal could be ranked.", "See why each was rejected."]),
    "nothing at all": (
        ReportContent("", (), ranking(0), rejected(0), None, {}, ()),
        ["No crystal could be ranked.", "Every crystal", "without a held-out"],
    ),
    "empty evaluation": (content(evaluation=evaluation(0), metrics={}), ["This model came without"]),
    "metrics only": (content(evaluation=None, metrics=METRICS), ["The ensemble and its members"]),
    "constant zero": (content(ranking=ranking(30).assign(moment_muB_per_atom=0.0)), ["30 candidates prediction"]),
}


@pytest.mark.parametrize("case", EMPTY)
def test_empty_cases_say_so(case: str) -> None:
    given, sentences = EMPTY[case]
    text = " ".join(parse(render_report(given)).text_content().split())
    for sentence in sentences:
        assert sentence in text


def test_long_names_are_cut_and_wrapped() -> None:
    ids = ["x" * 500 + "end", "x" * 5_000]
    frame = ranking(2).assign(candidate_id=ids, formula="Fe2O3" * 900, source_file="d/" * 3_000 + "last.cif")
    document = parse(render_report(content(ranking=frame)))
    row, longest = document.xpath("//table[@id='ranking']/tbody/tr")
    assert row.xpath("string(.//bdi[@class='id'])") == "…" + "x" * 76 + "end"
    assert len(longest.xpath("string(.//bdi[@class='id'])")) == 80
    file = unpack(document.get_element_by_id("data").text)[1]["source_file"][0]
    assert file.endswith("last.cif") and len(file) <= 90
    assert len(row.text_content()) < 500


def test_only_three_warnings_stand_on_the_first_screen() -> None:
    document = parse(render_report(content(warnings=tuple(f"warning {place}" for place in range(5)))))
    assert document.xpath("//section[@class='warnings']/ul/li/text()") == ["warning 0", "warning 1", "warning 2"]
    assert document.xpath("//section[@class='warnings']/details//li/text()") == ["warning 3", "warning 4"]


def test_the_page_is_complete_without_its_script() -> None:
    document = parse(render_report(content()))
    assert len(document.xpath("//table[@id='ranking']/tbody/tr[not(@hidden)]")) == 40
    assert all(
        table.xpath("caption or ancestor::dialog") and table.xpath("thead//th[@scope='col']")
        for table in document.xpath("//table")
    )
    assert all(part.get("hidden") is not None for part in document.xpath("//*[@data-scripted]"))
    assert all(figure.xpath("div/svg/@aria-label") and figure.xpath("figcaption") for figure in document.xpath("//figure"))
