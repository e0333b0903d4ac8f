"""How fast a report is written, painted and filtered, in a real browser, for screens of two sizes.

    python -m benchmarks.report_browser [--rows 12345,200000] [--chromium /usr/bin/chromium]

The screens are synthetic (benchmarks/synthetic_screen.py). First paint and "ready" (data unpacked, table alive) count from the
start of the navigation to the file; the answer to a filter or a sort counts from the event to the end of the frame that shows it.
On a busy machine the times on the wall say little, so the processor time of the page's main thread stands beside them.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.smoke import arguments, chromium
from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.page import write_report

REPEATS = 3
ANSWER = """
async (action) => {
  const form = document.getElementById("filters");
  const actions = {
    elements: () => { form.elements.query.value = "Fe -O"; form.dispatchEvent(new Event("input")); },
    text: () => { form.elements.query.value = "syn-12"; form.dispatchEvent(new Event("input")); },
    groups: () => {
      for (const box of form.querySelectorAll("[data-group]")) box.checked = true;
      form.dispatchEvent(new Event("input"));
    },
    limit: () => { form.querySelector("[data-limit=saturation_T_low]").value = "0.3"; form.dispatchEvent(new Event("input")); },
    sort: () => document.querySelector("[data-key=saturation_T] button").click(),
    "sort by name": () => document.querySelector("[data-key=formula] button").click(),
    "next page": () => document.getElementById("forth").click(),
    "open a candidate": () => document.querySelector("#ranking .open").click(),
  };
  const start = performance.now();
  actions[action]();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return performance.now() - start;
}
"""
AGAIN = """
async () => {
  document.getElementById("panel").close();
  document.getElementById("filters").reset();
  await new Promise((done) => setTimeout(done, 50));
}
"""
ACTIONS = ("elements", "text", "groups", "limit", "sort", "sort by name", "next page", "open a candidate")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", default="12345,200000")
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = arguments(parser, lambda made: ["--rows", "300", "--chromium", chromium()], REPEATS=1)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=options.chromium, args=["--no-sandbox"])
        for rows in map(int, options.rows.split(",")):
            path = Path(folder) / f"{rows}.html"
            content = synthetic_content(rows)
            wall, processor = time.perf_counter(), time.process_time()
            write_report(content, path)
            print(f"\n{rows:,} candidates: {path.stat().st_size / 1e6:.1f} MB")
            print(f"  written in {time.perf_counter() - wall:.1f} s ({time.process_time() - processor:.1f} s of processor)")
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            thread = MainThread(page)
            for name, times in opened(page, path, thread).items():
                print(f"  {name}: {said(times)}")
            for action in ACTIONS:
                print(f"  {action}: {said([answered(page, action, thread) for _ in range(REPEATS)])}")
            page.close()
        browser.close()


class MainThread:
    """The processor time of a page's main thread, s."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds(self) -> float:
        metrics = self.session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))


def opened(page: Page, path: Path, thread: MainThread) -> dict[str, list[tuple[float, float]]]:
    """(wall, processor) in s from navigation to the first contentful paint (no processor time) and to a living table."""
    found: dict[str, list[tuple[float, float]]] = {"first contentful paint": [], "ready": []}
    marks = [f"performance.getEntriesByName('{name}')[0].startTime" for name in ("first-contentful-paint", "ready")]
    for _ in range(REPEATS):
        page.goto("about:blank")
        before = thread.seconds()
        page.goto(path.as_uri(), wait_until="commit")
        page.wait_for_selector("html[data-ready]", timeout=300_000, state="attached")
        paint, ready = page.evaluate(f"[{', '.join(marks)}]")
        now = thread.seconds()
        found["first contentful paint"].append((paint / 1000, math.nan))
        found["ready"].append((ready / 1000, now - before if now > before else now))  # another process counts from zero
    return found


def answered(page: Page, action: str, thread: MainThread) -> tuple[float, float]:
    before = thread.seconds()
    wall = float(page.evaluate(ANSWER, action)) / 1000
    spent = thread.seconds() - before
    page.evaluate(AGAIN)
    return wall, spent


def said(times: list[tuple[float, float]]) -> str:
    wall, processor = (sorted(values) for values in zip(*times, strict=True))
    words = f"median {1000 * statistics.median(wall):.0f} ms, slowest {1000 * wall[-1]:.0f} ms"
    return words if math.isnan(processor[0]) else f"{words}; processor {1000 * statistics.median(processor):.0f} ms"


if __name__ == "__main__":
    main()
