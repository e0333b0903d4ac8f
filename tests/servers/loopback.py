"""A real HTTP server on the loopback interface that can be told to misbehave at a page of its answers."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"
SILENCE_S = 1.5  # longer than the patience of any test


@dataclass(frozen=True)
class Fault:
    """What goes wrong with one answer."""

    kind: str  # status, silence, cut, truncated, html, drip, flood, count, or a kind of one server's own
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


BUSY = Fault("status", 429)
BUSY_ASKS_TO_WAIT = Fault("status", 429, (("Retry-After", "1"),))
SILENCE, CUT, TRUNCATED, WEB_PAGE, WRONG_COUNT = (Fault(kind) for kind in ("silence", "cut", "truncated", "html", "count"))


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: str


@dataclass
class Script:
    """Faults by page: those of a list once each, in order; a single fault for ever."""

    once: dict[int, list[Fault]] = field(default_factory=lambda: defaultdict(list))
    always: dict[int, Fault] = field(default_factory=dict)

    def next(self, page: int) -> Fault | None:
        if self.once[page]:
            return self.once[page].pop(0)
        return self.always.get(page)

    def heal(self) -> None:
        self.once.clear()
        self.always.clear()


class Loopback(ThreadingHTTPServer):
    """Subclasses answer requests; this class serves, logs and misbehaves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = Script()
        self.log: list[Asked] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def page(self, asked: Asked) -> int | None:
        """Which page of data a request asks for; None for a request that faults leave alone."""
        raise NotImplementedError

    def answer(self, asked: Asked, fault: Fault | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, body; `fault` where its kind is this server's own affair."""
        raise NotImplementedError

    def pages_asked(self) -> list[int]:
        return [page for asked in self.log if (page := self.page(asked)) is not None]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each answer waits 40 ms for the acknowledgement of its headers
    server: Loopback

    def log_message(self, *_: Any) -> None: ...

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        asked = Asked(self.command, url.path, parse_qs(url.query), {k.lower(): v for k, v in self.headers.items()}, body)
        page = self.server.page(asked)
        self.server.log.append(asked)
        fault = None if page is None else self.server.script.next(page)
        if fault is not None and fault.kind == "silence":
            time.sleep(SILENCE_S)
            self.close_connection = True
            return
        if fault is not None and fault.kind == "status":
            # a hostile or careless server repeats what it was sent, credentials and all
            self._reply(
                fault.status, dict(fault.headers), f"failed on {asked.body} {dict(reversed(asked.headers.items()))}".encode()
            )
            return
        if fault is not None and fault.kind == "html":
            self._reply(200, {"Content-Type": "text/html"}, HTML)
            return
        status, headers, content = self.server.answer(asked, fault)
        if fault is not None and fault.kind == "cut":
            self._reply(status, headers, content[: len(content) // 2], announced=len(content))
            self.close_connection = True
            return
        if fault is not None and fault.kind in ("drip", "flood"):
            self._endless(b" " if fault.kind == "drip" else b" " * 2**16, pause=0.05 if fault.kind == "drip" else 0.0)
            return
        self._reply(status, headers, content[: len(content) // 2] if fault and fault.kind == "truncated" else content)

    def _endless(self, piece: bytes, pause: float) -> None:
        self.close_connection = True
        self.send_response(200)
        self.end_headers()
        with suppress(OSError):  # until the client has had enough
            while True:
                self.wfile.write(piece)
                time.sleep(pause)

    def _reply(self, status: int, headers: dict[str, str], content: bytes, announced: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content) if announced is None else announced)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


S = TypeVar("S", bound=Loopback)


@contextmanager
def running(server: S) -> Iterator[S]:
    """The server, answering until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
