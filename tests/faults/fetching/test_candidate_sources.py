"""Whatever a provider does: a fetch is complete, or a clear error that leaves nothing to a reader and goes on later."""

from __future__ import annotations

import fcntl
import json
import signal
import time
from pathlib import Path

import pytest

from data.errors import UserError
from data.retry import RetryPolicy
from data.sources.ledger import LEDGER
from data.sources.network import FetchError
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from tests.data.cif_texts import cif_text
from tests.faults.fetching.conftest import ENTRIES, HURRIED, PAGES, QUICK_RETRIES, Provider, content, in_a_process, wait_for
from tests.servers.loopback import BUSY, BUSY_ASKS_TO_WAIT, CUT, SILENCE, TRUNCATED, WEB_PAGE, WRONG_COUNT, Fault

PLACES = {"first": 0, "middle": PAGES // 2, "last": PAGES - 1}
PASSING = {
    "429": BUSY,
    "500": Fault("status", 500),
    "502": Fault("status", 502),
    "503": Fault("status", 503),
    "504": Fault("status", 504),
    "time-out": SILENCE,
    "cut connection": CUT,
    "truncated": TRUNCATED,
    "web page": WEB_PAGE,
}
LASTING = {name: PASSING[name] for name in ("429", "503", "time-out", "cut connection", "truncated", "web page")}
LASTING |= {"wrong count": WRONG_COUNT, "400": Fault("status", 400), "redirect": Fault("status", 302, (("Location", "/"),))}


def _retry_policy(fault: str) -> RetryPolicy:
    return HURRIED if fault == "time-out" else QUICK_RETRIES


@pytest.fixture
def whole(provider: Provider, tmp_path: Path, undisturbed: dict[str, dict[str, str]]) -> dict[str, str]:
    """What a fetch without faults brings."""
    if provider.kind not in undisturbed:
        provider.fetch(tmp_path / "undisturbed")
        provider.server.log.clear()
        undisturbed[provider.kind] = content(tmp_path / "undisturbed")
    assert len(undisturbed[provider.kind]) == ENTRIES
    return undisturbed[provider.kind]


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, str]]:
    return {}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", PASSING)
def test_a_passing_fault_costs_nothing(provider: Provider, whole: dict[str, str], tmp_path: Path, fault: str, place: str) -> None:
    provider.server.script.once[PLACES[place]] = [PASSING[fault]]
    assert provider.fetch(tmp_path / "out", _retry_policy(fault)).entries == ENTRIES
    assert content(tmp_path / "out") == whole
    assert provider.server.script.once[PLACES[place]] == [], "the fault was not met"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", LASTING)
def test_a_lasting_fault_is_an_error_and_the_next_run_goes_on(
    provider: Provider, whole: dict[str, str], tmp_path: Path, fault: str, place: str
) -> None:
    out, page = tmp_path / "out", PLACES[place]
    provider.server.script.always[page] = LASTING[fault]
    with pytest.raises(FetchError) as caught:
        provider.fetch(out, _retry_policy(fault))
    assert "127.0.0.1" in str(caught.value) or "ICSD" in str(caught.value), "it names who failed"
    assert not (out / LEDGER).exists()
    with pytest.raises(UserError, match="is not complete"):
        candidate_source([out], Columns())
    provider.server.script.heal()
    provider.server.log.clear()
    assert provider.fetch(out).entries == ENTRIES
    assert content(out) == whole
    afresh = provider.kind == "optimade" and fault == "wrong count"  # another count: the database changed on the way
    assert min(provider.server.pages_asked()) == (0 if afresh else page), "finished pages are not asked for again"


def test_a_count_that_is_always_wrong(provider: Provider, tmp_path: Path) -> None:
    provider.server.script.always = dict.fromkeys(range(PAGES), WRONG_COUNT)
    for _ in range(2):
        with pytest.raises(FetchError, match=r"says that there are|CIF texts for|does not know it"):
            provider.fetch(tmp_path / "out")
        assert not (tmp_path / "out" / LEDGER).exists()


def test_a_server_that_names_its_time_is_waited_for(provider: Provider, tmp_path: Path) -> None:
    provider.server.script.once[1] = [BUSY_ASKS_TO_WAIT]
    started = time.monotonic()
    provider.fetch(tmp_path / "out")
    assert time.monotonic() - started >= 1.0


def test_a_server_that_wants_too_much_time_is_left(provider: Provider, tmp_path: Path) -> None:
    provider.server.script.always[1] = Fault("status", 503, (("Retry-After", "3600"),))
    with pytest.raises(FetchError, match="come back in 3600 s"):
        provider.fetch(tmp_path / "out")
    assert provider.server.pages_asked().count(1) == 1


