"""An ICSD query to a folder of zips with their tables, as an export made by hand would be; later only what changed since."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from data.errors import UserError
from data.retry import RetryPolicy
from data.sources.icsd.api import FIELDS, Credentials, IcsdApi
from data.sources.icsd.table import CODE, CONTENT, THEORETICAL, code_of
from data.sources.ledger import UNFINISHED, Fetched, Progress, Unfinished, fetching, finished
from data.sources.network import FetchError
from data.store.artifact import write_json

EXPERIMENTAL = "EXPERIMENTAL_INORGANIC"
ENTRIES_PER_PAGE = 500
MOST_WITHOUT_CIF = 0.1  # of a page; some entries have no coordinates, but a page of them is a fault
_OVERLAP = timedelta(days=1)  # modification dates have no time of day, and the server may be in another time zone
_NO_TIME = (1980, 1, 1, 0, 0, 0)  # the same entries give the same bytes


@dataclass(frozen=True)
class IcsdQuery:
    """What to fetch: an expert query such as `COMPOSITION : Fe`."""

    filter: str
    theoretical: bool = False  # computed structures, too
    entries_per_page: int = ENTRIES_PER_PAGE


def fetch_icsd(
    query: IcsdQuery, credentials: Credentials, out: Path, progress: Progress, retry_policy: RetryPolicy | None = None
) -> Fetched:
    """Fetch all entries into a folder. A fetch that broke off goes on at its last page; a folder that holds a finished fetch of
    the same query gets the entries that were modified since.

    Args:
        query: which entries.
        credentials: account and address of the service.
        out: folder of the fetch.
        progress: called with the entries so far, and all of them where known.
        retry_policy: attempts and waits; None: `network.DOWNLOADS`.

    Raises:
        FetchError: the service cannot be reached, refuses, or contradicts itself.
        UserError: the folder cannot be used.
    """
    if not query.filter.strip():
        raise UserError("say what to fetch with --filter, e.g. --filter 'COMPOSITION : Fe'")
    asked = {"service": credentials.base_url, "filter": query.filter, "theoretical": query.theoretical}
    with fetching(out, "icsd", asked) as work, IcsdApi(credentials, retry_policy) as api:
        before = finished(out)
        if work.position == "start":
            _write_todo(out, _search(api, query, before))
            work.go_on_at(0)
        todo = _read_todo(out)
        total = sum(len(ids) for _, ids in todo)
        for place in range(int(work.position), len(todo)):
            _one_page(api, work, *todo[place], place + 1)
            progress(work.entries, total)
        missing = sum(len(ids) for _, ids in todo) - work.entries
        facts = {"provider": "icsd", "without_cif": missing + (before.facts["without_cif"] if before else 0)}
        return work.publish(facts, before.pages if before else ())


def _search(api: IcsdApi, query: IcsdQuery, before: Fetched | None) -> list[tuple[str, list[str]]]:
    """Pages to fetch: (content type, internal ids)."""
    wanted = query.filter
    begun, now = None if before is None else datetime.fromisoformat(before.fetched), datetime.now(UTC)
    if begun is not None and begun <= now:  # a clock that was ahead does not tell when the entries came: all are asked for
        first, last = begun - _OVERLAP, now + _OVERLAP
        wanted = f"({wanted}) and MODIFICATIONDATE : {first:%Y%m%d}-{last:%Y%m%d}"
    pages = []
    for content in (EXPERIMENTAL, THEORETICAL) if query.theoretical else (EXPERIMENTAL,):
        ids = api.search(wanted, content)
        pages += [(content, ids[k : k + query.entries_per_page]) for k in range(0, len(ids), query.entries_per_page)]
    return pages


def _one_page(api: IcsdApi, work: Unfinished, content: str, ids: list[str], position: int) -> None:
    rows, cifs = _ask(api, ids)
    if len(rows) - len(cifs) > max(MOST_WITHOUT_CIF * len(ids), 1):
        raise FetchError(f"the ICSD service gave {len(cifs)} CIF texts for {len(ids)} entries; give the same command again later")
    work.keep({".zip": _zipped(cifs), ".csv": _table(rows, content)}, len(cifs), position)


def _ask(api: IcsdApi, ids: list[str]) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Rows and CIF texts of these entries, as many rows as ids. Where they do not match, each half is asked for by itself,
    down to the entry that has none."""
    rows, cifs = api.table(ids), api.cifs(ids)
    codes = {code_of(row[CODE]) for row in rows}
    if len(rows) == len(codes) == len(ids) and set(cifs) == codes:
        return rows, cifs
    if len(ids) == 1:
        if len(rows) != 1 or not set(cifs) <= codes:
            raise FetchError(f"the ICSD service found an entry and does not know it (internal id {ids[0]}: {len(rows)} rows)")
        return rows, cifs
    middle = len(ids) // 2
    (first, some), (second, others) = _ask(api, ids[:middle]), _ask(api, ids[middle:])
    return first + second, some | others


def _zipped(cifs: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for code, text in sorted(cifs.items()):
            archive.writestr(zipfile.ZipInfo(f"{code}.cif", _NO_TIME), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _table(rows: list[dict[str, str]], content: str) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*FIELDS, CONTENT], extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, CONTENT: content} for row in rows)
    return buffer.getvalue().encode()


def _write_todo(out: Path, pages: list[tuple[str, list[str]]]) -> None:
    write_json(out / UNFINISHED / "todo.json", pages)


def _read_todo(out: Path) -> list[tuple[str, list[str]]]:
    path = out / UNFINISHED / "todo.json"
    try:
        pages: Any = json.loads(path.read_text())
        return [(str(content), [str(i) for i in ids]) for content, ids in pages]
    except (OSError, ValueError, TypeError) as fault:
        raise UserError(f"{path} is damaged; delete the folder {path.parent} to start over") from fault
