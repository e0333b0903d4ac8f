"""The ICSD account: used, never shown, always logged out of; and what only this service can do wrong."""

from __future__ import annotations

import json
import logging
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from data.crystal import Crystal
from data.errors import UserError
from data.sources.icsd.api import Credentials
from data.sources.icsd.fetch import IcsdQuery, fetch_icsd
from data.sources.ledger import LEDGER, finished
from data.sources.network import FetchError
from tests.faults.fetching.conftest import ENTRIES, PAGES, PER_PAGE, QUICK_RETRIES, Provider, content, in_a_process, wait_for
from tests.servers import icsd
from tests.servers.loopback import BUSY, Fault, running

SECRETS = (icsd.LOGIN, icsd.PASSWORD, icsd.TOKEN)
TODAY = time.strftime("%Y%m%d", time.gmtime())
LATER = 9000  # a collection code that no entry of the first fetch has


@pytest.fixture
def server(crystals: list[Crystal]) -> Iterator[icsd.IcsdServer]:
    entries = [icsd.entry_of(crystal, 1000 + k) for k, crystal in enumerate(crystals)]
    with running(icsd.IcsdServer(entries, PER_PAGE)) as started:
        yield started


@pytest.fixture
def provider(server: icsd.IcsdServer) -> Provider:
    return Provider("icsd", server)


