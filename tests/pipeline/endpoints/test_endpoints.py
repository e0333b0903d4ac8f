"""Services that answer as expected, that differ, that misbehave, and that are not there; no word repeats a key."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from data.errors import UserError
from data.retry import RetryPolicy
from data.sources.icsd.api import Credentials
from data.sources.starter import StarterSource
from flows.cli import app
from pipeline.endpoints.finding import Finding, State
from pipeline.endpoints.icsd import check_icsd
from pipeline.endpoints.materials_project import check_materials_project
from pipeline.endpoints.optimade import check_optimade
from pipeline.settings import settings
from tests.servers import icsd, optimade
from tests.servers.documents import document, records
from tests.servers.loopback import CUT, SILENCE, TRUNCATED, WEB_PAGE, Fault, running
from tests.servers.materials_project import Database, MaterialsProjectServer
from tests.servers.materials_project import Fault as MpFault

KEY = "canary7kanarienvogel7canari7kana"
QUICK = RetryPolicy(attempts=2, first_wait_s=0.01, longest_wait_s=0.02, read_s=1.0, call_s=5.0)
HURRY = RetryPolicy(attempts=2, first_wait_s=0.01, longest_wait_s=0.02, longest_retry_after_s=0.1, call_s=10.0, read_s=5.0)


def dead_address() -> str:
    """Of a port where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


def words(finding: Finding) -> str:
    said = "; ".join(finding.said)
    assert not any(secret in said + finding.address for secret in (KEY, icsd.PASSWORD, icsd.LOGIN, icsd.TOKEN)), said
    return said


# The Materials Project


@pytest.fixture
def mp() -> Iterator[MaterialsProjectServer]:
    documents = [document(record, f"mp-{k}") for k, record in enumerate(records(StarterSource()), start=1)]
    with MaterialsProjectServer(Database(documents[:5]), KEY).running() as server:
        yield server


def of_mp(server: MaterialsProjectServer, key: str | None = KEY) -> tuple[Finding, Finding]:
    heartbeat, documents = check_materials_project(server.endpoint, None if key is None else SecretStr(key), HURRY)
    return heartbeat, documents


def test_the_materials_project_as_expected(mp: MaterialsProjectServer) -> None:
    heartbeat, documents = of_mp(mp)
    assert (heartbeat.state, documents.state) == (State.AS_EXPECTED, State.AS_EXPECTED)
    assert "release 2026.10.1" in words(heartbeat) and "5 documents" in words(documents) and "can be read" in words(documents)
    assert len([path for path, _ in mp.log if "summary" in path]) <= 3 and mp.keys[0] is None


def test_without_a_key_only_the_heartbeat_is_asked(mp: MaterialsProjectServer) -> None:
    heartbeat, documents = of_mp(mp, None)
    assert (heartbeat.state, documents.state) == (State.AS_EXPECTED, State.NOT_ASKED)
    assert [path for path, _ in mp.log] == ["/heartbeat"] and "MP_API_KEY" in words(documents)


@pytest.mark.parametrize("key", ["x" * 32, "short"])
def test_a_wrong_key_is_refused_and_not_repeated(mp: MaterialsProjectServer, key: str) -> None:
    heartbeat, documents = of_mp(mp, key)
    assert (heartbeat.state, documents.state) == (State.AS_EXPECTED, State.REFUSED)
    assert key not in words(documents) and "key" in words(documents)


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda d: {k: v for k, v in d.items() if k != name}


