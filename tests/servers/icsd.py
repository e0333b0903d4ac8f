"""The endpoints of the ICSD web service that are used, over crystals it is given.

`python -m tests.servers.icsd` serves the starter set dressed up as ICSD.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs

from data.crystal import Crystal
from tests.servers.loopback import Asked, Fault, Loopback, running

LOGIN, PASSWORD = "canary-login-5d41", "canary-password-9f2c"
TOKEN = "canary-token-7b1e"
EXPIRED = Fault("status", 401)
_INTERNAL = 900_000  # an internal id is not the collection code
_DATES = re.compile(r"MODIFICATIONDATE\s*:\s*(\d{8})-(\d{8})")
_ELEMENT = re.compile(r"COMPOSITION\s*:\s*([A-Z][a-z]?)\b")


@dataclass(frozen=True)
class IcsdEntry:
    """One entry; an empty CIF stands for one without coordinates."""

    code: int
    formula: str
    cif: str
    temperature: str = ""
    pressure: str = ""
    quality: str = "high"
    content: str = "EXPERIMENTAL_INORGANIC"
    modified: str = "20200101"


class IcsdServer(Loopback):
    """One session at a time; a token dies when its session logs out or `expire` is called."""

    def __init__(self, entries: Sequence[IcsdEntry], per_page: int = 10) -> None:
        super().__init__()
        self.per_page = per_page  # of the client; it cuts the result of a search into pages
        self.found: list[str] = []  # internal ids of the last search
        self.entries = {str(e.code + _INTERNAL): e for e in entries}
        self.tokens: set[str] = set()
        self.sessions = 0

    def page(self, asked: Asked) -> int | None:
        """Tables and CIF texts, by the place of their first id in the search result."""
        first = asked.query.get("idnum", [""])[0]
        return self.found.index(first) // self.per_page if first in self.found else None

    def change(self, entry: IcsdEntry) -> None:
        """A new entry, or another version of one."""
        self.entries[str(entry.code + _INTERNAL)] = entry

    def answer(self, asked: Asked, fault: Fault | None) -> tuple[int, dict[str, str], bytes]:
        text = {"Content-Type": "text/plain;charset=UTF-8"}
        if asked.path == "/auth/login":
            form = {k: v[0] for k, v in parse_qs(asked.body).items()}
            if (form.get("loginid"), form.get("password")) != (LOGIN, PASSWORD):
                return 401, text, f"Authentication of {form.get('loginid')} with {form.get('password')} failed".encode()
            self.sessions += 1
            token = f"{TOKEN}-{self.sessions}"
            self.tokens.add(token)
            return 200, text | {"ICSD-Auth-Token": token}, b"Authentication successful"
        token = asked.headers.get("icsd-auth-token", "")
        if token not in self.tokens:
            return 401, text, f"Token {token} is not valid".encode()
        if asked.path == "/auth/logout":
            self.tokens.remove(token)
            return 200, text, b"Logout successful"
        if asked.path == "/search/expert":
            return 200, {"Content-Type": "application/xml"}, self._search(asked)
        some = [self.entries[i] for i in asked.query.get("idnum", []) if i in self.entries]
        if asked.path == "/csv":
            if fault is not None and fault.kind == "count":
                some = some[:-1]
            return 200, {"Content-Type": "application/csv"}, _table(some, asked.query["listSelection"])
        if asked.path == "/cif/multiple":
            cifs = [e.cif for e in some if e.cif]
            if fault is not None and fault.kind == "count":
                cifs = cifs[:-1]
            return 200, {"Content-Type": "application/cif"}, "".join(cifs).encode()
        return 404, text, b"not found"

    def _search(self, asked: Asked) -> bytes:
        query, content = asked.query["query"][0], asked.query["content type"][0]
        found = {i: e for i, e in self.entries.items() if e.content == content}
        for element in _ELEMENT.findall(query):
            found = {i: e for i, e in found.items() if element in re.findall(r"[A-Z][a-z]?", e.formula)}
        if dates := _DATES.search(query):
            found = {i: e for i, e in found.items() if dates.group(1) <= e.modified <= dates.group(2)}
        self.found = sorted(found)
        return f"<?xml version='1.0'?><result><idnums>{' '.join(self.found)}</idnums></result>".encode()


def _table(entries: list[IcsdEntry], columns: list[str]) -> bytes:
    """Tab separated, with a tab at the end of each line, as the service writes it."""
    known = {"CollectionCode": "code", "SumFormula": "formula"} | {n.title(): n for n in ("temperature", "pressure", "quality")}
    lines = ["\t".join([*columns, ""])]
    lines += ["\t".join([*(str(getattr(e, known[c], "")) if c in known else "" for c in columns), ""]) for e in entries]
    return ("\n".join(lines) + "\n").encode()


def entry_of(crystal: Crystal, code: int) -> IcsdEntry:
    """An entry with a CIF text in the service's style."""
    name = f"{code}-ICSD"
    _, _, body = crystal.to_pymatgen().to(fmt="cif").partition("\ndata_")
    block = f"data_{name}\n_database_code_ICSD {code}\n{body.partition(chr(10))[2]}"
    cif = f"\n#(C) 2026 by FIZ Karlsruhe - Leibniz Institute for Information Infrastructure.  All rights reserved.\n{block}"
    return IcsdEntry(code, crystal.formula, f"{cif.rstrip()}\n#End of TTdata_{name}\n")


def starter_entries(how_many: int | None = None) -> list[IcsdEntry]:
    """The starter set dressed up as ICSD."""
    from data.sources.starter import StarterSource

    source = StarterSource(equilibrium_only=True)
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]
    return [entry_of(replace(crystal), 1000 + k) for k, crystal in enumerate(crystals[:how_many])]


if __name__ == "__main__":
    with running(IcsdServer(starter_entries())) as server:
        print(
            f"ICSD_API_URL={server.url} ICSD_LOGIN_ID={LOGIN} ICSD_LOGIN_PASSWORD={PASSWORD} "
            "ferroscreen fetch icsd --filter 'COMPOSITION : Fe' --out fetched",
            flush=True,
        )
        while True:
            time.sleep(3600)
