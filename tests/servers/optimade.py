"""An OPTIMADE v1 structures endpoint over crystals it is given. `python -m tests.servers.optimade` serves the starter set."""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from data.crystal import Crystal
from tests.servers.loopback import Asked, Fault, Loopback, running

_ELEMENTS = re.compile(r'elements HAS (?:ALL )?((?:"[A-Z][a-z]?",? ?)+)')


class OptimadeServer(Loopback):
    """Pages by offset; of the filter language it knows `elements HAS` and `elements HAS ALL`."""

    def __init__(self, entries: Sequence[dict[str, Any]], most_per_page: int = 500, counts: bool = True) -> None:
        super().__init__()
        self.entries = list(entries)
        self.most_per_page = most_per_page
        self.counts = counts  # whether it says how many entries there are
        self.change: Callable[[Asked, dict[str, Any]], None] = lambda asked, page: None  # done to each page before it is sent

    def page(self, asked: Asked) -> int | None:
        if not asked.path.endswith("/v1/structures"):
            return None
        return int(asked.query.get("page_offset", ["0"])[0]) // self._limit(asked)

    def answer(self, asked: Asked, fault: Fault | None) -> tuple[int, dict[str, str], bytes]:
        kind = {"Content-Type": "application/vnd.api+json"}
        if not asked.path.endswith("/v1/structures"):
            return 404, kind, json.dumps({"errors": [{"title": "Not Found", "detail": asked.path}]}).encode()
        wanted = asked.query.get("filter", [""])[0]
        needed = {e for found in _ELEMENTS.findall(wanted) for e in re.findall(r"[A-Z][a-z]?", found)}
        rows = [e for e in self.entries if needed <= set(e["attributes"].get("elements") or needed)]
        offset, limit = int(asked.query.get("page_offset", ["0"])[0]), self._limit(asked)
        some, more = rows[offset : offset + limit], offset + limit < len(rows)
        following = {k: v[0] for k, v in asked.query.items()} | {"page_offset": str(offset + limit)}
        count = len(rows) + (7 if fault and fault.kind == "count" else 0)
        meta = {"api_version": "1.1.0", "more_data_available": more, "data_available": len(self.entries)}
        body: dict[str, Any] = {
            "data": list(some),
            "meta": meta | ({"data_returned": count} if self.counts else {}),
            "links": {"next": f"{self.url}{asked.path}?{urlencode(following)}" if more else None},
        }
        self.change(asked, body)
        if "gzip" in asked.headers.get("accept-encoding", ""):
            return 200, kind | {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(body).encode())
        return 200, kind, json.dumps(body).encode()

    def _limit(self, asked: Asked) -> int:
        return min(int(asked.query.get("page_limit", ["10"])[0]), self.most_per_page)


def entry_of(crystal: Crystal) -> dict[str, Any]:
    """An OPTIMADE structure entry, as the reference implementation makes it."""
    from optimade.adapters.structures.pymatgen import from_pymatgen
    from optimade.models import StructureResource

    made = from_pymatgen(crystal.to_pymatgen())
    attributes = made.model_dump(mode="json") | {"last_modified": "2026-01-01T00:00:00Z"}
    whole = StructureResource(id=crystal.id, type="structures", attributes=attributes)
    content: dict[str, Any] = json.loads(whole.model_dump_json())
    return content


if __name__ == "__main__":
    from data.sources.starter import StarterSource

    source = StarterSource()
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]
    with running(OptimadeServer([entry_of(crystal) for crystal in crystals])) as server:
        print(f"ferroscreen fetch optimade:{server.url} --filter 'elements HAS \"Fe\"' --out fetched", flush=True)
        while True:
            time.sleep(3600)
