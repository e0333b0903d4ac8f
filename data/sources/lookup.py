"""Single crystals of a source, found again by id and file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from data.disordered import AnyCrystal
from data.rejection import Rejection
from data.sources import Shard, Source

Place = tuple[str, str]  # (id, source file)


def find_crystals(source: Source, places: Iterable[Place]) -> dict[Place, list[AnyCrystal]]:
    """The crystals at these places, several where an id is repeated in one file; a place where nothing is found has no entry.

    Only the smallest parts of the source that can hold them are read.

    Raises:
        UserError: the input is missing.
    """
    wanted = set(places)
    parts = [(single, (stands.candidate_id, stands.source_file)) for single, stands in _singles(source)]
    found: dict[Place, list[AnyCrystal]] = {}
    # in a table, or where files are named by their ids, the part is known by both; else the whole file has to be read
    _read(source, (part for part, place in parts if place in wanted), wanted, found)
    files = {file for _, file in wanted - found.keys()}
    _read(source, (part for part, place in parts if place[1] in files and place not in wanted), wanted - found.keys(), found)
    return found


def _singles(source: Source) -> Iterator[tuple[Shard, Rejection]]:
    for shard in source.shards():
        yield from source.singles(shard)


def _read(source: Source, parts: Iterable[Shard], wanted: set[Place], found: dict[Place, list[AnyCrystal]]) -> None:
    for part in parts:
        for item in source.read(part):
            if isinstance(item, Rejection):
                continue
            place = (item.crystal.id, item.source_file)
            if place in wanted:
                found.setdefault(place, []).append(item.crystal)
