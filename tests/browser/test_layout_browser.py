"""The page at the widths that people use, on paper, and where its links lead: nothing is cut, nothing lands elsewhere."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.page import write_report
from tests.browser.visiting import ROWS, Visit

Go = Callable[..., Visit]
WIDTHS = (390, 1280, 1400, 1920)
DROPPED = ["e_above_hull", "known_moment", "afm_risk", "p_ferromagnetic", "p_fm_or_fim", "tc_K"]
NEAR_TOP = 120  # pixels below the window's top edge
VISIBLE_IN_DARK = 3.0  # WCAG 2.2, 1.4.11: what is needed to understand a drawing


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_of_its_card(visit: Go, report: Path, width: int) -> None:
    seen = visit(report)
    seen.resize(width)
    page = seen.page
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    over = """() => [...document.querySelectorAll("figure svg, .scroll > table")].filter((part) => {
        const card = part.closest("figure, .scroll");
        if (!part.checkVisibility() || getComputedStyle(card).overflowX !== "visible") return false;
        return part.getBoundingClientRect().right > card.getBoundingClientRect().right + 1;
    }).map((part) => part.outerHTML.slice(0, 80))"""
    assert page.evaluate(over) == []
    cut = "() => [...document.querySelectorAll('.draw')].filter((part) => part.scrollWidth > part.clientWidth + 1).length"
    assert page.evaluate(cut) == 0


def test_a_table_that_fits_keeps_its_head_in_sight(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(ROWS, learned=30)
    few = replace(content, ranking=content.ranking.drop(columns=DROPPED))
    write_report(few, tmp_path / "few.html")
    seen = visit(tmp_path / "few.html")
    seen.resize(1920)
    page = seen.page
    page.evaluate("document.querySelectorAll('#ranking tbody tr')[30].scrollIntoView({ behavior: 'instant' })")
    assert 0 <= page.locator("#ranking thead").bounding_box()["y"] < NEAR_TOP


@pytest.mark.parametrize("section", ["rejected", "meaning", "right"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_first_click_lands(visit: Go, report: Path, section: str, width: int) -> None:
    page = visit(report, reduced_motion="reduce").page
    page.set_viewport_size({"width": width, "height": 900})
    page.locator(f"nav a[href='#{section}']").click()
    page.wait_for_timeout(300)
    top = page.evaluate(f"document.getElementById('{section}').getBoundingClientRect().top")
    end = page.evaluate("document.documentElement.scrollHeight - innerHeight - scrollY")
    assert 0 <= top < NEAR_TOP or end < 2, "at the top of the window, or the page ends before"


def test_a_formula_wraps_between_elements_only(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(3, learned=0)
    long = "Ba12Mn128Fe144Co160Ni176Cu192Zn208Ga224Ge240As256"
    write_report(replace(content, ranking=content.ranking.assign(formula=long)), tmp_path / "long.html")
    page = visit(tmp_path / "long.html").page
    tokens = """() => [...document.querySelectorAll("#ranking tbody .formula sub")].map((part) => part.getClientRects().length)"""
    assert set(page.evaluate(tokens)) == {1}
    lines = """() => new Set([...document.querySelectorAll("#ranking .formula sub")]
        .map((part) => Math.round(part.getBoundingClientRect().top))).size"""
    assert page.evaluate(lines) > 3, "it does wrap"
    assert page.locator("#ranking tbody .formula").first.text_content() == long


def test_bars_of_the_orders_fill_their_track(visit: Go, report: Path) -> None:
    page = visit(report).page
    page.locator("#ranking .open").first.click()
    heights = """() => [...document.querySelectorAll("#panel .track")].map((part) => {
        const [track, fill] = [part.getBoundingClientRect(), part.firstChild.getBoundingClientRect()];
        return [fill.height / track.height, fill.width / track.width];
    })"""
    found = page.evaluate(heights)
    said = [float(text) for text in page.locator("#panel .orderings dd").all_inner_texts()]
    assert len(found) == 3 and all(height == 1 for height, _ in found)
    assert np.allclose([width for _, width in found], said, atol=0.01)


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext (poppler-utils)")
def test_every_printed_page_has_the_headings_and_every_warning(visit: Go, tmp_path: Path) -> None:
    warnings = tuple(f"warning number {k}" for k in range(6))
    write_report(replace(synthetic_content(ROWS, learned=30), warnings=warnings), tmp_path / "paper.html")
    visit(tmp_path / "paper.html").page.pdf(path=str(tmp_path / "paper.pdf"), format="A4")
    text = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "paper.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    assert all(warning in text for warning in warnings)
    tables = [sheet for sheet in text.split("\f") if sheet.count("syn-") > 4]
    assert len(tables) >= 2
    for sheet in tables:
        assert "Rank" in sheet and "Candidate" in sheet and "AFM risk" in sheet


def test_single_test_rows_can_be_seen(visit: Go, report: Path) -> None:
    luminance = """(role) => {
        const probe = document.body.appendChild(document.createElement("i"));
        probe.style.setProperty("color", `var(--${role})`);
        const parts = getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map((c) => c / 255);
        probe.remove();
        return parts.map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
          .reduce((s, c, k) => s + c * [0.2126, 0.7152, 0.0722][k], 0);
    }"""
    for scheme in ("light", "dark"):
        page = visit(report, color_scheme=scheme).page
        cell, card = (page.evaluate(luminance, role) for role in ("h0", "card"))
        assert (max(cell, card) + 0.05) / (min(cell, card) + 0.05) >= VISIBLE_IN_DARK
        assert page.locator("#right .f-h0").count() > 10
