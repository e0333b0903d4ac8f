"""What only an OPTIMADE provider can do wrong: pages without end, pages that shift, links of either form."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from data.crystal import Crystal
from data.errors import UserError
from data.sources.ledger import LEDGER
from data.sources.network import FetchError
from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade
from tests.faults.fetching.conftest import ENTRIES, PER_PAGE, QUICK_RETRIES, Provider, content
from tests.servers.loopback import BUSY, Asked, running
from tests.servers.optimade import OptimadeServer, entry_of


@pytest.fixture
def server(crystals: list[Crystal]) -> Iterator[OptimadeServer]:
    with running(OptimadeServer([entry_of(crystal) for crystal in crystals])) as started:
        yield started


def fetch(server: OptimadeServer, out: Path) -> int:
    return Provider("optimade", server).fetch(out).entries


def shaped(server: OptimadeServer, change: Callable[[Asked, dict[str, Any]], None]) -> None:
    """Let the server alter each page before it is sent."""
    server.change = change


def test_a_provider_that_does_not_count(server: OptimadeServer, tmp_path: Path) -> None:
    server.counts = False
    assert fetch(server, tmp_path / "out") == ENTRIES == len(content(tmp_path / "out"))


def test_a_link_may_be_an_object(server: OptimadeServer, tmp_path: Path) -> None:
    def as_object(asked: Asked, page: dict[str, Any]) -> None:
        page["links"]["next"] = {"href": page["links"]["next"]} if page["links"]["next"] else None

    shaped(server, as_object)
    assert fetch(server, tmp_path / "out") == ENTRIES


@pytest.mark.parametrize("counts", [True, False])
def test_a_link_that_leads_back_to_its_page(server: OptimadeServer, tmp_path: Path, counts: bool) -> None:
    def same(asked: Asked, page: dict[str, Any]) -> None:
        page["links"]["next"] = f"{server.url}{asked.path}?page_limit={PER_PAGE}&page_offset=0"

    server.counts = counts
    shaped(server, same)
    with pytest.raises(FetchError, match=r"changed while they were fetched|without end"):
        fetch(server, tmp_path / "out")


def test_empty_pages_without_end(server: OptimadeServer, tmp_path: Path) -> None:
    def empty(asked: Asked, page: dict[str, Any]) -> None:
        page["data"] = []

    shaped(server, empty)
    with pytest.raises(FetchError, match="potential infinite loop"):  # the client itself has noticed
        fetch(server, tmp_path / "out")


def test_a_last_page_that_announces_more(server: OptimadeServer, tmp_path: Path) -> None:
    def no_link(asked: Asked, page: dict[str, Any]) -> None:
        page["links"]["next"] = None

    server.counts = False
    shaped(server, no_link)
    with pytest.raises(FetchError, match="ends after 6"):
        fetch(server, tmp_path / "out")
    assert not (tmp_path / "out" / LEDGER).exists()


def test_an_error_within_a_good_answer(server: OptimadeServer, tmp_path: Path) -> None:
    def failing(asked: Asked, page: dict[str, Any]) -> None:
        page["errors"] = [{"title": "Overload", "detail": "half of the data"}]

    shaped(server, failing)
    with pytest.raises(FetchError, match="Overload half of the data"):
        fetch(server, tmp_path / "out")


@pytest.mark.parametrize("broken", [{"type": "structures"}, {"id": 7}, {"id": ""}, "x"], ids=str)
def test_an_entry_without_an_id(server: OptimadeServer, tmp_path: Path, broken: Any) -> None:
    def spoil(asked: Asked, page: dict[str, Any]) -> None:
        page["data"][0] = broken

    shaped(server, spoil)
    with pytest.raises(FetchError, match="without an id"):
        fetch(server, tmp_path / "out")


def test_entries_that_shift_between_two_runs(server: OptimadeServer, tmp_path: Path) -> None:
    """A new first entry moves all others by one place: the page after the break would repeat an entry."""
    out = tmp_path / "out"
    server.script.always[2] = BUSY
    with pytest.raises(FetchError):
        fetch(server, out)
    server.entries = [server.entries[0] | {"id": "new"}, *server.entries]
    server.script.heal()
    with pytest.raises(FetchError, match="the same command starts afresh"):
        fetch(server, out)
    assert fetch(server, out) == ENTRIES + 1 == len(content(out))


def test_a_second_fetch_replaces_the_first(server: OptimadeServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    fetch(server, out)
    server.entries = server.entries[:-3]
    assert fetch(server, out) == ENTRIES - 3 == len(content(out))
    pages = {path.name for path in out.glob("page-*")}
    assert len(pages) == -(-(ENTRIES - 3) // PER_PAGE), "old pages are cleared away"


@pytest.mark.parametrize(
    ("provider", "filter", "words"),
    [
        ("nomads", "nelements=2", "is no OPTIMADE provider; say alexandria, cod, mp, oqmd, or a base URL"),
        ("ftp://example.org", "nelements=2", "is no OPTIMADE provider"),
        ("https://me:secret@example.org", "nelements=2", "must not hold a user name or password"),
        ("cod", "", "say what to fetch with --filter"),
        ("cod", 'elements HAS Fe"', "breaks OPTIMADE's grammar"),
    ],
)
def test_a_mistake_is_found_before_anything_is_asked(provider: str, filter: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        OptimadeQuery.of(provider, filter)
    assert "secret" not in str(caught.value)


def test_a_filter_with_signs_that_mean_something_in_a_url(server: OptimadeServer, tmp_path: Path) -> None:
    asked = 'chemical_formula_descriptive CONTAINS "a&b=#+%41 c"'
    fetch_optimade(OptimadeQuery.of(server.url, asked, PER_PAGE), tmp_path / "out", lambda entries, total: None, QUICK_RETRIES)
    assert {request.query["filter"][0] for request in server.log} == {asked}


def test_a_provider_that_ends_quietly(server: OptimadeServer, tmp_path: Path) -> None:
    """Pages under another name, and no counts: the first page must not pass for everything."""

    def quiet(asked: Asked, page: dict[str, Any]) -> None:
        page["links"] = {"next_page": page["links"]["next"]}
        for name in ("data_returned", "more_data_available"):
            page["meta"].pop(name, None)

    shaped(server, quiet)
    with pytest.raises(FetchError, match=r"links\.next_page"):
        fetch(server, tmp_path / "out")


def test_a_full_page_that_nothing_calls_the_last(server: OptimadeServer, tmp_path: Path) -> None:
    def silent(asked: Asked, page: dict[str, Any]) -> None:
        page["links"] = {}
        page["meta"] = {"api_version": "1.1.0"}

    shaped(server, silent)
    with pytest.raises(FetchError, match="a full page"):
        fetch(server, tmp_path / "out")


def test_a_relative_link(server: OptimadeServer, tmp_path: Path) -> None:
    def relative(asked: Asked, page: dict[str, Any]) -> None:
        if page["links"]["next"]:
            page["links"]["next"] = page["links"]["next"].removeprefix(server.url)

    shaped(server, relative)
    assert fetch(server, tmp_path / "out") == ENTRIES
