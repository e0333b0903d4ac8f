"""Order and Curie temperature as a person meets them: sentences, filters, marks, references."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.experiment import sentence
from pipeline.report.page import write_report
from pipeline.report.text import ORDERS
from pipeline.report.view import view
from tests.browser.visiting import ROWS, Visit

Go = Callable[..., Visit]


def test_the_script_says_the_sentence_that_the_server_says(visit: Go, report: Path) -> None:
    seen, frame = visit(report), view(synthetic_content(ROWS, learned=300)).frame
    said = [sentence(row) for row in frame.head(40).to_dict("records")]
    assert len({text.split()[0] for text in said}) > 2, "measured, predicted and disputed ones"
    page = seen.page
    page.locator("#ranking .open").first.click()
    for k, expected in enumerate(said):
        assert page.locator("#panel .sentence").inner_text() == expected, f"row {k}"
        page.locator("#panel [data-part=forth]").click()


def test_the_magnetisation_of_a_score_is_named_once(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(5, learned=0)
    ranking = content.ranking.assign(saturation_sure_T=0.5, score=0.5)
    write_report(replace(content, ranking=ranking, working="saturation_sure_T * saturation_300K_T"), tmp_path / "r.html")
    page = visit(tmp_path / "r.html").page
    page.locator("#ranking .open").first.click()
    assert page.locator("#panel .terms-of-score dt").all_inner_texts() == ["µ0·Ms, sure part", "µ0·Ms at 300 K"]


def test_orders_temperatures_and_lattices_filter(visit: Go, report: Path) -> None:
    seen, frame = visit(report), view(synthetic_content(ROWS, learned=300)).frame
    form = seen.page.locator("#filters")
    order = frame["order"].map(lambda code: ORDERS[int(code)])

    def shown(rows: np.ndarray) -> None:
        assert 0 < rows.sum() < ROWS
        assert seen.rows() == frame["candidate_id"][rows].to_list()[:50]
        assert f"{rows.sum()} of {ROWS} candidates match" in seen.page.locator("#status").inner_text()

    form.get_by_label("FiM", exact=True).check()
    shown(order.isin(["FiM", "FM or FiM"]).to_numpy())
    form.get_by_label("AFM", exact=True).check()
    shown(order.isin(["FiM", "FM or FiM", "AFM"]).to_numpy())
    form.get_by_label("Tc at least").fill("450")
    shown((order.isin(["FiM", "FM or FiM", "AFM"]) & (frame["tc_K"] >= 450)).to_numpy())
    form.get_by_role("button", name="Clear all").click()
    for label, rows in (
        ("Measured", frame["basis"] == 1), ("Not measured", frame["known_order"] == ""),
        ("References disagree", frame["basis"] == 2),
        ("Uniaxial lattice", frame["uniaxial_possible"] == 1), ("Cubic lattice", frame["space_group"] >= 195),
    ):  # fmt: skip
        form.get_by_label(label, exact=True).check()
        shown(rows.to_numpy())
        form.get_by_label(label, exact=True).uncheck()


def test_measured_values_are_marked_and_their_references_linked(visit: Go, report: Path) -> None:
    seen, frame = visit(report), view(synthetic_content(ROWS, learned=300)).frame
    page = seen.page
    row = int(np.flatnonzero((frame["tc_from"] == 1) & frame["known_dois"].str.contains("10.1016"))[0])
    page.locator("input[name=query]").fill(frame["candidate_id"][row])
    cells = page.locator("#ranking tbody tr").first
    assert "measured" in cells.locator("th").inner_text() and cells.locator(".of-tc .dft").count() == 1
    assert cells.locator(".of-tc .dot").count() == 0
    page.locator("#ranking .open").first.click()
    links = page.locator("#panel [data-part=experiment] a")
    assert links.evaluate_all("(all) => all.map((a) => a.href)") == [
        "https://doi.org/10.1103/PhysRevB.1.2", "https://doi.org/10.1016/0304-8853(90)90001-2",
    ]  # fmt: skip
    assert links.first.get_attribute("rel") == "noopener noreferrer"
    assert page.locator("#panel [data-part=experiment]").get_by_text("handbook: Coey 2010").is_visible()
    assert page.locator("#panel [data-part=details]").get_by_text("Energy product").is_visible()


def test_what_only_a_ferromagnet_would_have_is_named_so_of_other_crystals(visit: Go, report: Path) -> None:
    """An antiferromagnet has no Curie temperature and no magnetisation at 300 K."""
    seen, frame = visit(report), view(synthetic_content(ROWS, learned=300)).frame
    orders = frame["order"].map(lambda code: ORDERS[int(code)])
    for kind, tc, tesla in (
        ("AFM", "Tc if FM or FiM, predicted", "µ0·Ms at 300 K if FM or FiM"), ("FM", "Tc, predicted", "µ0·Ms at 300 K"),
    ):  # fmt: skip
        row = int(np.flatnonzero((orders == kind) & (frame["tc_from"] != 1))[0])
        seen.page.locator("input[name=query]").fill(frame["candidate_id"][row])
        seen.page.locator("#ranking .open").first.click()
        said = seen.page.locator("#panel [data-part=experiment] dt").all_inner_texts()
        assert tc in said and tesla in said, (kind, said)
        seen.page.keyboard.press("Escape")
    assert "Energy product at 300 K if FM or FiM, at most" in seen.page.locator("#panel [data-part=details]").inner_text()


def test_disputed_literature_is_shown_as_such(visit: Go, report: Path) -> None:
    seen, frame = visit(report), view(synthetic_content(ROWS, learned=300)).frame
    row = int(np.flatnonzero(frame["basis"] == 2)[0])
    seen.page.locator("input[name=query]").fill(frame["candidate_id"][row])
    assert "references disagree" in seen.page.locator("#ranking tbody tr").first.inner_text()
    seen.page.locator("#ranking .open").first.click()
    assert seen.page.locator("#panel [data-part=experiment]").get_by_text("both kinds of order").is_visible()
