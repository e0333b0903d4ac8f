"""A folder at any URL that fsspec knows: files are written there and read back; errors of its drivers become errors for the user.

Keys come from the environment, where each driver looks for its own. Whatever a URL holds of user, password or signature is never
part of a message.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from data.errors import Unavailable, UserError

_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oss"})  # without folders: there, makedirs makes buckets
_OF_ONE_FILE = (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError, FileExistsError)
_ABSENT = (FileNotFoundError, NotADirectoryError)


@dataclass(frozen=True)
class Storage:
    """Paths are relative to the URL, with slashes."""

    name: str  # the URL, less its secrets
    system: Any  # of fsspec
    root: str  # as the system writes it
    secrets: frozenset[str] = field(repr=False)

    def list(self, folder: str) -> list[str]:
        """Names of what is in a folder; none where it is absent. Raises Unavailable."""
        with self._asking("read"):
            try:
                found = self.system.ls(self._at(folder), detail=False)
            except _ABSENT:
                return []
            return [str(path).rstrip("/").rsplit("/", 1)[-1] for path in found]
        raise AssertionError  # never: what is asked either answers or raises

    def date(self, path: str) -> float | None:
        """When a file came there, in seconds since 1970: 0 where the system does not tell, None where it is absent.

        Raises:
            Unavailable: nobody can say.
        """
        with self._asking("read"):
            try:
                self.system.info(self._at(path))
            except _ABSENT:
                return None
            try:
                return float(self.system.modified(self._at(path)).timestamp())
            except (NotImplementedError, KeyError):
                return 0.0
        raise AssertionError

    def get(self, path: str, local: Path) -> None:
        """Copy a file from there, with the folders that it needs here.

        Raises:
            Unavailable: the URL cannot be read.
            UserError: this file cannot.
        """
        with self._asking("read"):
            try:
                local.parent.mkdir(parents=True, exist_ok=True)
                self.system.get_file(self._at(path), str(local))
            except _OF_ONE_FILE as fault:
                raise UserError(f"{path} cannot be read at {self.name} ({type(fault).__name__})") from fault

    def put(self, local: Path, path: str) -> None:
        """Copy a file there, with the folders that it needs. Raises Unavailable."""
        with self._asking("write to"):
            if not self._flat:
                self.system.makedirs(self._at(path).rpartition("/")[0], exist_ok=True)
            self.system.put_file(str(local), self._at(path))

    def put_whole(self, local: Path, path: str) -> None:
        """The same; a reader finds the whole file or none. Raises Unavailable."""
        if self._flat:  # an object is whole or absent anyway
            self.put(local, path)
            return
        self.put(local, f"{path}.part")
        with self._asking("write to"):
            self.system.mv(self._at(f"{path}.part"), self._at(path))

    @property
    def _flat(self) -> bool:
        protocol = self.system.protocol
        return not _BUCKETS.isdisjoint((protocol,) if isinstance(protocol, str) else protocol)

    def _at(self, path: str) -> str:
        return f"{self.root.rstrip('/')}/{path}"

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except UserError:
            raise
        except Exception as fault:  # each driver has errors of its own for no network, no key, no room
            words = _words(fault, self.secrets)
            raise Unavailable(
                f"cannot {what} {self.name}: {words}; what was copied stays, and the same command goes on"
            ) from fault


def open_storage(url: str) -> Storage:
    """The folder at a URL, or at a path of this machine.

    Raises:
        UserError: an unknown scheme, or its driver is not installed or refuses the URL.
    """
    from fsspec.core import url_to_fs

    name, secrets = _parted(url)
    scheme = url.split("::")[-1].partition("://")[0]
    try:
        system, root = url_to_fs(url)
        system.invalidate_cache()  # of listings, which are kept for as long as the process lives
    except ImportError as fault:
        remedy = "`pip install -e .[s3]`" if scheme in ("s3", "s3a") else _words(fault, secrets)
        raise UserError(f"{scheme}:// needs a driver that is not installed: {remedy}") from fault
    except Exception as fault:  # some drivers connect at once
        raise UserError(f"cannot open {name}: {_words(fault, secrets)}") from fault
    return Storage(name, system, str(root), secrets)


def _parted(url: str) -> tuple[str, frozenset[str]]:
    """(The URL without user, password and query, the pieces of those)."""
    name, _, query = url.partition("?")
    user = re.search(r"//(.*)@", name)  # up to the last @: keys have slashes in them
    hidden = re.split(r"[:/@&=]", f"{user[1] if user else ''}&{query}")
    shown = name.replace(f"//{user[1]}@", "//***@") if user else name
    return shown, frozenset(piece for part in hidden for piece in (part, unquote(part)) if piece)


def _words(fault: BaseException, secrets: frozenset[str]) -> str:
    """What a driver says, unless it repeats a secret."""
    text = str(fault)
    return type(fault).__name__ if not text or any(secret in text for secret in secrets) else text