@pytest.mark.parametrize("kind", ["drip", "flood"])
def test_an_answer_without_end(provider: Provider, whole: dict[str, str], tmp_path: Path, kind: str) -> None:
    """Neither time-out nor content length ends these: bytes keep coming."""
    provider.server.script.always[1] = Fault(kind)
    hurried = RetryPolicy(attempts=1, read_s=5.0, call_s=0.5, answer_mb=1.0)
    with pytest.raises(FetchError, match=r"did not end in time|more than 1 MB"):
        provider.fetch(tmp_path / "out", hurried)
    provider.server.script.heal()
    provider.fetch(tmp_path / "out")
    assert content(tmp_path / "out") == whole


def test_nobody_there(provider: Provider, tmp_path: Path) -> None:
    provider.server.server_close()
    provider.server.shutdown()
    with pytest.raises(FetchError, match="no usable answer"):
        provider.fetch(tmp_path / "out", RetryPolicy(attempts=2, first_wait_s=0.01, read_s=0.2))


def test_one_process_at_a_time(provider: Provider, tmp_path: Path) -> None:
    out = tmp_path / "out"
    provider.server.script.always[1] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(out)
    with (out / ".unfinished" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="another process is fetching"):
            provider.fetch(out)


def test_a_folder_belongs_to_one_query(provider: Provider, tmp_path: Path) -> None:
    out = tmp_path / "out"
    other = 'elements HAS "Fe"' if provider.kind == "optimade" else "COMPOSITION : Fe"
    provider.server.script.always[2] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(out)
    with pytest.raises(UserError, match="the unfinished fetch of something else"):
        provider.fetch(out, filter=other)
    provider.server.script.heal()
    provider.fetch(out)
    with pytest.raises(UserError, match="the fetch of something else"):
        provider.fetch(out, filter=other)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(UserError, match="is not empty"):
        provider.fetch(tmp_path / "full")


def test_a_page_damaged_on_disk_is_not_read(provider: Provider, tmp_path: Path) -> None:
    done = provider.fetch(tmp_path / "out")
    path = tmp_path / "out" / done.pages[1].file
    path.write_bytes(path.read_bytes()[:-20] + bytes(20))
    with pytest.raises(UserError, match="is damaged"):
        content(tmp_path / "out")
    path.unlink()
    with pytest.raises(UserError, match="cannot be read"):
        content(tmp_path / "out")


def test_killed_between_the_last_page_and_the_ledger(provider: Provider, whole: dict[str, str], tmp_path: Path) -> None:
    """All pages are in their place, and only the ledger is missing: put back into that state by hand."""
    out = tmp_path / "out"
    done = provider.fetch(out)
    ledger = json.loads((out / LEDGER).read_text())
    state = {k: ledger[k] for k in ("kind", "query", "pages", "entries")} | {"begun": done.fetched}
    state["position"] = None if provider.kind == "optimade" else PAGES
    (out / ".unfinished" / "state.json").write_text(json.dumps(state))
    todo = [["EXPERIMENTAL_INORGANIC", [str(k) for k in range(page.entries)]] for page in done.pages]
    (out / ".unfinished" / "todo.json").write_text(json.dumps(todo))
    (out / LEDGER).unlink()
    provider.server.log.clear()
    assert provider.fetch(out) == done
    assert content(out) == whole
    assert not provider.server.pages_asked()


def test_a_folder_above_reads_no_unfinished_page(provider: Provider, tmp_path: Path) -> None:
    (tmp_path / "some.cif").write_text(cif_text())
    provider.server.script.always[2] = BUSY
    with pytest.raises(FetchError):
        provider.fetch(tmp_path / "out")
    source = candidate_source([tmp_path], Columns())
    assert sum(shard.size for shard in source.shards()) == 1


@pytest.mark.parametrize("page", range(PAGES))
def test_killed_at_any_page(provider: Provider, whole: dict[str, str], tmp_path: Path, page: int) -> None:
    """In a process of its own, killed while it waits for a page; then a fetch in this one."""
    out = tmp_path / "out"
    provider.server.script.always[page] = Fault("status", 503, (("Retry-After", "60"),))
    with in_a_process(provider, out) as running:
        wait_for(lambda: page in provider.server.pages_asked())
        running.send_signal(signal.SIGKILL)
        running.wait()
    with pytest.raises(UserError, match="is not complete"):
        candidate_source([out], Columns())
    provider.server.script.heal()
    provider.server.log.clear()
    provider.fetch(out)
    assert content(out) == whole
    assert min(provider.server.pages_asked()) == page
