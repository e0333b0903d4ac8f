"""What every source promises. Each check takes a factory, so that it can ask for the same source twice."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from typing import Any

from data.rejection import Reason, Rejection
from data.sources import Record, Shard, Source

Factory = Callable[[], Source]


def check_shards_are_repeatable(make: Factory) -> None:
    source = make()
    first = list(source.shards())
    assert first, "nothing to read"
    assert all(isinstance(shard, Shard) and shard.size >= 1 for shard in first)
    assert list(source.shards()) == first
    assert list(make().shards()) == first


def check_reading_twice_gives_the_same(make: Factory) -> None:
    source, other = make(), make()
    for shard in source.shards():
        first = _plain(source.read(shard))
        assert _plain(source.read(shard)) == first
        assert _plain(other.read(shard)) == first


def check_the_order_of_reading_does_not_matter(make: Factory) -> None:
    source = make()
    forward = [_plain(source.read(shard)) for shard in source.shards()]
    backward = [_plain(source.read(shard)) for shard in reversed(list(source.shards()))]
    assert backward[::-1] == forward


def check_it_travels_to_another_process(make: Factory) -> None:
    source = make()
    copy, shards = pickle.loads(pickle.dumps((source, list(source.shards()))))
    assert copy.identity() == source.identity()
    for shard, same in zip(source.shards(), shards, strict=True):
        assert _plain(copy.read(same)) == _plain(source.read(shard))


def check_it_is_small(make: Factory) -> None:
    assert len(pickle.dumps(make())) < 10_000, "a source knows where the data are, not what they are"


def check_every_item_is_a_record_or_a_rejection(make: Factory) -> None:
    items = _everything(make())
    assert any(isinstance(item, Record) for item in items), "no crystal at all"
    for item in items:
        assert isinstance(item, Record | Rejection)
        assert item.source_file and not item.source_file.startswith("/")
        if isinstance(item, Rejection):
            assert isinstance(item.reason, Reason) and item.reason is not Reason.FAILED and item.detail


def check_ids_are_text(make: Factory) -> None:
    for item in _everything(make()):
        identifier = item.candidate_id if isinstance(item, Rejection) else item.crystal.id
        assert isinstance(identifier, str) and identifier
        identifier.encode("utf-8")
        item.source_file.encode("utf-8")


def check_the_description_is_fit_for_a_manifest(make: Factory) -> None:
    description = make().description
    assert description and description == make().description
    assert not any(word.lstrip("'\"(").startswith("/") or ":/" in word for word in description.split()), description


def check_each_item_says_whether_it_is_licensed(make: Factory) -> None:
    assert all(isinstance(item.licensed, bool) for item in _everything(make()))


def check_identity_is_repeatable(make: Factory) -> None:
    assert make().identity() == make().identity()
    assert len(make().identity()) == 64


def check_singles_are_the_shard_in_small(make: Factory) -> None:
    source = make()
    for shard in source.shards():
        singles = list(source.singles(shard))
        assert sum(single.size for single, _ in singles) == shard.size
        assert all(isinstance(lost, Rejection) and lost.reason is Reason.READER_LOST for _, lost in singles)
        assert [item for single, _ in singles for item in _plain(source.read(single))] == _plain(source.read(shard))


CHECKS = [check for name, check in sorted(globals().items()) if name.startswith("check_")]


def _everything(source: Source) -> list[Record | Rejection]:
    return [item for shard in source.shards() for item in source.read(shard)]


def _plain(items: Iterator[Record | Rejection]) -> list[Any]:
    """Items as values that can be compared with ==."""
    return [item if isinstance(item, Rejection) else _plain_record(item) for item in items]


def _plain_record(record: Record) -> tuple[Any, ...]:
    crystal = record.crystal
    arrays = (crystal.lattice.tolist(), crystal.frac.tolist(), crystal.numbers.tolist())
    return (crystal.id, crystal.note, *arrays, record.source_file, repr(record.label), record.split, record.licensed)
