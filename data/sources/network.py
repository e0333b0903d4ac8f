"""Requests that are patient with a busy server and end with the whole answer or with one clear error."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from data.errors import Denied, Transient, Unavailable, UserError
from data.retry import RetryPolicy, retry_after_s

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})  # HTTP statuses after which a server may recover
_DENIED = frozenset({401, 403})
_EXCERPT = 200  # characters of a server's words in a message
_CHUNK = 2**16  # bytes


class FetchError(UserError):
    """A server could not be reached, refused, or did not answer as its protocol says; what was fetched before stays."""


class NoAnswer(FetchError):
    """A server could not be reached, was silent, or too busy."""


class AccountDenied(FetchError, Denied):
    """A server does not accept the account."""


DOWNLOADS = RetryPolicy(attempts=6, longest_retry_after_s=120.0, call_s=600.0)  # who asks for more: come back later


class PatientSession(requests.Session):
    """A session that asks again after busy, broken, cut or senseless answers. Subclasses say what makes sense."""

    retry_policy = DOWNLOADS
    passed_on: frozenset[int] = frozenset()  # statuses that the caller deals with
    secrets: tuple[str, ...] = ()  # never to be repeated, whatever a server says

    def flaw(self, response: requests.Response) -> str:
        """Why the content of a successful answer is not what was asked for; empty where it is."""
        return ""

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """One answer with status 200 or `passed_on`, and sound content.

        Raises:
            FetchError: there was none within `retry_policy`, or the server refused.
        """
        place = where(str(url))
        try:
            return self.retry_policy.ask(place, lambda: self._once(place, method, url, *args, **options))
        except Unavailable as fault:
            failure = FetchError if fault.answered else NoAnswer
            raise failure(f"no usable answer from {fault}; give the same command again later, it goes on from here") from None

    def _once(self, place: str, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """One attempt. Raises Transient where another one may do better, and FetchError where it would not."""
        try:
            response = super().request(method, url, *args, **{**options, "timeout": self.retry_policy.read_s, "stream": True})
            response._content = self._whole(response)  # what `stream` leaves to us, and others read as `content`
        except requests.exceptions.SSLError:
            raise NoAnswer(f"{place} has no valid certificate") from None
        except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as fault:
            raise Transient(_in_words(fault)) from None
        except requests.RequestException as fault:  # an address that is none; its text may quote the request
            raise FetchError(f"{place} cannot be asked: {type(fault).__name__}") from None
        if response.status_code in self.passed_on:
            return response
        if response.status_code in TRANSIENT:
            raise Transient(f"HTTP {response.status_code}", retry_after_s(response.headers.get("Retry-After")))
        wrong = self._refusal(response)
        if wrong:
            denied = response.status_code in _DENIED
            raise (AccountDenied if denied else FetchError)(f"{place} refused: {wrong}")
        if wrong := self.flaw(response):
            raise Transient(wrong, answered=True)
        return response

    def _whole(self, response: requests.Response) -> bytes:
        """The content, read within the limits that `requests` does not have."""
        deadline, content = time.monotonic() + self.retry_policy.call_s, bytearray()
        with response:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):  # what has come, without waiting for more
                content += chunk
                if time.monotonic() > deadline:
                    raise Transient("the answer did not end in time")
                if len(content) > self.retry_policy.answer_mb * 2**20:
                    raise Transient(f"an answer of more than {self.retry_policy.answer_mb:g} MB")
        return bytes(content)

    def without_secrets(self, text: str) -> str:
        """The text with every secret blacked out."""
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "***")
        return text

    def _refusal(self, response: requests.Response) -> str:
        if response.status_code == requests.codes.ok:
            return ""
        words = " ".join(self.without_secrets(response.text).split())  # first black out, then cut: half a secret is one, too
        return f"HTTP {response.status_code} {words[:_EXCERPT]}".strip()


def where(url: str) -> str:
    """Host and path of a URL for a message: no user name, no query."""
    parts = urlsplit(url)
    return f"{(parts.netloc.rpartition('@')[2] or url)}{parts.path}"


def _in_words(fault: Exception) -> str:
    """Without the text of the exception, which quotes the address with all its parameters."""
    if isinstance(fault, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(fault, urllib3.exceptions.DecodeError):
        return "damaged compression"
    if isinstance(fault, urllib3.exceptions.HTTPError):
        return "the answer broke off"
    return "the connection could not be made, or was cut"
