"""Standard input as a file: a screen reads its crystals in several processes, and an export reads them again."""

from __future__ import annotations

import sys
from pathlib import Path

from data.errors import UserError
from data.sources.files import decode
from data.sources.formats import READABLE, Format, sniff
from data.store.artifact import make_folder, text_hash, write_bytes
from pipeline.settings import Settings

STANDARD_INPUT = Path("-")
NAMES = {Format.CIF: "stdin.cif", Format.JSON: "stdin.json", Format.XYZ: "stdin.extxyz", Format.POSCAR: "stdin.vasp"}
_GZIP = b"\x1f\x8b"


def keep_standard_input(paths: list[Path], where: Settings) -> list[Path]:
    """The paths with `-` replaced by a file of what standard input holds, named by its content, below the home.

    Raises:
        UserError: it is named twice, empty, packed or of no known format.
    """
    if STANDARD_INPUT not in paths:
        return paths
    if paths.count(STANDARD_INPUT) > 1:
        raise UserError("standard input can be read once only: name - once")
    kept = _keep(sys.stdin.buffer.read(), where)
    return [kept if path == STANDARD_INPUT else path for path in paths]


def _keep(raw: bytes, where: Settings) -> Path:
    if raw.startswith(_GZIP):
        raise UserError("standard input is packed: put `zcat |` before it")
    text = decode(raw)
    if not text.strip():
        raise UserError("standard input is empty")
    kind = sniff(text)
    if kind is None:
        raise UserError(f"standard input is of no kind that is read: {READABLE}")
    path = make_folder(where.home / "inputs" / text_hash(text)[:16]) / NAMES[kind]
    if not path.is_file():  # the same text is the same input: a screen of it is finished already
        write_bytes(path, raw)
    return path
