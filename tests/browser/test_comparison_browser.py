"""The page of `ferroscreen compare` in a real browser: long ids and reasons stay readable beside each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison.compare import Comparison
from pipeline.comparison.files import render
from tests.browser.visiting import Visit

LEAST_PX = 200  # room for some words a line


@pytest.mark.parametrize("width", [390, 1280])
def test_a_long_id_leaves_room_for_the_reason(visit: Callable[..., Visit], tmp_path: Path, width: int) -> None:
    row = {
        "change": "new", "candidate_id": "x" * 200, "formula": "Mn3Sn", "rank_before": np.nan, "rank_after": 1, "moved": np.nan,
        "saturation_T_low_before": np.nan, "saturation_T_low_after": 0.5, "why": "data: not in the earlier run's source",
    }  # fmt: skip
    path = tmp_path / "comparison.html"
    path.write_text(render(Comparison({"id": "1a"}, {"id": "2b"}, [], pd.DataFrame([row]), 0)), encoding="utf-8")
    page = visit(path, java_script_enabled=False).page
    page.set_viewport_size({"width": width, "height": 900})
    assert page.locator("tbody td").last.bounding_box()["width"] >= LEAST_PX
    assert page.evaluate("document.documentElement.scrollWidth") <= width
