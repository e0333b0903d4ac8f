"""quality.html and duplicates.parquet of a real snapshot, and of one whose texts are hostile."""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from data.schema import DUPLICATES, REJECTED
from data.snapshot import Snapshot
from data.sources.starter import StarterSource
from data.store.artifact import file_hash, write_json
from data.store.tables import MANIFEST_FILE
from pipeline.ops.progress import Quiet
from pipeline.refresh.label_noise import COLUMNS
from pipeline.refresh.publish import publish_source
from pipeline.refresh.quality import DUPLICATES_FILE, LABEL_NOISE_FILE, PAGE_FILE
from pipeline.report.quality import QualityContent, render_quality
from pipeline.settings import Settings

HOSTILE = "</style><script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.found.append(tag)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=2)
    return publish_source(StarterSource(), where, Quiet())


def test_the_scanned_volumes_are_the_duplicates(snapshot: Snapshot) -> None:
    """The starter set holds each compound at several volumes; the nearest of them count as the same crystal."""
    rows = pq.read_table(snapshot.folder / DUPLICATES_FILE).to_pandas()
    ids = snapshot.table(["material_id"]).column(0).to_pylist()
    assert len(rows) > len(ids) / 3
    assert set(rows["material_id"]) <= set(ids) and set(rows["duplicate_of"]) <= set(ids)
    assert not set(rows["material_id"]) & set(rows["duplicate_of"]), "a duplicate stands for nobody"
    assert rows["volume_ratio"].between(0.9, 1.11).all() and (rows["volume_ratio"].sub(1).abs() > 0.01).any()
    assert (rows["moment_difference"] - (rows["moment"] - rows["moment_of"]).abs()).abs().max() < 1e-12


def test_the_page_shows_what_is_in_the_snapshot(snapshot: Snapshot) -> None:
    page = (snapshot.folder / PAGE_FILE).read_text()
    tags = Tags()
    tags.feed(page)
    assert tags.found.count("svg") >= 2 and tags.found.count("table") >= 2 and "script" not in tags.found
    assert "://" not in page.replace("http://www.w3.org", ""), "it needs nothing from outside"
    duplicates = pq.read_table(snapshot.folder / DUPLICATES_FILE).to_pandas()
    assert f"<dt>duplicates</dt><dd>{len(duplicates):,}" in page
    assert f"<dt>crystals</dt><dd>{snapshot.manifest['crystals']:,}" in page
    worst = duplicates.sort_values("moment_difference", ascending=False, kind="stable").iloc[0]
    assert worst["material_id"] in page


def test_pages_are_verified_but_do_not_name_the_snapshot(snapshot: Snapshot, tmp_path: Path) -> None:
    assert set(snapshot.manifest["pages"]) == {DUPLICATES_FILE, LABEL_NOISE_FILE, PAGE_FILE}
    plain = publish_source(StarterSource(), Settings(home=tmp_path, workers=1, quality=False), Quiet())
    assert plain.id == snapshot.id and "pages" not in plain.manifest
    snapshot.verify()


def test_hostile_texts_stay_texts() -> None:
    crystals = pd.DataFrame({"material_id": [HOSTILE], "formula": [HOSTILE], "moment_muB_per_atom": [1.0], "ordering": [HOSTILE]})
    quarantine = pd.DataFrame([dict.fromkeys(REJECTED.names, HOSTILE)])
    duplicate = {**dict.fromkeys(DUPLICATES.names, HOSTILE), "volume_ratio": 1.0, "moment": 1.0, "moment_of": 2.0}
    buried = pd.DataFrame([dict.fromkeys(("material_id", "reason", "database_version"), HOSTILE)])
    content = QualityContent(
        HOSTILE, ((HOSTILE, HOSTILE),), crystals, quarantine, pd.DataFrame([{**duplicate, "moment_difference": 1.0}]),
        pd.DataFrame([{**dict.fromkeys(COLUMNS, HOSTILE), "moment": 1.0, "expected": 0.0, "probability": 0.9}]), buried,
    )  # fmt: skip
    page = render_quality(content)
    tags = Tags()
    tags.feed(page)
    assert not {"script", "img"} & set(tags.found)
    assert render_quality(content) == page


def test_an_empty_quarantine_and_no_duplicate() -> None:
    crystals = pd.DataFrame({"material_id": ["a"], "formula": ["Fe"], "moment_muB_per_atom": [float("nan")], "ordering": [None]})
    none = [pd.DataFrame(columns=names) for names in (REJECTED.names, DUPLICATES.names, COLUMNS, ["material_id"])]
    page = render_quality(QualityContent("t", (), crystals, *none))
    assert "Every record could be used." in page and "1 without a label" in page


def test_refreshed_again_it_has_the_pages_of_this_release(snapshot: Snapshot, tmp_path: Path) -> None:
    """An older release listed other labels as noise, and had a page more; the crystals are the same."""
    where = Settings(home=tmp_path, workers=2)
    old = where.snapshots / snapshot.id
    shutil.copytree(snapshot.folder, old)
    for name in (LABEL_NOISE_FILE, "older.html"):
        (old / name).write_text("of an older release")
    pages = {name: file_hash(old / name) for name in (*snapshot.manifest["pages"], "older.html")}
    write_json(old / MANIFEST_FILE, {**snapshot.manifest, "pages": pages})
    again = publish_source(StarterSource(), where, Quiet())
    again.verify()
    assert again.folder == old and again.manifest["pages"] == snapshot.manifest["pages"]
    assert sorted(path.name for path in old.iterdir()) == sorted(path.name for path in snapshot.folder.iterdir())
    assert (old / LABEL_NOISE_FILE).read_bytes() == (snapshot.folder / LABEL_NOISE_FILE).read_bytes()
    publish_source(StarterSource(), where.model_copy(update={"quality": False}), Quiet())
    assert Snapshot(old).manifest["pages"] == snapshot.manifest["pages"], "they are of these crystals still"
