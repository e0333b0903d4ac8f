"""Two providers on the loopback interface that can be told to fail, and one way to fetch from either."""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from data.crystal import Crystal
from data.rejection import Rejection
from data.retry import RetryPolicy
from data.sources.icsd.api import Credentials
from data.sources.icsd.fetch import IcsdQuery, fetch_icsd
from data.sources.ledger import Fetched
from data.sources.opening import candidate_source
from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade
from data.sources.parquet import Columns
from data.sources.starter import StarterSource
from tests.servers import icsd, optimade
from tests.servers.commands import Command
from tests.servers.loopback import Loopback, running

PER_PAGE = 6
PAGES = 4
ENTRIES = PER_PAGE * PAGES - 1  # the last page is not full
QUICK_RETRIES = RetryPolicy(attempts=3, first_wait_s=0.01, longest_wait_s=2.0, longest_retry_after_s=2.0, read_s=10.0)
HURRIED = replace(QUICK_RETRIES, attempts=2, read_s=1.0)  # for a server that keeps silent; a busy machine makes others seem so


@dataclass
class Provider:
    """A server and the fetch that talks to it."""

    kind: str
    server: Loopback

    def fetch(self, out: Path, retry_policy: RetryPolicy = QUICK_RETRIES, filter: str | None = None) -> Fetched:
        if isinstance(self.server, icsd.IcsdServer):
            account = Credentials(icsd.LOGIN, SecretStr(icsd.PASSWORD), self.server.url)
            query = IcsdQuery(filter or "NUMBEROFELEMENTS : 1-9", entries_per_page=PER_PAGE)
            return fetch_icsd(query, account, out, lambda entries, total: None, retry_policy)
        asked = OptimadeQuery.of(self.server.url, filter or "nelements>0", PER_PAGE)
        return fetch_optimade(asked, out, lambda entries, total: None, retry_policy)


@pytest.fixture
def tmp_path(tmp_path: Path) -> Iterator[Path]:
    """In memory where the system has such a place: these tests write hundreds of small files to stay, each with an fsync."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else tmp_path) as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def crystals() -> list[Crystal]:
    source = StarterSource(equilibrium_only=True)
    return [item.crystal for shard in source.shards() for item in source.read(shard)][:ENTRIES]  # type: ignore[union-attr]


@pytest.fixture(params=["icsd", "optimade"])
def provider(request: pytest.FixtureRequest, crystals: list[Crystal]) -> Iterator[Provider]:
    server: Loopback
    if request.param == "icsd":
        server = icsd.IcsdServer([icsd.entry_of(crystal, 1000 + k) for k, crystal in enumerate(crystals)], PER_PAGE)
    else:
        server = optimade.OptimadeServer([optimade.entry_of(crystal) for crystal in crystals])
    with running(server) as running_server:
        yield Provider(request.param, running_server)


def content(folder: Path) -> dict[str, str]:
    """Each crystal that a reader of the folder finds, by id, as a hash of all its numbers."""
    source = candidate_source([folder], Columns())
    found: dict[str, str] = {}
    for shard in source.shards():
        for item in source.read(shard):
            assert not isinstance(item, Rejection), item
            assert item.crystal.id not in found, "twice"
            numbers = (item.crystal.lattice.tolist(), item.crystal.frac.tolist(), item.crystal.numbers.tolist())
            found[item.crystal.id] = hashlib.sha256(repr(numbers).encode()).hexdigest()
    return found


def in_a_process(provider: Provider, out: Path, **environment: str) -> Command:
    """The command as a person gives it, with the account in its environment."""
    account = {"ICSD_LOGIN_ID": icsd.LOGIN, "ICSD_LOGIN_PASSWORD": icsd.PASSWORD, "ICSD_API_URL": provider.server.url}
    wanted = {"icsd": ("icsd", "NUMBEROFELEMENTS : 1-9"), "optimade": (f"optimade:{provider.server.url}", "nelements>0")}
    source, filter = wanted[provider.kind]
    arguments = ("fetch", source, "--filter", filter, "--out", str(out), "--page-size", str(PER_PAGE))
    return Command(*arguments, env={**os.environ, **account, **environment})


def wait_for(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Until something becomes true; fails where it does not."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come so far"
        time.sleep(0.02)
