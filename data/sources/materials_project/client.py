"""mp-api behind four questions: which release, how many, one page, these ids. Its failures become ours, without the key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from data.errors import Denied, Refused, Transient, UserError
from data.retry import RetryPolicy, retry_after_s, within
from data.sources.materials_project.query import CRITERIA

if TYPE_CHECKING:
    from mp_api.client.routes.materials.summary import SummaryRester

T = TypeVar("T")
KEY_LENGTH = 32
KEY_PAGE = "https://next-gen.materialsproject.org/api"
IDS_PER_REQUEST = 100  # more make the address too long for some proxies
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True)
class Release:
    """The answer of the heartbeat end point: the version of the data, and of the software that built it."""

    database_version: str
    software_version: str


class _Session(requests.Session):
    """Carries the key to one host only, and remembers the last answer's status, which mp-api's errors do not tell."""

    def __init__(self) -> None:
        super().__init__()
        self.answer: requests.Response | None = None
        self.hooks["response"].append(self._note)

    def _note(self, response: requests.Response, *_: Any, **__: Any) -> None:
        self.answer = response

    def rebuild_auth(self, prepared_request: requests.PreparedRequest, response: requests.Response) -> None:
        super().rebuild_auth(prepared_request, response)  # type: ignore[no-untyped-call]
        if self.should_strip_auth(response.request.url, prepared_request.url):  # type: ignore[no-untyped-call]
            prepared_request.headers.pop("x-api-key", None)


class MaterialsProject:
    """The summary documents that are not deprecated and free to use, at one endpoint.

    Every method raises Unavailable when the service fails for longer than `retry_policy` says, and Refused when it will not
    answer at all (a wrong key, a query that it does not know).

    Raises:
        UserError: the key cannot be one, or the endpoint would carry it in clear text.
    """

    def __init__(self, endpoint: str, key: SecretStr, retry_policy: RetryPolicy) -> None:
        check_endpoint(endpoint)
        if not _can_be_key(key.get_secret_value()):
            raise UserError(f"a Materials Project key has {KEY_LENGTH} characters, all ASCII; copy yours from {KEY_PAGE}")
        self._endpoint, self._key, self._retry_policy = endpoint.rstrip("/") + "/", key, retry_policy
        self._session: _Session | None = None
        self._summary: SummaryRester | None = None
        self.requests = 0
        self.bytes = 0  # as they came over the wire

    def release(self) -> Release:
        """The release that the service offers now."""
        return release_of(self._endpoint, self._retry_policy)

    def count(self) -> int:
        """How many documents the query finds."""
        query = {**CRITERIA.wire, "_limit": 1, "_fields": "material_id"}
        return self._ask("the number of materials", lambda summary: int(summary.count(dict(query))))

    def page(self, number: int, size: int, fields: tuple[str, ...], expected: int) -> list[dict[str, Any]]:
        """Documents of page `number` (from 1), in the order of their ids; an answer of another length is no answer.

        Args:
            number: of the page, from 1.
            size: documents a page.
            fields: of each document.
            expected: documents that the page must have.
        """

        def fetch(summary: SummaryRester) -> list[dict[str, Any]]:
            rows = summary.search(
                **CRITERIA.python, fields=list(fields), chunk_size=size, num_chunks=1, _page=number, _sort_fields="material_id"
            )
            return _documents(rows, expected)

        return self._ask(f"page {number}", fetch)

    def by_ids(self, ids: list[str], fields: tuple[str, ...], deprecated: bool = False) -> list[dict[str, Any]]:
        """The documents of at most IDS_PER_REQUEST ids; those that are not there are missing.

        Args:
            ids: at most IDS_PER_REQUEST.
            fields: of each document.
            deprecated: whether deprecated documents are asked for, instead of the others.
        """
        criteria = {**CRITERIA.python, "deprecated": deprecated}

        def fetch(summary: SummaryRester) -> list[dict[str, Any]]:
            return _documents(summary.search(**criteria, material_ids=ids, fields=list(fields), chunk_size=1000), None)

        return self._ask(f"{len(ids)} materials by id", fetch)

    def _ask(self, what: str, action: Callable[[SummaryRester], T]) -> T:
        policy = self._retry_policy
        return policy.ask(f"Materials Project, {what}", lambda: within(policy.call_s, lambda: self._once(action)))

    def _once(self, action: Callable[[SummaryRester], T]) -> T:
        """One attempt; every failure is worded anew, since the service's own words may repeat the key."""
        problem: Exception
        try:
            summary = self._rester()
            assert self._session is not None
            self._session.answer = None
            answer = action(summary)
        except (Transient, UserError):
            raise
        except Exception as fault:  # mp-api raises its own error, those of requests, and bare ones of whatever it parses with
            problem = self._reworded(fault)
        else:
            self._measure()
            return answer
        self._measure()
        self._summary = self._session = None  # the next attempt starts with a new connection
        raise problem

    def _rester(self) -> SummaryRester:
        if self._summary is None:
            key = self._key.get_secret_value()
            self._session = _Session()  # without retries of its own: mp-api's would sleep as long as the server likes
            self._session.headers["x-api-key"] = key
            self._summary = _summary_rester()(
                api_key=key, endpoint=self._endpoint, session=self._session, use_document_model=False,
                mute_progress_bars=True, timeout=self._retry_policy.read_s,  # type: ignore[arg-type]  # requests takes fractions
            )  # fmt: skip
        return self._summary

    def _measure(self) -> None:
        answer = None if self._session is None else self._session.answer
        self.requests += 1
        self.bytes += answer.raw.tell() if answer is not None and answer.raw is not None else 0

    def _reworded(self, fault: Exception) -> Exception:
        from mp_api.client.core.exceptions import MPRestError

        answer = None if self._session is None else self._session.answer
        status = None if answer is None else answer.status_code
        if status in _PASSING and answer is not None:
            return Transient(f"the service answers {status}", retry_after_s(answer.headers.get("Retry-After")))
        if status in (401, 403):
            return Denied(f"the Materials Project does not accept the key ({status}); copy yours from {KEY_PAGE}")
        if status is not None and status >= 300:
            return Refused(f"the Materials Project refuses the query ({status}): {self._without_key(fault)}")
        cause = fault.__context__ if isinstance(fault, MPRestError) and fault.__context__ is not None else fault
        if status is None and isinstance(cause, MPRestError | ValueError) and not isinstance(cause, requests.RequestException):
            return Refused(f"mp-api refuses the query: {self._without_key(fault)}")
        if status is None:
            return Transient(f"no answer ({type(cause).__name__})")
        return Transient(f"an answer that cannot be read ({type(fault).__name__})", answered=True)

    def _without_key(self, fault: Exception) -> str:
        return str(fault).replace(self._key.get_secret_value(), "***")[:300]


