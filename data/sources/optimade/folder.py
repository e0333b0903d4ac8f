"""What was fetched from an OPTIMADE provider, read as a source."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from data.cif.disorder import Disorder
from data.errors import UserError
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.sources.ledger import LEDGER, Fetched, Page, open_fetch
from data.sources.optimade.entries import read_entry
from data.store.artifact import file_hash, text_hash


@dataclass(frozen=True)
class OptimadeFolder:
    """A finished fetch; one page is one shard."""

    path: Path
    disorder: Disorder = Disorder.REJECT

    @property
    def description(self) -> str:
        return f"optimade:{open_fetch(self.path).facts['provider']}"

    def identity(self) -> str:
        open_fetch(self.path)
        return text_hash("optimade", file_hash(self.path / LEDGER), self.disorder)  # the ledger holds each page's hash

    def shards(self) -> Iterator[Shard]:
        for page in open_fetch(self.path).pages:
            yield Shard((page, None), page.entries)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        page, _ = shard.part
        for row, entry in enumerate(page_entries(open_fetch(self.path), page)):
            yield Shard((page, row), 1), Rejection(str(entry.get("id")), page.file, str(row), Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        page, only = shard.part
        for row, entry in enumerate(_entries(self.path, page)):
            if only in (None, row):
                item = read_entry(entry, page.file, row, self.disorder)
                yield item if isinstance(item, Rejection) else Record(item, page.file)


@lru_cache(maxsize=1)
def _entries(folder: Path, page: Page) -> list[dict[str, Any]]:
    """Of the page read last: singles ask for it row by row."""
    return page_entries(open_fetch(folder), page)


def page_entries(fetched: Fetched, page: Page) -> list[dict[str, Any]]:
    """The entries of a page.

    Raises:
        UserError: the page is missing or damaged.
    """
    return unpack(fetched.read(page))


def pack(entries: list[dict[str, Any]]) -> bytes:
    """Entries as gzipped JSON lines; the same entries give the same bytes."""
    lines = "".join(json.dumps(entry, ensure_ascii=False, sort_keys=True) + "\n" for entry in entries)
    return gzip.compress(lines.encode(), mtime=0)


def unpack(content: bytes) -> list[dict[str, Any]]:
    """The reverse of `pack`. Raises UserError for other content."""
    try:
        return [json.loads(line) for line in gzip.decompress(content).decode().splitlines()]
    except (OSError, EOFError, ValueError) as fault:
        raise UserError(f"a fetched page holds no entries: {fault}") from fault
