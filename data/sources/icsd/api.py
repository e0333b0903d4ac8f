"""The ICSD API: a session that begins with a log-in and always ends with a log-out, since the licence counts sessions.

The protocol is that of FIZ Karlsruhe's web service: a token in a header, expert searches that answer with internal ids, and
tables and CIF texts for up to some hundred ids at once. An internal id is not the collection code that the world cites.
"""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
from pydantic import SecretStr

from data.errors import UserError
from data.retry import RetryPolicy
from data.sources.icsd.table import CODE, code_of
from data.sources.network import DOWNLOADS, AccountDenied, FetchError, PatientSession, where

BASE_URL = "https://icsd.fiz-karlsruhe.de/ws"
LOGIN, PASSWORD, URL = "ICSD_LOGIN_ID", "ICSD_LOGIN_PASSWORD", "ICSD_API_URL"
FIELDS = [CODE, "SumFormula", "Temperature", "Pressure", "RValue", "PublicationYear", "Quality"]
_TOKEN = "ICSD-Auth-Token"
_XML, _CSV, _CIF = "application/xml", "application/csv", "application/cif"
_BLOCK = re.compile(r"^(?:#[^\n]*\n)*data_", re.MULTILINE)  # with the copyright notice above it
_CODE = re.compile(r"^_database_code_ICSD\s+['\"]?(\d+)", re.MULTILINE)
_END = "#End of"  # the last line of an entry
_FAREWELL_S = 10.0  # for the log-out: whoever pressed Ctrl-C does not wait longer
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """Who fetches, and where; printing it shows no password."""

    login: str
    password: SecretStr
    base_url: str = BASE_URL

    @classmethod
    def from_environment(cls) -> Credentials:
        """Raises UserError where something is missing, or where the password would travel in the open."""
        missing = [name for name in (LOGIN, PASSWORD) if not os.environ.get(name)]
        if missing:
            raise UserError(f"set {' and '.join(missing)} in the environment: the ICSD API needs the account of your licence")
        found = cls(os.environ[LOGIN], SecretStr(os.environ[PASSWORD]), os.environ.get(URL, BASE_URL).rstrip("/"))
        if "@" in found.base_url:
            raise UserError(f"{URL} must not hold a user name or password: it would end up in logs and manifests")
        parts = urlsplit(found.base_url)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise UserError(f"{URL} must begin with https://, or the password would travel in the open")
        return found


