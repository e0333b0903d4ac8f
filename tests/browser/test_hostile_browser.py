"""Ids, formulas and reasons that would like to act: in the browser they are text, and no script of theirs runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.page import write_report
from tests.browser.visiting import Visit

HOSTILE = [
    "<script>document.title='owned'</script>",
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    '" autofocus onfocus="document.title=1" x="',
    "<svg onload=document.title=1>",
    "javascript:document.title=1",
    "=HYPERLINK(\"x\")",
    "\u202egnp.exe\u2066",
    "a\x00b\nc\u2028d",
    "{{ 7 * 7 }}${alert(1)}",
    "' ; rm -rf ~ ; '",
]  # fmt: skip


def test_no_script_of_theirs_runs(visit: Callable[..., Visit], tmp_path: Path) -> None:
    content = synthetic_content(40, learned=30)
    texts = [HOSTILE[k % len(HOSTILE)] for k in range(40)]
    names = ["candidate_id", "formula", "source_file", "note", "exclusion_reason", "duplicate_of", "known_id"]
    foreign = dict.fromkeys(names, texts)
    frame = content.ranking.assign(**foreign).rename(columns={"member_cgcnn-0": f"member_{HOSTILE[1]}"})
    known = replace(content.known, ids=[f"{t}{k}" for k, t in enumerate(texts[:30])])
    assert content.changes is not None
    changes = replace(
        content.changes, rows=content.changes.rows.assign(candidate_id=HOSTILE[0], formula=HOSTILE[2], why=HOSTILE[1])
    )
    rejected = pd.DataFrame(dict.fromkeys(("candidate_id", "source_file", "block", "reason", "detail"), texts))
    hostile = replace(
        content, title=HOSTILE[1], run=HOSTILE[10], ranking=frame, known=known, changes=changes, rejected=rejected,
        warnings=tuple(HOSTILE),
    )  # fmt: skip
    path = tmp_path / "hostile.html"
    write_report(hostile, path)
    page = visit(path).page
    title = page.title()
    elements = page.evaluate("document.querySelectorAll('*').length")
    for row in range(len(HOSTILE)):
        page.locator("#ranking input.pick").nth(row).check()
        page.locator("#ranking .open").nth(row).click()
        shown = page.locator("#panel [data-part=id]").inner_text()
        assert "\u202e" not in shown and "\x00" not in shown
        assert not page.locator("#panel").locator("script, img, svg[onload]").count()
        page.keyboard.press("Escape")
    page.get_by_label("Search").fill("<script>")
    assert page.locator("#ranking tbody tr[data-row]").count() == int(np.sum(["<script>" in text for text in texts]))
    assert page.title() == title and title.startswith("</script>") and elements > 100
    command = page.locator("#picks code").inner_text()
    assert "'\\'' ; rm -rf ~ ; '\\''" in command and "⟨U+" not in command
    with page.expect_download() as download:
        page.locator("#picks").get_by_role("button", name="Save as CSV").click()
    download.value.save_as(tmp_path / "picked.csv")
    table = pd.read_csv(tmp_path / "picked.csv", dtype=str, keep_default_na=False)
    cells = {cell for name in foreign for cell in table[name]}
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells) and '\'=HYPERLINK("x")' in cells
