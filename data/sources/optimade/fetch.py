"""An OPTIMADE query to a folder: page by page through the `optimade` client, which stays at one page a call.

Left to page by itself the client repeats a refused request without end and ends an incomplete download like a complete one. So
each page is requested alone, in a session that stops after a limited number of attempts, and what came is counted against what
the provider says there is.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin

import requests

from data.errors import UserError
from data.retry import RetryPolicy
from data.sources.ledger import Fetched, Progress, Unfinished, fetching
from data.sources.network import DOWNLOADS, AccountDenied, FetchError, NoAnswer, PatientSession, where
from data.sources.optimade.entries import FIELDS
from data.sources.optimade.folder import pack, unpack

if TYPE_CHECKING:
    from optimade.client import OptimadeClient
    from optimade.client.utils import QueryResults

PROVIDERS = {
    "alexandria": "https://alexandria.icams.rub.de/pbe",
    "cod": "https://www.crystallography.net/cod/optimade",
    "mp": "https://optimade.materialsproject.org",
    "oqmd": "https://oqmd.org/optimade",
}
_BASE_URL = re.compile(r"https?://[^/?#\s]+(/[^?#\s]*)?")
SUFFIX = ".jsonl.gz"
ENTRIES_PER_PAGE = 100  # some providers refuse more
_UNLIMITED = 10**9  # the client's own default stops after 1000 entries


@dataclass(frozen=True)
class OptimadeQuery:
    """What to fetch from where."""

    provider: str  # a name of PROVIDERS, or host and path
    base_url: str
    filter: str
    entries_per_page: int = ENTRIES_PER_PAGE

    @classmethod
    def of(cls, provider: str, filter: str, entries_per_page: int = ENTRIES_PER_PAGE) -> OptimadeQuery:
        """From a provider's name or base URL.

        Args:
            provider: a known name, or the base URL of a provider.
            filter: in the language of OPTIMADE.
            entries_per_page: entries a request asks for.

        Raises:
            UserError: an unknown name, no URL, or a filter that breaks the grammar.
        """
        url = PROVIDERS.get(provider, provider).rstrip("/").removesuffix("/v1")
        if "@" in url:
            raise UserError("a base URL must not hold a user name or password: it would end up in logs and manifests")
        if not _BASE_URL.fullmatch(url):
            raise UserError(f"{provider!r} is no OPTIMADE provider; say {', '.join(PROVIDERS)}, or a base URL")
        _check_filter(filter)
        return cls(provider if provider in PROVIDERS else where(url), url, filter, entries_per_page)


def fetch_optimade(query: OptimadeQuery, out: Path, progress: Progress, retry_policy: RetryPolicy | None = None) -> Fetched:
    """Fetch all entries into a folder; a fetch that broke off goes on at its last page.

    Args:
        query: provider and filter.
        out: folder of the fetch.
        progress: called with the entries so far, and all of them where known.
        retry_policy: attempts and waits; None: `network.DOWNLOADS`.

    Raises:
        FetchError: the provider cannot be reached, refuses, contradicts itself, or changed on the way.
        UserError: the folder cannot be used.
    """
    asked = {"provider": query.base_url, "filter": query.filter}
    with fetching(out, "optimade", asked) as work:
        client = optimade_client(query, retry_policy or DOWNLOADS)
        position = {"next": None, "total": None} if work.position == "start" else work.position
        seen: set[str] = set()
        if position is not None:  # else only the ledger is missing
            seen = {entry["id"] for page in work.pages for entry in unpack(work.read(page))}
        while position is not None:
            position = _one_page(client, query, work, position, seen)
            progress(work.entries, position["total"] if position else work.entries)
        return work.publish({"provider": query.provider})


def _one_page(
    client: OptimadeClient, query: OptimadeQuery, work: Unfinished, position: dict[str, Any], seen: set[str]
) -> dict[str, Any] | None:
    """Fetch and keep one page; the position after it, None after the last."""
    answer = ask_page(client, query, position["next"])
    entries = _entries(answer.data, query)
    following = _next(answer.links.get("next"), position["next"] or f"{query.base_url}/v1/structures")
    ids = {entry["id"] for entry in entries}
    total, more = answer.meta.get("data_returned"), answer.meta.get("more_data_available")
    known = position["total"]
    if len(ids) < len(entries) or seen & ids or (known is not None and total is not None and total != known):
        work.discard()
        raise FetchError(f"the entries of {query.provider} changed while they were fetched; the same command starts afresh")
    total = known if total is None else total
    have = work.entries + len(entries)
    if following and (not entries or following == position["next"] or (total is not None and have > total)):
        raise FetchError(f"{query.provider} announces pages without end: {have} entries of {total} and still more")
    if not following and (more or (total is not None and have != total)):
        raise FetchError(f"{query.provider} says that there are {total} entries, and ends after {have}")
    if not following and total is None and more is None:
        _check_last(answer.links, len(entries), query)
    after = {"next": following, "total": total} if following else None
    seen |= ids
    work.keep({SUFFIX: pack(entries)}, len(entries), after)
    return after


def ask_page(client: OptimadeClient, query: OptimadeQuery, url: str | None = None) -> QueryResults:
    """One page of a query.

    Args:
        client: of `optimade_client`.
        query: what to ask.
        url: of a later page; None: the first one.

    Raises:
        FetchError: the provider gives none, or refuses.
    """
    answer = client.get_one(
        "structures", quote(query.filter, safe=""), query.base_url, response_fields=FIELDS,
        page_limit=query.entries_per_page, paginate=False, override_url=url,
    )[query.base_url]  # fmt: skip
    if answer.errors:
        raise _failure(answer.errors[0])
    return answer


def optimade_client(query: OptimadeQuery, retry_policy: RetryPolicy) -> OptimadeClient:
    """The client of the reference implementation over a session that knows when to give up."""
    from optimade.client import OptimadeClient

    session = type("OptimadeSession", (_Session,), {"retry_policy": retry_policy})
    return OptimadeClient(
        [query.base_url], max_results_per_provider=_UNLIMITED, use_async=False, http_client=session, silent=True
    )


class _Session(PatientSession):
    def flaw(self, response: requests.Response) -> str:
        """A page is JSON with a list of data; anything else is a proxy's error page, or cut."""
        try:
            content = json.loads(response.content)
        except ValueError:
            return f"an answer that is no JSON ({response.headers.get('Content-Type', 'of unknown type')})"
        if not isinstance(content, dict) or not isinstance(content.get("data"), list):
            return "JSON without a list of data"
        if not isinstance(content.get("meta"), dict) or not isinstance(content.get("links") or {}, dict):
            return "JSON without meta"
        return ""


