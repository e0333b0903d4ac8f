"""A real browser on a real page; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.smoke import chromium
from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.page import write_report
from tests.browser.visiting import PATIENCE_MS, ROWS, Visit


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[test]'")
    if not (found := chromium()):
        pytest.skip("needs a chromium on the path, or `playwright install chromium`")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of ROWS candidates with every column, at a place with blanks in its name, as people have them."""
    path = tmp_path_factory.mktemp("browser") / "my report.html"
    write_report(synthetic_content(ROWS, learned=300), path)
    return path


@pytest.fixture
def visit(browser: Any) -> Iterator[Callable[..., Visit]]:
    """Opens a page, and at the end of the test holds against it that it complained, or asked for anything but itself."""
    visits: list[Visit] = []

    def go(path: Path, **options: Any) -> Visit:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        context.set_default_timeout(PATIENCE_MS)
        seen = Visit(context.new_page())
        seen.page.on("console", lambda message: seen.said.append(message.text))
        seen.page.on("pageerror", lambda fault: seen.said.append(str(fault)))
        seen.page.on("request", lambda request: seen.asked.append(request.url))
        visits.append(seen)
        seen.page.goto(path.as_uri())
        if options.get("java_script_enabled", True):
            seen.page.wait_for_selector("html[data-ready]", state="attached")
        return seen

    yield go
    for seen in visits:
        assert not seen.said
        assert [url for url in seen.asked if not url.startswith(("file:", "data:", "blob:"))] == []
        assert len([url for url in seen.asked if url.startswith("file:")]) == 1
        seen.page.context.close()
