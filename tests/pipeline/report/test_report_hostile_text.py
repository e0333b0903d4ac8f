"""Whatever an id, formula, file name or reason says, the page shows it and never runs it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from typing import Any

import lxml.html
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from report_samples import content, ranking, rejected, second

from pipeline.report.content import Changes, ReportContent
from pipeline.report.neighbours import Learned
from pipeline.report.pack import unpack
from pipeline.report.page import render_report

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x=\'',
    "'><svg onload=alert(1)>",
    "=cmd|'/c calc'!A0",
    "{{ 7 * 7 }}{% raw %}",
    "$\\frac{1}{$ <b>",
    "gpj.\u202efic",
    "\u200f\u2066abc\u2069",
    "a\x00b\x1b[31m\x7f\x85",
    "]]><!--",
    "\udcff.cif",
    "Fe2<sub>3</sub>",
    "磁石Fe₂\U0001d509",
    "&lt;script&gt;",
    "",
]
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.text("<>\"'&/=$_^{}\\\x00\u202eonst ", max_size=30))


def hostile_content(words: list[str]) -> ReportContent:
    identity, formula, source, reason, member, title = words
    frame = ranking(3).assign(candidate_id=identity, formula=formula, source_file=source)
    said = f"{reason}."  # never empty: an empty one makes no mark
    frame = frame.assign(note=said, exclusion_reason=said, duplicate_of=said, known_id=said, known_moment=1.0)
    dois = f"{reason}; 10.1000/{identity}"
    frame = frame.assign(known_order=["AFM", reason, ""], known_dois=dois, order_basis="measured", tc_basis=reason, tc_K=300.0)
    frame = frame.rename(columns={"member_cgcnn-0": f"member_{member}"})
    changed = {"change": "new", "candidate_id": identity, "formula": formula, "rank_before": 1, "rank_after": 2, "moved": -1}
    changes = pd.DataFrame([{**changed, "saturation_T_low_before": 1.0, "saturation_T_low_after": 2.0, "why": reason}])
    turned_away = rejected(2).assign(candidate_id=identity, block=formula, source_file=source, reason=reason, detail=title)
    return content(
        title=title,
        facts=((title, identity),),
        ranking=frame,
        rejected=turned_away,
        evaluation=None,
        metrics={"ensemble": {"mae": 0.03, member: 1.0}, "members": {member: {"mae": 0.05}}},
        warnings=(reason,),
        run=identity,
        formula=f"{title}.",
        working=formula,
        order=source,
        known=Learned([identity], ["FeCo"], np.array([1.0])),
        second=replace(second(frame), other=member),
        changes=Changes(identity, {"new": 1}, ((reason, title),), changes),
    )


def parse(page: str) -> Any:
    # Bytes, because lxml cuts a text with a NUL or a surrogate, and a browser is handed bytes as well.
    return lxml.html.document_fromstring(page.encode("utf-8"), parser=lxml.html.HTMLParser(encoding="utf-8"))


def hash_of(source: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()


def structure(document: Any) -> list[tuple[str, frozenset[str]]]:
    """Every element in order with the names of its attributes, subscripts and breaks of foreign text left out."""
    maps = set(document.xpath("//figure[.//svg[contains(@class, 'elements')]]/descendant-or-self::*"))
    return [
        (element.tag, frozenset(element.attrib) - {"disabled"})  # what elements a text holds, if it is a formula, may show
        for element in document.iter()
        if element.tag not in ("sub", "wbr") and element.getparent() is not None and element not in maps
    ]


def assert_inert(page: str) -> None:
    document = parse(page)
    policy = document.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    assert len(policy) == 1
    scripts, styles = document.xpath("//script"), document.xpath("//style")
    data, script = scripts[:-1], scripts[-1]
    assert [dict(element.attrib) for element in [script, *styles]] == [{}, {}]
    assert [dict(element.attrib) for element in data] == [{"type": "application/octet-stream", "id": "data"}]
    assert re.fullmatch("[A-Za-z0-9+/]+=*", data[0].text), "nothing but base64"
    for text in (text for column in unpack(data[0].text)[1].values() if isinstance(column, list) for text in column):
        assert not UNSEEN.search(text), "the page's data are as visible as the page"
    assert f"script-src '{hash_of(script.text)}'" in policy[0]
    assert f"style-src '{hash_of(styles[0].text)}'" in policy[0]
    for element in document.iter():
        assert not isinstance(element, lxml.html.HtmlComment)
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on") and name != "style"
            if name in ("src", "href", "xlink:href", "action", "data", "srcset"):
                assert value.startswith(("#", "data:image/svg+xml,")), (name, value)
            assert "url(" not in value.replace("url(#", "")
    assert not re.search(r"@import|url\(|https?:", styles[0].text)
    assert not re.search(r"fetch|XMLHttp|import\(|https?:|innerHTML|eval", script.text)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(texts, min_size=6, max_size=6))
def test_foreign_text_is_inert(words: list[str]) -> None:
    page = render_report(hostile_content(words))
    assert_inert(page)
    assert structure(parse(page)) == HARMLESS_STRUCTURE


@pytest.mark.parametrize("text", HOSTILE)
def test_known_attacks_are_inert_everywhere(text: str) -> None:
    page = render_report(hostile_content([text] * 6))
    assert_inert(page)
    assert structure(parse(page)) == HARMLESS_STRUCTURE


def test_no_invisible_character_reaches_the_page() -> None:
    page = render_report(hostile_content(["a\x00b\x1b\u202e\u200f\udcff\x85"] * 6))
    assert not UNSEEN.search(page)
    assert "a␀b␛⟨U+202E⟩⟨U+200F⟩⟨U+DCFF⟩⟨U+0085⟩" in page


def test_foreign_text_is_still_readable() -> None:
    words = ["<script>alert(1)</script>", "Fe<b>2</b>", "a&b/c.cif", "r", "m", "t"]
    document = parse(render_report(hostile_content(words)))
    row = document.xpath("//table[@id='ranking']/tbody/tr")[0]
    assert row.xpath("string(.//bdi[@class='id'])") == "<script>alert(1)</script>"
    assert row.xpath("string(.//bdi[@class='formula'])") == "Fe<b>2</b>"
    page = render_report(hostile_content(words))
    assert unpack(parse(page).get_element_by_id("data").text)[1]["source_file"][0] == "a&b/c.cif"


def test_the_whole_page_passes_the_same_check() -> None:
    page = render_report(content())
    assert_inert(page)
    identities = parse(page).xpath("//@id")
    assert len(identities) == len(set(identities))


def test_missing_text_is_a_dash() -> None:
    frame = ranking(1).assign(candidate_id=None, formula=float("nan"), source_file=pd.NA)
    row = parse(render_report(content(ranking=frame))).xpath("//table[@id='ranking']/tbody/tr")[0]
    assert [row.xpath(f"string(.//bdi[@class='{name}'])") for name in ("id", "formula")] == ["–", "–"]


HARMLESS_STRUCTURE = structure(parse(render_report(hostile_content(["plain"] * 6))))
