"""The page of a campaign in a real browser: no complaint, nothing asked for, hostile names stay text, nothing sticks out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.dft.before_after import render
from pipeline.screening.profiles import PROFILES
from tests.browser.visiting import Visit

HOSTILE = "a/b/" + "long" * 12 + "</td><script>alert(1)</script>\u202e.cif"


def row(name: str, before: int, after: int, verdict: str) -> dict[str, object]:
    return {
        "candidate_id": name, "formula": "Mn3Sn", "rank_before": before, "rank_after": after, "moved": before - after,
        "predicted_muB_per_atom": 1.05, "predicted_low": 0.7, "predicted_high": 1.4, "lowest": "afm-x2-1",
        "lowest_muB_per_atom": 0.0, "verdict": verdict, "why": "afm-x2-1 (as started, 0.00 µB/atom) is 83.2 meV/atom lower",
    }  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_of_a_campaign(visit: Callable[..., Visit], tmp_path: Path, width: int, scheme: str) -> None:
    rows = [row(HOSTILE, 2, 11_234, "refuted"), row("mp-1", 17, 9, "confirmed"), row("mp-2", 1, 1, "undecided")]
    path = tmp_path / "before_after.html"
    path.write_text(render("7f3a", PROFILES["high-ms"], rows, 50, 12_345), encoding="utf-8")
    page = visit(path, java_script_enabled=False, color_scheme=scheme).page
    page.set_viewport_size({"width": width, "height": 900})
    assert page.locator("tbody td:nth-child(3)").all_text_contents() == ["–", "▼ 11,232", "▲ 8"]
    assert page.locator("tbody script").count() == 0 and "<script>" in page.locator("tbody").inner_text()
    boxes = [box.bounding_box() for box in page.locator("h1, p, .scroll").all()]
    assert max(box["x"] + box["width"] for box in boxes) <= width + 1, "only the table scrolls sideways"
    assert "12,345 other candidates moved" in page.locator("main").inner_text()


def test_a_page_without_results(visit: Callable[..., Visit], tmp_path: Path) -> None:
    path = tmp_path / "before_after.html"
    path.write_text(render("7f3a", PROFILES["high-ms"], [], 50, 0), encoding="utf-8")
    page = visit(path, java_script_enabled=False).page
    assert "None of the 50 candidates" in page.locator("main").inner_text() and page.locator("table").count() == 0
