"""Search by formula and id, polymorphs of a compound, and what leads from a candidate to its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import gemmi
import numpy as np
import pytest

from benchmarks.synthetic_screen import synthetic_content
from pipeline.report.page import write_report
from tests.browser.visiting import Visit

Go = Callable[..., Visit]
FORMULAS = ["MnCo2Si", "MnCo2Si2", "Gd2O3", "Gd2O3", "FeCo", "Gd2O3", "MnCo2SiO4", "Mn3(OF)2"]
IDS = ["mp-114", "mp-1140", "cod-1000041", "icsd-123456", 'mp-7" onclick="x', "1000017", "oqmd-12", "my crystal, 2"]

COBALT_HEUSLER = (
    "Co2MnSi", "MnCo2Si", "SiMnCo2", "Co4Mn2Si2", "Co2 Mn Si", "Co₂MnSi", "Co$_2$MnSi", "Mn0.5CoSi0.5", "(CoMn0.5Si0.5)2",
)  # fmt: skip


@pytest.fixture
def page(visit: Go, tmp_path: Path) -> Visit:
    content = synthetic_content(len(FORMULAS), learned=0)
    ranking = content.ranking.assign(
        formula=FORMULAS, candidate_id=IDS, duplicate_of="", exclusion_reason="", space_group=[225, 1, 164, 12, 2, 206, 62, 14]
    )
    path = tmp_path / "search.html"
    write_report(replace(content, ranking=ranking), path)
    return visit(path)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        *((text, ["mp-114"]) for text in COBALT_HEUSLER),
        ("O2F2Mn3", ["my crystal, 2"]),
        ("mp-114", ["mp-114"]),
        ("MP-1140", ["mp-1140"]),
        ("my crystal, 2", ["my crystal, 2"]),
        ("mp-11", ["mp-114", "mp-1140"]),
        ("O3Gd2", ["cod-1000041", "icsd-123456", "1000017"]),
        ("Co Mn -O", ["mp-114", "mp-1140"]),
        ("Mn -Co2MnSi", ["mp-1140", "oqmd-12", "my crystal, 2"]),
        ("mnco2si", ["mp-114", "mp-1140", "oqmd-12"]),
        ("Fe(", []),
    ],
)  # fmt: skip
def test_search(page: Visit, query: str, found: list[str]) -> None:
    page.page.get_by_label("Search").fill(query)
    assert page.rows() == found
    caption = page.page.locator("#candidates-c").inner_text()
    assert caption.startswith(f"{len(found)} of {len(FORMULAS)} candidates match")


def test_polymorphs(page: Visit) -> None:
    read = """(rows) => rows.map((row) => [...row.querySelectorAll(".mark")].map((mark) => mark.textContent)
        .filter((text) => text.includes("polymorph")))"""
    marks = page.page.locator("#ranking tbody tr").evaluate_all(read)
    assert marks[2:6] == [["also 2 polymorphs"], ["polymorph"], [], ["polymorph"]] and marks[0] == []
    top = page.page.locator(".best .formula").all_text_contents()
    assert top.count("Gd2O3") == 1 and len(top) == 6
    page.page.locator("#ranking .open").nth(3).click()
    others = page.page.locator("#panel [data-part=polymorphs] li")
    assert others.all_inner_texts() == ["cod-1000041, rank 3, P-3m1 (164)", "1000017, rank 6, Ia-3 (206)"]
    others.nth(1).locator("button").click()
    assert page.page.locator("#panel [data-part=id]").inner_text() == "1000017"
    page.page.keyboard.press("Escape")
    page.page.get_by_label("Best of each compound").check()
    assert len(page.rows()) == 6


def test_links_to_the_entry(page: Visit) -> None:
    expected = {
        "mp-114": "https://next-gen.materialsproject.org/materials/mp-114",
        "mp-1140": "https://next-gen.materialsproject.org/materials/mp-1140",
        "cod-1000041": "https://www.crystallography.net/cod/1000041.html",
        "1000017": "https://www.crystallography.net/cod/1000017.html",
        "icsd-123456": "https://icsd.fiz-karlsruhe.de/linkicsd.xhtml?coll_code=123456",
        "oqmd-12": "https://oqmd.org/materials/entry/12",
    }
    for row, name in enumerate(IDS):
        page.page.locator("#ranking .open").nth(row).click()
        links = page.page.locator("#panel [data-part=facts] a")
        hrefs = links.evaluate_all("(all) => all.map((a) => [a.href, a.rel])")
        assert hrefs == ([[expected[name], "noopener noreferrer"]] if name in expected else [])
        page.page.keyboard.press("Escape")


def test_the_crystal_as_cif(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(5, learned=0)
    for name, given, shown in (("open", content, True), ("licensed", replace(content, licensed=True), False)):
        write_report(given, tmp_path / f"{name}.html")
        page = visit(tmp_path / f"{name}.html").page
        page.locator("#ranking .open").nth(1).click()
        save = page.locator("#panel").get_by_role("button", name="Save as CIF")
        assert save.is_visible() == shown
        if not shown:
            continue
        if page.locator("#panel [data-part=primitive]").is_visible():
            page.locator("#panel [data-part=primitive]").check()
        with page.expect_download() as download:
            save.click()
        download.value.save_as(tmp_path / "one.cif")
        small = gemmi.read_small_structure(str(tmp_path / "one.cif"))
        cells = content.cells
        first = int(cells.sites[0])
        numbers = cells.numbers[first : first + int(cells.sites[1])]
        assert [site.element.atomic_number for site in small.sites] == numbers.tolist()
        found = np.array([site.fract.tolist() for site in small.sites])
        wanted = cells.frac[first : first + int(cells.sites[1])] / 65536
        apart = np.abs(found - wanted)
        assert np.minimum(apart, 1 - apart).max() < 3e-5
        np.testing.assert_allclose(small.cell.parameters, cells.parameters[1], atol=2e-3)


def test_a_disordered_crystal_is_not_saved_as_its_main_species(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(5, learned=0)
    ranking = content.ranking.assign(occupancies=["", "Fe 0.7 Co 0.3 (2 sites)", "", "", ""])
    write_report(replace(content, ranking=ranking), tmp_path / "mixed.html")
    panel = visit(tmp_path / "mixed.html").page.locator("#panel")
    save, edges = panel.get_by_role("button", name="Save as CIF"), panel.locator("[data-part=edges]")
    for row, mixed in enumerate(("", "yes", "")):
        panel.page.locator("#ranking .open").nth(row).click()
        assert save.is_visible() == (not mixed) and ("main species" in edges.inner_text()) == bool(mixed)
        panel.page.keyboard.press("Escape")


def test_long_ids_stay_apart_and_can_be_exported(visit: Go, tmp_path: Path) -> None:
    content = synthetic_content(5, learned=0)
    ids = [f"{'a long folder/' * 9}{name}" for name in ("one", "two", "three", "four")] + ["line\nfeed"]
    ranking = content.ranking.assign(candidate_id=ids, duplicate_of=["", ids[0], *[""] * 3])
    write_report(replace(content, ranking=ranking), tmp_path / "r.html")
    seen = visit(tmp_path / "r.html")
    page, bar = seen.page, seen.page.locator("#picks")
    assert [name[:1] + name[-7:] for name in seen.rows()[:3]] == ["…der/one", "…der/two", "…r/three"]
    assert page.locator(".best .id").all_inner_texts()[0] == seen.rows()[0]
    for row in (1, 4):
        page.locator("#ranking input.pick").nth(row).check()
    assert bar.locator("code").inner_text() == f"ferroscreen export {content.run} --ids '{ids[1]}'"
    assert bar.locator("strong").inner_text().startswith("2 picked, 1 of them not in the command")
    page.locator("#ranking .open").nth(1).click()
    assert page.locator("#panel [data-part=id]").inner_text() == ids[1]
    assert page.locator("#panel [data-part=twins] li").all_inner_texts() == [f"{seen.rows()[0]}, rank 1"]
    page.keyboard.press("Escape")
    page.get_by_label("Search").fill(ids[2])
    page.wait_for_timeout(500)
    assert len(seen.rows()) == 1