def other_sites(d: dict[str, Any]) -> dict[str, Any]:
    sites = [{**site, "species": [{"element": "Qq", "occu": 1}]} for site in d["structure"]["sites"]]
    return {**d, "structure": {**d["structure"], "sites": sites}}


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], State, str]] = {
    "no structure": (without("structure"), State.DIFFERS, "states no structure"),
    "no moment": (without("total_magnetization"), State.DIFFERS, "states no total_magnetization"),
    "a moment in words": (lambda d: {**d, "total_magnetization": "two"}, State.DIFFERS, "bad_label"),
    "unknown elements": (other_sites, State.DIFFERS, "cannot be read"),
    "a list of sites": (lambda d: {**d, "structure": [1, 2]}, State.DIFFERS, "cannot be read"),
    "no ordering": (without("ordering"), State.AS_EXPECTED, "states no ordering"),
    "a contradictory label": (lambda d: {**d, "total_magnetization": 99.0}, State.AS_EXPECTED, "set aside"),
    "a new field": (lambda d: {**d, "_unasked": {"brand_new": 1}}, State.AS_EXPECTED, "can be read"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_documents_that_differ(change: str, mp: MaterialsProjectServer) -> None:
    alter, state, said = CHANGES[change]
    mp.database.put(alter(mp.database.get(mp.database.ids()[0])))
    _, documents = of_mp(mp)
    assert documents.state is state and said in words(documents)


@pytest.mark.parametrize(("kind", "state"), [
    (500, State.NO_ANSWER), (429, State.NO_ANSWER), (403, State.REFUSED), (404, State.DIFFERS), ("html", State.DIFFERS),
    ("truncated", State.DIFFERS), ("cut", State.DIFFERS), ("no data", State.DIFFERS), ("other rows", State.DIFFERS),
])  # fmt: skip
def test_a_page_that_goes_wrong(kind: int | str, state: State, mp: MaterialsProjectServer) -> None:
    mp.faults["page", 1] = MpFault(kind, times=99)
    _, documents = of_mp(mp)
    assert documents.state is state, words(documents)


def test_an_empty_service(mp: MaterialsProjectServer) -> None:
    for name in mp.database.ids():
        mp.database.remove(name)
    assert of_mp(mp)[1].state is State.DIFFERS


def test_a_heartbeat_without_a_version(mp: MaterialsProjectServer) -> None:
    mp.database.version = ""
    assert of_mp(mp)[0].state is State.DIFFERS


def test_the_key_never_travels_in_clear_text() -> None:
    with pytest.raises(UserError, match="https"):
        check_materials_project("http://example.org", SecretStr(KEY), HURRY)


# OPTIMADE


@pytest.fixture
def provider() -> Iterator[optimade.OptimadeServer]:
    source = StarterSource(equilibrium_only=True)
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    with running(optimadeserver([optimade.entry_of(crystal) for crystal in crystals])) as server:
        yield server


def optimadeserver(entries: list[dict[str, Any]]) -> optimade.OptimadeServer:
    return optimade.OptimadeServer([entry for entry in entries if "Fe" in entry["attributes"]["elements"]])


def test_a_provider_as_expected(provider: optimade.OptimadeServer) -> None:
    found = check_optimade(provider.url, QUICK)
    assert found.state is State.AS_EXPECTED, words(found)
    assert "OPTIMADE 1.1.0" in words(found) and "can be read" in words(found)
    assert len(provider.log) == 1 and provider.log[0].query["page_limit"] == ["1"]


def first(page: dict[str, Any], **changes: Any) -> None:
    page["data"][0] = {**page["data"][0], "attributes": {**page["data"][0]["attributes"], **changes}}


PAGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "another version": (lambda p: p["meta"].update(api_version="2.0.0"), "api_version"),
    "no version": (lambda p: p["meta"].pop("api_version"), "api_version"),
    "ignores page_limit": (lambda p: p["data"].append({**p["data"][0], "id": "other"}), "page_limit"),
    "no next page": (lambda p: p["links"].update(next=None), "links.next"),
    "nothing found": (lambda p: p.update(data=[], links={"next": None}), "finds no entry"),
    "no id": (lambda p: p["data"][0].pop("id"), "id"),
    "no attributes": (lambda p: p["data"][0].pop("attributes"), "states no lattice_vectors"),
    "no positions": (lambda p: first(p, cartesian_site_positions=None), "states no cartesian_site_positions"),
    "flat lattice": (lambda p: first(p, lattice_vectors=[[1, 0, 0], [0, 1, 0], [0, 0, 0]]), "no_cell"),
    "positions in words": (lambda p: first(p, cartesian_site_positions=[["a", "b", "c"]]), "cannot be read"),
    "an unknown feature": (lambda p: first(p, structure_features=["wobbly"]), "not_optimade"),
}


@pytest.mark.parametrize("change", sorted(PAGES))
def test_a_provider_that_differs(change: str, provider: optimade.OptimadeServer) -> None:
    alter, said = PAGES[change]
    provider.change = lambda asked, page: alter(page)  # type: ignore[assignment,return-value]
    found = check_optimade(provider.url, QUICK)
    assert found.state is State.DIFFERS and said in words(found), words(found)


@pytest.mark.parametrize(("fault", "state"), [
    (Fault("status", 503), State.NO_ANSWER), (Fault("status", 401), State.REFUSED), (Fault("status", 400), State.DIFFERS),
    (WEB_PAGE, State.DIFFERS), (SILENCE, State.NO_ANSWER), (CUT, State.NO_ANSWER), (TRUNCATED, State.DIFFERS),
])  # fmt: skip
def test_a_provider_that_misbehaves(fault: Fault, state: State, provider: optimade.OptimadeServer) -> None:
    provider.script.always[0] = fault
    found = check_optimade(provider.url, QUICK)
    assert found.state is state, words(found)


def test_a_provider_that_is_not_there() -> None:
    assert check_optimade(dead_address(), QUICK).state is State.NO_ANSWER


# ICSD


@pytest.fixture
def karlsruhe() -> Iterator[icsd.IcsdServer]:
    with running(icsd.IcsdServer([entry for entry in icsd.starter_entries() if "Fe" in entry.formula])) as server:
        yield server


def account(server: icsd.IcsdServer, password: str = icsd.PASSWORD) -> Credentials:
    return Credentials(icsd.LOGIN, SecretStr(password), server.url)


def test_icsd_as_expected_and_logged_out(karlsruhe: icsd.IcsdServer) -> None:
    found = check_icsd(account(karlsruhe), QUICK)
    assert found.state is State.AS_EXPECTED and "can be read" in words(found), words(found)
    assert not karlsruhe.tokens and karlsruhe.sessions == 1


def test_icsd_with_a_wrong_password(karlsruhe: icsd.IcsdServer) -> None:
    found = check_icsd(account(karlsruhe, "not-this-one"), QUICK)
    assert found.state is State.REFUSED and "not-this-one" not in words(found)


def test_icsd_that_differs_is_logged_out_of(karlsruhe: icsd.IcsdServer) -> None:
    whole = dict(karlsruhe.entries)
    karlsruhe.entries = {i: replace(entry, cif="") for i, entry in whole.items()}
    assert "is not there" in words(found := check_icsd(account(karlsruhe), QUICK)) and found.state is State.DIFFERS
    karlsruhe.entries = {i: replace(e, cif=e.cif.replace("_cell_length_a", "_cell_size_a")) for i, e in whole.items()}
    assert "cannot be read" in words(found := check_icsd(account(karlsruhe), QUICK)) and found.state is State.DIFFERS
    karlsruhe.entries = {}
    assert "finds no entry" in words(found := check_icsd(account(karlsruhe), QUICK)) and found.state is State.DIFFERS
    assert not karlsruhe.tokens


def test_icsd_that_is_not_there() -> None:
    found = check_icsd(Credentials(icsd.LOGIN, SecretStr(icsd.PASSWORD), dead_address()), QUICK)
    assert found.state is State.NO_ANSWER and words(found)


# The command


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Iterator[pytest.MonkeyPatch]:
    for name in ("MP_API_KEY", "ICSD_LOGIN_ID", "ICSD_LOGIN_PASSWORD", "ICSD_API_URL", "PREFECT_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FERROSCREEN_HOME", str(tmp_path))
    settings.cache_clear()
    yield monkeypatch
    settings.cache_clear()


def test_all_in_one_command(
    clean: pytest.MonkeyPatch, mp: MaterialsProjectServer, provider: optimade.OptimadeServer, karlsruhe: icsd.IcsdServer
) -> None:
    environment = {
        "FERROSCREEN_MP_ENDPOINT": mp.endpoint, "MP_API_KEY": KEY, "ICSD_API_URL": karlsruhe.url, "ICSD_LOGIN_ID": icsd.LOGIN,
        "ICSD_LOGIN_PASSWORD": icsd.PASSWORD,
    }  # fmt: skip
    for name, value in environment.items():
        clean.setenv(name, value)
    services = ["mp", "icsd", f"optimade:{provider.url}"]
    done = CliRunner().invoke(app, ["check-endpoints", *services])
    assert done.exit_code == 0 and "All services that were asked answer as expected" in done.output, done.output
    provider.change = lambda asked, page: page["meta"].update(api_version="2.0")  # type: ignore[assignment]
    done = CliRunner().invoke(app, ["check-endpoints", *services, "--json"])
    assert done.exit_code == 1
    assert [one["answer"] for one in json.loads(done.stdout)] == ["as expected"] * 3 + ["differs"]
    for secret in (KEY, icsd.PASSWORD, icsd.LOGIN, icsd.TOKEN):
        assert secret not in done.output


def test_no_network(clean: pytest.MonkeyPatch) -> None:
    clean.setenv("FERROSCREEN_MP_ENDPOINT", dead_address())
    done = CliRunner().invoke(app, ["check-endpoints", "mp"])
    assert done.exit_code == 2 and "No service answered: is this machine connected to the network" in done.output


def test_nothing_to_ask_with_and_no_such_service(clean: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["check-endpoints", "icsd"])
    assert done.exit_code == 2 and "ICSD_LOGIN_ID and ICSD_LOGIN_PASSWORD" in done.output
    done = CliRunner().invoke(app, ["check-endpoints", "cod"])
    assert isinstance(done.exception, UserError) and "unknown service" in str(done.exception)