def _entries(data: Any, query: OptimadeQuery) -> list[dict[str, Any]]:
    for entry in data:
        if not isinstance(entry, dict) or not isinstance(entry.get("id"), str) or not entry["id"]:
            raise FetchError(f"{query.provider} gave an entry without an id")
    return list(data)


def _next(link: Any, asked: str) -> str | None:
    """The URL of the following page; OPTIMADE allows a URL, an object that holds one, or null, and JSON:API a relative one.

    Args:
        link: as the provider wrote it.
        asked: the URL of this page.
    """
    url = link.get("href") if isinstance(link, dict) else link
    return urljoin(asked, str(url)) if url else None


def _check_last(links: dict[str, Any], entries: int, query: OptimadeQuery) -> None:
    """A page without a following one, of a provider that counts nothing: something must say that it is the last.

    Raises:
        FetchError: the page is full, or announces another one in words that OPTIMADE does not know.
    """
    others = sorted(name for name, link in links.items() if name != "next" and "next" in name.lower() and link)
    if others:
        raise FetchError(f"{query.provider} announces a further page as links.{others[0]}, which is not OPTIMADE (links.next)")
    if entries >= query.entries_per_page:  # the client fills in a missing link with null
        raise FetchError(
            f"{query.provider} gave a full page of {entries} entries, and says neither that it is the last nor how many "
            "there are; a larger --page-size may bring all of them"
        )


def _failure(error: Any) -> FetchError:
    """The client hands exceptions on as text, with their class in front; providers send objects."""
    if isinstance(error, dict):
        return FetchError(f"the provider says: {error.get('title')} {error.get('detail')}")
    kind, _, message = str(error).partition(": ")
    known = {one.__name__: one for one in (FetchError, NoAnswer, AccountDenied)}
    return known[kind](message) if kind in known else FetchError(str(error))


def _check_filter(filter: str) -> None:
    from optimade.exceptions import BadRequest
    from optimade.filterparser import LarkParser

    if not filter.strip():
        raise UserError('say what to fetch with --filter, e.g. --filter \'elements HAS ALL "Fe","Co" AND nelements=2\'')
    try:
        LarkParser().parse(filter)
    except BadRequest as fault:
        words = " ".join(str(fault.detail).split())[:200]
        raise UserError(f"the filter {filter!r} breaks OPTIMADE's grammar: {words}") from None