@cache
def _summary_rester() -> type[SummaryRester]:
    """mp-api's own class, which works out its fields once instead of once for each field of each request (1.6 s a page)."""
    from mp_api.client.routes.materials.summary import SummaryRester

    known = list(SummaryRester.document_model.model_json_schema()["properties"])

    class Summary(SummaryRester):
        @property
        def available_fields(self) -> list[str]:
            return known

    return Summary


def _can_be_key(text: str) -> bool:
    """Whether a key may be this text; a header cannot hold line ends and most letters beyond ASCII."""
    return len(text) == KEY_LENGTH and text.isascii() and text.isprintable()


def check_endpoint(endpoint: str) -> None:
    """Raises UserError where the key would travel in clear text, or the address holds a password."""
    parts = urlsplit(endpoint)
    if parts.username or parts.password:
        raise UserError("the Materials Project endpoint must not hold a user name or password")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        raise UserError(f"{endpoint!r} is no https address; only this machine's own may be http")


def release_of(endpoint: str, retry_policy: RetryPolicy) -> Release:
    """The release that a service offers now; asks without a key, and past mp-api, which remembers the first answer.

    Raises:
        Unavailable: the service does not answer.
    """
    check_endpoint(endpoint)

    def ask() -> Release:
        try:
            answer = requests.get(f"{endpoint.rstrip('/')}/heartbeat", timeout=retry_policy.read_s)
            if answer.status_code != requests.codes.ok:
                raise Transient(f"it answers {answer.status_code}", retry_after_s(answer.headers.get("Retry-After")))
            said = answer.json()
            version = said["db_version"]
        except requests.JSONDecodeError:
            raise Transient("its answer is no JSON", answered=True) from None
        except requests.RequestException as fault:
            raise Transient(f"no answer ({type(fault).__name__})") from None
        except (KeyError, TypeError):
            raise Transient("it states no database version", answered=True) from None
        if not isinstance(version, str) or not version:
            raise Transient("it states no database version", answered=True)
        return Release(version, str(said.get("version", "")))

    return retry_policy.ask(f"the heartbeat of {urlsplit(endpoint).netloc}", lambda: within(retry_policy.call_s, ask))


def _documents(rows: Any, expected: int | None) -> list[dict[str, Any]]:
    if not isinstance(rows, list):
        raise Transient("an answer without a list of documents", answered=True)
    if expected is not None and len(rows) != expected:
        raise Transient(f"{len(rows)} documents where {expected} were announced", answered=True)
    if not all(isinstance(row, dict) for row in rows):
        raise Transient("an answer with something else than documents", answered=True)
    return rows
