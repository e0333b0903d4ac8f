"""An OPTIMADE provider: one page with one entry of iron, asked and read as `fetch` and `screen` do."""

from __future__ import annotations

from contextlib import redirect_stderr
from io import StringIO
from typing import Any

from data.cif.disorder import Disorder
from data.rejection import Reason, Rejection
from data.retry import RetryPolicy
from data.sources.network import where
from data.sources.optimade.entries import read_entry
from data.sources.optimade.fetch import OptimadeQuery, ask_page, optimade_client
from pipeline.endpoints.finding import Finding, Heard, ask

NAME = "optimade"
FILTER = 'elements HAS "Fe" AND nelements=1'
RETRIES = RetryPolicy(
    attempts=2, first_wait_s=1.0, longest_wait_s=5.0, longest_retry_after_s=5.0, read_s=20.0, call_s=60.0, answer_mb=16.0
)
_READ = ("lattice_vectors", "cartesian_site_positions", "species_at_sites")  # without these there is no crystal
_FORM = {Reason.NOT_OPTIMADE, Reason.FAILED, Reason.NO_CELL, Reason.NO_SITES, Reason.BAD_COORDINATES, Reason.UNKNOWN_ELEMENT}
VERSION = "1."


def check_optimade(provider: str, retries: RetryPolicy = RETRIES) -> Finding:
    """Ask a provider by its name or base URL.

    Raises:
        UserError: there is no provider of that name, and it is no URL.
    """
    query = OptimadeQuery.of(provider, FILTER, entries_per_page=1)
    return ask(f"{NAME}:{query.provider}", where(query.base_url), lambda heard: _page(heard, query, retries))


def _page(heard: Heard, query: OptimadeQuery, retries: RetryPolicy) -> None:
    with redirect_stderr(StringIO()):  # the client prints what it raises, too
        answer = ask_page(optimade_client(query, retries), query)
    meta: dict[str, Any] = answer.meta
    version = meta.get("api_version")
    heard.notes.append(f"OPTIMADE {version}, {_counted(meta)} entries of iron")
    heard.expect(isinstance(version, str) and version.lstrip("v").startswith(VERSION), f"api_version is {version!r:.40}, not 1.x")
    entries = list(answer.data)
    if not heard.expect(bool(entries), f"the filter {FILTER} finds no entry"):
        return
    heard.expect(len(entries) == 1, f"{len(entries)} entries where page_limit asked for 1")
    following = answer.links.get("next")
    more = bool(meta.get("more_data_available")) or (meta.get("data_returned") or 0) > len(entries)
    heard.expect(not more or bool(following), "there are more entries, and links.next names no further page")
    _entry(heard, entries[0])


def _counted(meta: dict[str, Any]) -> str:
    known = meta.get("data_returned")
    return "an unknown number of" if known is None else f"{known!s:.12}"


def _entry(heard: Heard, entry: Any) -> None:
    if not heard.expect(isinstance(entry, dict) and isinstance(entry.get("id"), str), "an entry has no id"):
        return
    attributes = entry.get("attributes")
    lacking = [name for name in _READ if not isinstance(attributes, dict) or attributes.get(name) is None]
    if not heard.expect(not lacking, f"an entry states no {', '.join(lacking)}"):
        return
    found = read_entry(entry, "", 0, Disorder.REJECT)
    if not isinstance(found, Rejection):
        heard.notes.append(f"entry {found.id:.60} ({found.formula}) can be read")
    elif found.reason in _FORM:
        heard.differences.append(f"an entry cannot be read: {found.reason}: {found.detail}")
    else:
        heard.notes.append(f"an entry is readable, and would be set aside: {found.reason}: {found.detail}")