def test_a_session_is_ended(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    provider.fetch(tmp_path / "out")
    assert server.log[-1].path == "/auth/logout"
    assert not server.tokens


def test_a_failed_session_is_ended(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    server.script.always[1] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(tmp_path / "out")
    assert server.log[-1].path == "/auth/logout"
    assert not server.tokens


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_session_is_ended(provider: Provider, server: icsd.IcsdServer, tmp_path: Path, how: signal.Signals) -> None:
    server.script.always[1] = Fault("status", 503, (("Retry-After", "60"),))
    with in_a_process(provider, tmp_path / "out") as process:
        wait_for(lambda: 1 in server.pages_asked())
        process.send_signal(how)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "the same command goes on where this one stopped" in errors
    assert server.log[-1].path == "/auth/logout"
    assert not server.tokens


@pytest.mark.parametrize("page", range(PAGES))
def test_an_expired_session_is_begun_again(provider: Provider, server: icsd.IcsdServer, tmp_path: Path, page: int) -> None:
    server.script.once[page] = [icsd.EXPIRED]
    assert provider.fetch(tmp_path / "out").entries == ENTRIES
    assert server.sessions == 2


def test_a_service_that_refuses_each_session(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    server.script.always[1] = icsd.EXPIRED
    with pytest.raises(FetchError, match="refuses a fresh session"):
        provider.fetch(tmp_path / "out")
    assert server.sessions == 2
    assert not (tmp_path / "out" / LEDGER).exists()


@pytest.mark.parametrize("fault", [BUSY, icsd.EXPIRED, Fault("status", 400), Fault("status", 500)], ids=lambda f: str(f.status))
def test_no_credential_in_any_log_or_message(
    server: icsd.IcsdServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, fault: Fault
) -> None:
    """At DEBUG, against a server that repeats headers and form in its errors."""
    server.script.always[1] = fault
    with caplog.at_level(logging.DEBUG), pytest.raises(FetchError) as caught:
        Provider("icsd", server).fetch(tmp_path / "out")
    assert len(caplog.records) > 5, "nothing was logged, so nothing is proved"
    everything = f"{caught.value!r} {caught.value.__context__!r} {caught.value.__cause__!r} {caplog.text}"
    assert not [secret for secret in SECRETS if secret in everything]
    _assert_no_secret_in(tmp_path)


def test_no_credential_on_the_terminal_or_on_disk(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    """The command itself, with every trace that it can print: a refused login, a failure, a success."""
    for wrong in ({"ICSD_LOGIN_PASSWORD": f"{icsd.PASSWORD}-wrong"}, {}):
        server.script.always = {} if wrong else {2: Fault("status", 400)}
        with in_a_process(provider, tmp_path / "out", FERROSCREEN_DEBUG="1", **wrong) as process:
            said = "".join(process.communicate(timeout=30))
        assert process.returncode == 2
        assert "does not accept ICSD_LOGIN_ID" in said if wrong else "HTTP 400" in said
        assert not [secret for secret in SECRETS if secret in said]
    server.script.heal()
    with in_a_process(provider, tmp_path / "out") as process:
        said = "".join(process.communicate(timeout=30))
    assert process.returncode == 0
    assert not [secret for secret in SECRETS if secret in said]
    _assert_no_secret_in(tmp_path)


def test_printing_the_account_shows_no_password() -> None:
    assert icsd.PASSWORD not in repr(Credentials("me", SecretStr(icsd.PASSWORD)))


def test_a_password_travels_encrypted_or_not_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ICSD_LOGIN_ID", raising=False)
    monkeypatch.setenv("ICSD_LOGIN_PASSWORD", icsd.PASSWORD)
    with pytest.raises(UserError, match="set ICSD_LOGIN_ID in the environment"):
        Credentials.from_environment()
    monkeypatch.setenv("ICSD_LOGIN_ID", icsd.LOGIN)
    monkeypatch.setenv("ICSD_API_URL", "http://icsd.example.org/ws")
    with pytest.raises(UserError, match="must begin with https"):
        Credentials.from_environment()
    monkeypatch.setenv("ICSD_API_URL", f"https://me:{icsd.PASSWORD}@icsd.example.org/ws")
    with pytest.raises(UserError, match="must not hold a user name") as caught:
        Credentials.from_environment()
    assert icsd.PASSWORD not in str(caught.value)


def test_a_later_fetch_brings_what_changed(
    provider: Provider, server: icsd.IcsdServer, crystals: list[Crystal], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = provider.fetch(out)
    before = content(out)
    server.change(replace(icsd.entry_of(crystals[0], LATER), modified=TODAY))
    server.change(replace(icsd.entry_of(crystals[1], 1000), modified=TODAY))  # another structure under a known code
    server.log.clear()
    again = provider.fetch(out)
    after = content(out)
    assert again.entries == first.entries + 2
    assert set(after) == {*before, str(LATER)}
    assert {code for code in before if after[code] != before[code]} == {"1000"}
    assert sum(asked.path == "/cif/multiple" for asked in server.log) == 1, "only what changed is asked for"


def test_a_later_fetch_after_one_by_a_clock_that_was_ahead(
    provider: Provider, server: icsd.IcsdServer, crystals: list[Crystal], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    before = provider.fetch(out)
    ledger = json.loads((out / LEDGER).read_text())
    next_year = datetime.fromisoformat(before.fetched) + timedelta(days=365)
    (out / LEDGER).write_text(json.dumps({**ledger, "fetched": next_year.isoformat()}))
    server.change(replace(icsd.entry_of(crystals[0], LATER), modified=TODAY))
    provider.fetch(out)
    assert str(LATER) in content(out) and len(content(out)) == before.entries + 1
    assert finished(out).fetched < next_year.isoformat()  # type: ignore[union-attr]


def test_a_later_fetch_with_nothing_new(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    provider.fetch(tmp_path / "out")
    before = content(tmp_path / "out")
    server.log.clear()
    provider.fetch(tmp_path / "out")
    assert content(tmp_path / "out") == before
    assert not [asked for asked in server.log if asked.path == "/cif/multiple"]


def test_while_a_later_fetch_is_unfinished_the_old_one_is_read(
    provider: Provider, server: icsd.IcsdServer, crystals: list[Crystal], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    provider.fetch(out)
    before = content(out)
    for k in range(2 * PER_PAGE):
        server.change(replace(icsd.entry_of(crystals[0], LATER + k), modified=TODAY))
    server.script.always[1] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(out)
    assert content(out) == before
    server.script.heal()
    provider.fetch(out)
    assert len(content(out)) == len(before) + 2 * PER_PAGE


def test_an_entry_without_coordinates_is_counted(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    server.change(replace(server.entries["901001"], cif=""))
    done = provider.fetch(tmp_path / "out")
    assert (done.entries, done.facts["without_cif"]) == (ENTRIES - 1, 1)
    assert "1001" not in content(tmp_path / "out")


def test_a_text_that_breaks_off_within_an_entry_is_not_taken(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    """Sound by its length, its codes and its CIF syntax: only the last line of the entry is missing, with some atoms."""
    entry = server.entries["901003"]
    lines = entry.cif.splitlines(keepends=True)
    server.change(replace(entry, cif="".join(lines[:-2])))
    done = provider.fetch(tmp_path / "out")
    assert (done.entries, done.facts["without_cif"]) == (ENTRIES - 1, 1)
    assert "1003" not in content(tmp_path / "out")


def test_computed_structures_only_when_asked_for(server: icsd.IcsdServer, crystals: list[Crystal], tmp_path: Path) -> None:
    server.change(replace(icsd.entry_of(crystals[0], LATER), content="THEORETICAL_STRUCTURES"))
    account = Credentials(icsd.LOGIN, SecretStr(icsd.PASSWORD), server.url)
    for theoretical in (False, True):
        query = IcsdQuery("NUMBEROFELEMENTS : 1-9", theoretical, PER_PAGE)
        done = fetch_icsd(query, account, tmp_path / str(theoretical), lambda entries, total: None, QUICK_RETRIES)
        assert done.entries == ENTRIES + theoretical


def test_a_query_that_finds_nothing(provider: Provider, tmp_path: Path) -> None:
    assert provider.fetch(tmp_path / "out", filter="COMPOSITION : Xe").entries == 0
    with pytest.raises(UserError, match="found no entry"):
        content(tmp_path / "out")


def test_what_is_asked_has_to_be_said(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="say what to fetch"):
        provider.fetch(tmp_path / "out", filter=" ")


def test_a_damaged_state_says_what_to_do(provider: Provider, server: icsd.IcsdServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    server.script.always[1] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(out)
    (out / ".unfinished" / "todo.json").write_text("[[1")
    with pytest.raises(UserError, match="to start over"):
        provider.fetch(out)
    (out / ".unfinished" / "state.json").write_text("{}")
    with pytest.raises(UserError, match="to start over"):
        provider.fetch(out)
    assert finished(out) is None


def _assert_no_secret_in(folder: Path) -> None:
    for file in folder.rglob("*"):
        text = f"{file} {file.read_bytes().decode('latin-1') if file.is_file() else ''}"
        assert not [secret for secret in SECRETS if secret in text], file
