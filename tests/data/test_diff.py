"""What a difference between two snapshots lists, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from data.diff import SITE_TOLERANCE, difference
from data.labels import Label
from data.snapshot import Snapshot, publish_snapshot
from data.sources.starter import StarterSource

Publish = Callable[..., Snapshot]


@pytest.fixture
def publish(tmp_path: Path, memory_source: Callable[[list[Any]], Any]) -> Publish:
    return lambda *records: publish_snapshot(tmp_path, memory_source(list(records)))


def test_each_kind_of_change(publish: Publish, make_iron: Callable[..., Any]) -> None:
    stays, goes, comes = make_iron("stays"), make_iron("goes"), make_iron("comes")
    old = publish(stays, goes, make_iron("label"), make_iron("cell"), make_iron("bad"))
    new = publish(comes, stays, make_iron("label", Label(2.2)), make_iron("cell", a=2.9), make_iron("bad", Label(4.4, 4.4)))
    found = difference(old, new)
    assert found.counts() == {"new": 1, "withdrawn": 2, "relabelled": 1, "restructured": 1}
    assert [(c.material_id, c.old_moment, c.new_moment) for c in found.new] == [("comes", None, 2.2)]
    assert [(c.material_id, c.reason) for c in found.withdrawn] == [
        ("bad", "quarantined: contradictory_label"),
        ("goes", "no longer in the source"),
    ]
    (label,) = found.relabelled
    assert (label.material_id, label.formula, label.old_moment, label.new_moment) == ("label", "Fe", 2.2, 1.1)
    assert [c.material_id for c in found.restructured] == ["cell"]


def test_a_label_that_comes_or_goes(publish: Publish, make_iron: Callable[..., Any]) -> None:
    old = publish(make_iron("a", None), make_iron("b"), make_iron("c", None))
    new = publish(make_iron("a"), make_iron("b", None), make_iron("c", None))
    assert [(c.old_moment, c.new_moment) for c in difference(old, new).relabelled] == [(None, 2.2), (2.2, None)]


@pytest.mark.parametrize(("shift_A", "changes"), [(0.3 * SITE_TOLERANCE, 0), (3 * SITE_TOLERANCE, 1)])
def test_rounding_is_no_change(publish: Publish, make_iron: Callable[..., Any], shift_A: float, changes: int) -> None:
    old, new = publish(make_iron("a", a=2.866)), publish(make_iron("a", a=2.866 + shift_A))
    assert len(difference(old, new).restructured) == changes


def test_the_order_of_rows_is_no_change(publish: Publish, make_iron: Callable[..., Any]) -> None:
    records = [make_iron("a"), make_iron("b", a=3.0), make_iron("c", Label(1.0))]
    assert not any(difference(publish(*records), publish(*reversed(records))).counts().values())


def test_real_crystals_against_some_of_them(tmp_path: Path) -> None:
    whole, part = (publish_snapshot(tmp_path, StarterSource(equilibrium_only=only)) for only in (False, True))
    gone = whole.manifest["crystals"] - part.manifest["crystals"]
    assert difference(whole, part).counts() == {"new": 0, "withdrawn": gone, "relabelled": 0, "restructured": 0}
    assert difference(part, whole).counts() == {"new": gone, "withdrawn": 0, "relabelled": 0, "restructured": 0}
