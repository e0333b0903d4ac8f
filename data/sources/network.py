"""Requests that are patient with a busy server and end with the whole answer or with one clear error."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from data.errors import Denied, UserError
from data.retry import retry_after_s

TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})  # HTTP statuses after which a server may recover
_DENIED = frozenset({401, 403})
_EXCERPT = 200  # characters of a server's words in a message
_CHUNK = 2**16  # bytes
_log = logging.getLogger(__name__)


class FetchError(UserError):
    """A server could not be reached, refused, or did not answer as its protocol says; what was fetched before stays."""


class NoAnswer(FetchError):
    """A server could not be reached, was silent, or too busy."""


class AccountDenied(FetchError, Denied):
    """A server does not accept the account."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long to try. Waits double from the first to the longest, each shortened at random by up to a half."""

    attempts: int = 6
    first_wait_s: float = 1.0
    longest_wait_s: float = 120.0  # a server that asks for more (Retry-After) is taken at its word: come back later
    timeout_s: float = 60.0  # of silence
    answer_s: float = 600.0  # for a whole answer, however steadily it drips
    answer_mb: float = 256.0  # the largest page of real providers has some tens


class PatientSession(requests.Session):
    """A session that asks again after busy, broken, cut or senseless answers. Subclasses say what makes sense."""

    retry_policy = RetryPolicy()
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
        failure: type[FetchError] = NoAnswer
        for attempt in range(1, self.retry_policy.attempts + 1):
            asked_to_wait = 0.0
            failure = NoAnswer
            try:
                response = super().request(
                    method, url, *args, **{**options, "timeout": self.retry_policy.timeout_s, "stream": True}
                )
                response._content = self._whole(response)  # what `stream` leaves to us, and others read as `content`
            except _TooLong as fault:
                wrong = str(fault)
            except requests.exceptions.SSLError:
                raise NoAnswer(f"{place} has no valid certificate") from None
            except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as fault:
                wrong = _in_words(fault)
            except requests.RequestException as fault:  # an address that is none; its text may quote the request
                raise FetchError(f"{place} cannot be asked: {type(fault).__name__}") from None
            else:
                if response.status_code in self.passed_on:
                    return response
                if response.status_code not in TRANSIENT:
                    wrong, failure = self._refusal(response) or self.flaw(response), FetchError
                    if not wrong:
                        return response
                    if response.status_code != requests.codes.ok:
                        denied = response.status_code in _DENIED
                        raise (AccountDenied if denied else FetchError)(f"{place} refused: {wrong}")
                else:
                    wrong, asked_to_wait = (
                        f"HTTP {response.status_code}",
                        retry_after_s(response.headers.get("Retry-After")) or 0.0,
                    )
            if asked_to_wait > self.retry_policy.longest_wait_s:
                raise NoAnswer(f"{place} asks to come back in {asked_to_wait:.0f} s; give the same command again after that")
            _log.info("%s: %s (attempt %d of %d)", place, wrong, attempt, self.retry_policy.attempts)
            if attempt < self.retry_policy.attempts:
                wait = min(self.retry_policy.first_wait_s * 2 ** (attempt - 1), self.retry_policy.longest_wait_s)
                time.sleep(max(asked_to_wait, wait * random.uniform(0.5, 1.0)))
        raise failure(
            f"{place} gave no usable answer in {self.retry_policy.attempts} attempts (the last: {wrong}); "
            "give the same command again later, it goes on where this one stopped"
        )

    def _whole(self, response: requests.Response) -> bytes:
        """The content, read within the limits that `requests` does not have."""
        deadline, content = time.monotonic() + self.retry_policy.answer_s, bytearray()
        with response:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):  # what has come, without waiting for more
                content += chunk
                if time.monotonic() > deadline:
                    raise _TooLong("the answer did not end in time")
                if len(content) > self.retry_policy.answer_mb * 2**20:
                    raise _TooLong(f"an answer of more than {self.retry_policy.answer_mb:g} MB")
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


class _TooLong(Exception):
    """An answer beyond the limits of the retry policy."""


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
