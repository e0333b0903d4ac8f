"""The pictures of a report in docs/: its first screen in light and dark, and a candidate.

    python -m benchmarks.screenshots report/report.html [--candidate 0] [--chromium /usr/bin/chromium]

writes docs/report.png, docs/report-dark.png and docs/report-detail.png. Take a report whose data may be shown.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import sync_playwright

from benchmarks.smoke import arguments, chromium

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDTH, HEIGHT = 1280, 800
LARGEST = 300_000  # bytes
PICTURES: tuple[tuple[str, Literal["light", "dark"]], ...] = (
    ("report", "light"), ("report-dark", "dark"), ("report-detail", "light"),
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--candidate", type=int, default=0, help="row of the table to open")
    parser.add_argument("--out", type=Path, default=DOCS)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = arguments(parser, lambda made: [made.run() / "report.html", "--out", made.folder, "--chromium", chromium()])
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=options.chromium, args=["--no-sandbox", "--hide-scrollbars"])
        for name, scheme in PICTURES:
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
            page.goto(options.report.resolve().as_uri())
            page.wait_for_selector("html[data-ready]", state="attached")
            if name == "report-detail":
                page.set_viewport_size({"width": WIDTH, "height": 1180})
                page.locator("#ranking .open").nth(options.candidate).click()
                page.evaluate("document.activeElement.blur()")
            page.mouse.move(1, 1)
            page.wait_for_timeout(500)
            save(page, options.out / f"{name}.png")
            page.close()
        browser.close()


def save(page: Any, path: Path) -> None:
    """A small PNG.

    Raises:
        ValueError: it is not small.
    """
    Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, optimize=True)
    if path.stat().st_size > LARGEST:
        raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST:,}")
    print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
