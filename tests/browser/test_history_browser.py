"""The history of thirty nights in a real browser: no complaint, nothing asked for, nothing sticks out, links lead to reports."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.history.page import write_history
from pipeline.settings import Settings
from tests.browser.visiting import Visit
from tests.pipeline.history.simulated import simulate

NIGHTS = 30


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_thirty_nights(visit: Callable[..., Visit], tmp_path: Path, width: int, scheme: str) -> None:
    simulate(tmp_path, NIGHTS)
    path = write_history(Settings(home=tmp_path)).path
    page = visit(path, java_script_enabled=False, color_scheme=scheme).page
    page.set_viewport_size({"width": width, "height": 900})
    assert page.locator("h1").inner_text() == f"History of {NIGHTS} runs"
    assert page.locator("#runs + .scroll tbody tr").count() == NIGHTS
    assert page.locator("svg rect.up").count() == NIGHTS
    boxes = page.locator("h1, h2, figure, details").all()
    assert max(box.bounding_box()["x"] + box.bounding_box()["width"] for box in boxes) <= width + 1
    link = page.locator("#runs + .scroll tbody a").first.get_attribute("href")
    assert (tmp_path / str(link)).is_file()