class IcsdApi:
    """A session, used as a context manager.

    Raises:
        FetchError: the service refuses the account, or gives no usable answer.
    """

    def __init__(self, credentials: Credentials, retry_policy: RetryPolicy | None = None) -> None:
        self._credentials = credentials
        self._session = _Session()
        self._session.retry_policy = retry_policy or DOWNLOADS
        self._entries_end = False  # whether the last lines of entries have been seen: then every entry must have one

    def __enter__(self) -> IcsdApi:
        try:
            self._log_in()
        except BaseException:  # Ctrl-C, too: the answer with the token may just have come
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Log out; a service that does not answer to it ends the session by itself after an hour."""
        if _TOKEN in self._session.headers:
            known = self._session.retry_policy
            self._session.retry_policy = replace(known, attempts=1, read_s=min(_FAREWELL_S, known.read_s))
            try:
                self._session.get(f"{self._credentials.base_url}/auth/logout", allow_redirects=False)
            except FetchError as fault:
                _log.warning("the ICSD session could not be ended: %s", fault)
        self._session.headers.pop(_TOKEN, None)
        self._session.close()

    def search(self, query: str, content: str) -> list[str]:
        """Internal ids of the entries that an expert query finds; `content` is e.g. EXPERIMENTAL_INORGANIC."""
        answer = self._get("search/expert", _XML, [("query", query), ("content type", content)])
        found = _idnums(answer.content)
        if found is None:
            raise FetchError(f"{where(answer.url)} is not there (HTTP {answer.status_code}): is {URL} right?")
        return list(dict.fromkeys((found.text or "").split()))

    def table(self, ids: list[str]) -> list[dict[str, str]]:
        """The rows of these entries: FIELDS and what else the service sends. Entries that it does not know are missing."""
        asked = [("idnum", i) for i in ids] + [("windowsclient", "false")] + [("listSelection", name) for name in FIELDS]
        answer = self._get("csv", _CSV, asked)
        if answer.status_code != requests.codes.ok:
            return []
        rows = csv.reader(io.StringIO(answer.content.decode("utf-8", "replace")), delimiter="\t")
        header = [name.strip() for name in next(rows)]
        place = header.index(CODE)
        return [{k: v.strip() for k, v in zip(header, row, strict=False) if k} for row in rows if len(row) > place]

    def cifs(self, ids: list[str]) -> dict[str, str]:
        """CIF texts by collection code. Entries without one, and entries whose text breaks off, are missing."""
        asked = [("idnum", i) for i in ids] + [("celltype", "experimental"), ("windowsclient", "false"), ("filetype", "cif")]
        answer = self._get("cif/multiple", _CIF, asked)
        if answer.status_code != requests.codes.ok:
            return {}
        text = answer.content.decode("utf-8", "replace")
        starts = [found.start() for found in _BLOCK.finditer(text)]
        blocks = [text[begin:end] for begin, end in zip(starts, [*starts[1:], len(text)], strict=False)]
        self._entries_end = self._entries_end or any(_END in block for block in blocks)
        whole = [block for block in blocks if _END in block or not self._entries_end]
        return {code_of(code.group(1)): block for block in whole if (code := _CODE.search(block))}

    def _get(self, path: str, accept: str, asked: list[tuple[str, str]]) -> requests.Response:
        """An answer with status 200 or 404. A session that has expired is begun again, once."""
        for again in (True, False):
            answer = self._session.get(
                f"{self._credentials.base_url}/{path}", params=asked, headers={"accept": accept}, allow_redirects=False
            )
            if answer.status_code not in (401, 403):
                return answer
            if again:
                _log.info("the ICSD session has expired; logging in again")
                self._log_in()
        raise FetchError(f"{where(answer.url)} refuses a fresh session (HTTP {answer.status_code})")

    def _log_in(self) -> None:
        self._session.headers.pop(_TOKEN, None)
        password = self._credentials.password.get_secret_value()
        self._session.secrets = (self._credentials.login, password)
        address = f"{self._credentials.base_url}/auth/login"
        form = {"loginid": self._credentials.login, "password": password}
        answer = self._session.post(address, data=form, headers={"accept": "text/plain"}, allow_redirects=False)
        token = answer.headers.get(_TOKEN)
        if answer.status_code != requests.codes.ok:
            raise AccountDenied(f"{where(address)} does not accept {LOGIN} and {PASSWORD} (HTTP {answer.status_code})")
        if not token:
            raise FetchError(f"{where(address)} answered without a session token: is {URL} right?")
        self._session.headers[_TOKEN] = token
        self._session.secrets += (token,)


class _Session(PatientSession):
    """Knows what the three kinds of content look like."""

    passed_on = frozenset({401, 403, 404})

    def flaw(self, response: requests.Response) -> str:
        accept: Any = response.request.headers.get("accept")
        content = response.content
        if accept == _XML and _idnums(content) is None:
            return "a search result without ids"
        if accept == _CSV and CODE not in content.partition(b"\n")[0].decode("utf-8", "replace").strip().split("\t"):
            return f"a table without {CODE}"
        if accept == _CIF and content.strip() and b"data_" not in content:
            return "a text that is no CIF"
        return ""


def _idnums(content: bytes) -> ElementTree.Element | None:
    try:
        return next(ElementTree.fromstring(content).iter("idnums"), None)
    except ElementTree.ParseError:
        return None
