"""The Materials Project on this machine: heartbeat, summary and their faults, over real HTTP, from documents it is given.

It answers what mp-api 0.46 sends (PLATFORM: `_page`/`_per_page`, `_limit`/`_skip`, `_sort_fields`, `_fields`, `deprecated`,
`material_ids`, `batch_id_not_eq`); an unknown parameter is refused with 422, so that a misspelt one is not ignored in silence.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from emmet.core.mpid import AlphaID

KEY_LENGTH = 32
MAX_LIMIT = 1000
LISTED = ("material_id", "last_updated", "total_magnetization", "deprecated")  # answered without unpacking a document
PARAMETERS = {
    "_page", "_per_page", "_limit", "_skip", "_sort_fields", "_fields", "deprecated", "material_ids", "batch_id_not_eq",
}  # fmt: skip
Document = dict[str, Any]


@dataclass
class Fault:
    """What goes wrong with a page: `kind` is a status code, or a name in `_Handler.spoil`."""

    kind: int | str
    times: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # how long a silent server stays silent
    act: Callable[[], object] | None = None  # done before the answer goes out


class Database:
    """Documents by id, with a version that every change of them should be followed by. Packed, since there may be many."""

    def __init__(self, documents: Iterable[Document], version: str = "2026.10.1", software: str = "0.87.3") -> None:
        self.version, self.software = version, software
        self.hides_deprecated = True  # False: a service that forgets what it was asked
        self._lock = threading.Lock()
        self._packed: list[tuple[Document, bytes]] = [_pack(document) for document in documents]

    def __len__(self) -> int:
        return len(self._packed)

    def put(self, document: Document) -> None:
        """Add a document, or replace the one of that id."""
        self.remove(document["material_id"])
        self.add(document)

    def add(self, document: Document) -> None:
        """Add a document even where its id is there already."""
        with self._lock:
            self._packed.append(_pack(document))

    def remove(self, material_id: str) -> None:
        with self._lock:
            self._packed = [pair for pair in self._packed if pair[0]["material_id"] != material_id]

    def get(self, material_id: str) -> Document:
        return next(_unpack(packed) for listed, packed in self._packed if listed["material_id"] == material_id)

    def ids(self) -> list[str]:
        return [listed["material_id"] for listed, _ in self._packed]

    def select(self, query: dict[str, str]) -> list[tuple[Document, bytes]]:
        """The packed documents that a query is about, in the order it asks for."""
        with self._lock:
            found = list(self._packed)
        if "deprecated" in query and self.hides_deprecated:
            wanted = query["deprecated"] == "True"
            found = [pair for pair in found if bool(pair[0].get("deprecated")) is wanted]
        if "material_ids" in query:
            ids = {number_of(text) for text in query["material_ids"].split(",")}
            found = [pair for pair in found if number_of(pair[0]["material_id"]) in ids]
        order = query.get("_sort_fields", "material_id")
        return sorted(found, key=lambda pair: str(pair[0][order.lstrip("-")]), reverse=order.startswith("-"))


class MaterialsProjectServer:
    """Serves a database on 127.0.0.1; counts requests and bytes; spoils the pages it is told to."""

    def __init__(self, database: Database, key: str = "k" * KEY_LENGTH) -> None:
        self.database, self.key = database, key
        self.faults: dict[tuple[str, int], Fault] = {}  # ("page" | "list" | "ids" | "heartbeat" | "count", n from 1)
        self.log: list[tuple[str, dict[str, str]]] = []
        self.keys: list[str | None] = []  # that came with each request of the log
        self.bytes_sent = 0
        self.counts: dict[str, int] = {}
        self.lock = threading.Lock()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.owner = self  # type: ignore[attr-defined]
        self.endpoint = f"http://127.0.0.1:{self._http.server_port}/"

    @contextmanager
    def running(self) -> Iterator[MaterialsProjectServer]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def forget(self) -> None:
        """Start counting anew, and spoil nothing."""
        with self.lock:
            self.faults, self.log, self.keys, self.bytes_sent, self.counts = {}, [], [], 0, {}


class _Http(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # clients that were told to leave do leave
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait 40 ms for each other

    @property
    def owner(self) -> MaterialsProjectServer:
        return self.server.owner  # type: ignore[attr-defined, no-any-return]

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query))
        kind, number = self._place(url.path.rstrip("/"), query)
        with self.owner.lock:
            self.owner.log.append((url.path, query))
            self.owner.keys.append(self.headers.get("x-api-key"))
            fault = self.owner.faults.get((kind, number))
            if fault is not None and fault.times <= 0:
                fault = None
            if fault is not None:
                fault.times -= 1
        status, content = self._answer(url.path.rstrip("/"), query)
        if fault is None:
            self._send(status, json.dumps(content).encode())
        else:
            if fault.act is not None:
                fault.act()
            self._spoil(fault, status, content)

    def _place(self, path: str, query: dict[str, str]) -> tuple[str, int]:
        """What is asked for, and the number of the page or, without pages, of the request."""
        if path == "/heartbeat":
            kind = "heartbeat"
        elif query.get("_limit") == "1":
            kind = "count"
        elif "material_ids" in query:
            kind = "ids"
        else:
            return ("page" if "structure" in query.get("_fields", "") else "list"), int(query.get("_page", 1))
        with self.owner.lock:
            self.owner.counts[kind] = self.owner.counts.get(kind, 0) + 1
            return kind, self.owner.counts[kind]

    def _answer(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        database = self.owner.database
        if path == "/heartbeat":
            batches = ["gnome_r2scan_statics"]
            return 200, {"version": database.software, "db_version": database.version, "access_controlled_batch_ids": batches}
        if path != "/materials/summary":
            return 404, {"detail": "Not Found"}
        if self.headers.get("x-api-key") != self.owner.key:
            return 401, {"detail": f"Unauthorized: key {self.headers.get('x-api-key')}"}  # as careless as a server can be
        unknown = set(query) - PARAMETERS
        if unknown:
            return 422, {"detail": f"unknown parameters {sorted(unknown)}"}
        limit = int(query.get("_limit", 100))
        if limit > MAX_LIMIT:
            return 422, {"detail": f"_limit is at most {MAX_LIMIT}"}
        rows = database.select(query)
        skip = (int(query["_page"]) - 1) * limit if "_page" in query else int(query.get("_skip", 0))
        fields = query.get("_fields", "").split(",")
        light = set(fields) <= set(LISTED)
        page = [listed if light else _unpack(packed) for listed, packed in rows[skip : skip + limit]]
        data = [{**{f: d.get(f) for f in fields if f}, **d.get("_unasked", {})} for d in page]
        return 200, {"data": data, "meta": {"total_doc": len(rows), "max_limit": MAX_LIMIT, "api_version": database.software}}

    def _spoil(self, fault: Fault, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        if isinstance(fault.kind, int):
            self._send(fault.kind, json.dumps({"detail": f"fault {self.headers.get('x-api-key')}"}).encode(), fault.headers)
        elif fault.kind == "sound":
            self._send(status, body)
        elif fault.kind == "silent":
            time.sleep(fault.seconds)
            self._cut()
        elif fault.kind == "dripping":
            self._drip(body, time.monotonic() + fault.seconds)
        elif fault.kind == "cut":
            self._send(200, body, fault.headers, cut_at=len(body) // 2)
        elif fault.kind == "truncated":
            self._send(200, body[: len(body) // 2])
        elif fault.kind == "html":
            self._send(200, b"<html><body>key " + str(self.headers.get("x-api-key")).encode() + b"</body></html>")
        elif fault.kind == "fewer rows":
            self._send(200, json.dumps({**content, "data": content["data"][:-1]}).encode())
        elif fault.kind == "wrong total":
            self._send(200, json.dumps({**content, "meta": {**content["meta"], "total_doc": 1}}).encode())
        elif fault.kind == "no data":
            self._send(200, json.dumps({"meta": content["meta"]}).encode())
        elif fault.kind == "other rows":
            self._send(200, json.dumps({**content, "data": [7 for _ in content["data"]]}).encode())
        else:
            raise ValueError(f"unknown fault {fault.kind!r}")

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, cut_at: int | None = None) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        with self.owner.lock:
            self.owner.bytes_sent += len(body)
        self.wfile.write(body[:cut_at])
        self.wfile.flush()
        if cut_at is not None:
            self._cut()

    def _drip(self, body: bytes, end: float) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        for place in range(len(body)):
            if time.monotonic() > end:
                break
            try:
                self.wfile.write(body[place : place + 1])
                self.wfile.flush()
            except OSError:  # the client left
                break
            time.sleep(0.1)
        self.close_connection = True

    def _cut(self) -> None:
        """Drop the connection as a broken network does: a reset, not a goodbye."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()


def number_of(material_id: str) -> str:
    """One text for both forms of an id."""
    try:
        return str(AlphaID(material_id).string)
    except ValueError:
        return material_id


def _pack(document: Document) -> tuple[Document, bytes]:
    return {name: document.get(name) for name in LISTED}, zlib.compress(json.dumps(document).encode(), 1)


def _unpack(packed: bytes) -> Document:
    document: Document = json.loads(zlib.decompress(packed))
    return document
