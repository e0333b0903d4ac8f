"""CIF text to crystals, one data block at a time; each failure is a reason and never an exception for its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import gemmi

from data.checks import Unsound
from data.cif import repairs
from data.cif.block import block_to_crystal, first_line
from data.cif.dialects import in_core_syntax, in_core_words
from data.cif.disorder import Disorder
from data.cif.kept_texts import KeptText
from data.cif.site_loop import POSITIONS
from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.rejection import Reason, Rejection

MAX_NAME = 200  # characters of a block's name, a database code or a detail; tables and terminals have to show them
_BLOCK_START = re.compile(r"^data_", re.IGNORECASE | re.MULTILINE)
_CODE_TAGS = ("_database_code_ICSD", "_cod_database_code", "_database_code_depnum_ccdc_archive")


def read_cif(
    text: str, source_file: str, default_id: str, disorder: Disorder = Disorder.REJECT
) -> Iterator[AnyCrystal | Rejection]:
    """All crystals of a CIF text, in order.

    A crystal's id is its database code where the block has one, else `default_id`; where several blocks hold a crystal,
    `#block` is appended. A block without atoms (a header or global block beside others) is passed over in silence.
    Within `kept_texts` a text that was read before is not read again.
    """
    place = KeptText(text, default_id, disorder)
    known = place.find()
    if known is not None:
        yield known
        return
    found: list[AnyCrystal | Rejection] = []
    for item in _read(text, source_file, default_id, disorder):
        found = [*found[:1], item]
        yield item
    if len(found) == 1 and isinstance(found[0], Crystal):
        place.keep(found[0])


def _read(text: str, source_file: str, default_id: str, disorder: Disorder) -> Iterator[AnyCrystal | Rejection]:
    blocks: list[tuple[str, gemmi.cif.Block | Rejection, str]] = list(_blocks(text, source_file, default_id))
    several = sum(not isinstance(b, Rejection) and _has_structure(b) for _, b, _ in blocks) > 1
    if not blocks:
        yield Rejection(default_id, source_file, "", Reason.NOT_CIF, "no data block in the text")
    elif not any(isinstance(b, Rejection) or _has_structure(b) for _, b, _ in blocks):
        yield Rejection(default_id, source_file, blocks[0][0], Reason.NO_SITES, "no atomic site with fractional coordinates")
    for name, block, left_out in blocks:
        if isinstance(block, Rejection):
            yield block
            continue
        if not _has_structure(block):
            continue
        identifier = _database_code(block) or default_id
        if several:
            identifier = f"{identifier}#{name}"
        found = _read_block(block, name, identifier, source_file, disorder)
        if left_out and not isinstance(found, Rejection):
            found = replace(found, note="; ".join(filter(None, (left_out, found.note))))
        yield found


def _read_block(
    block: gemmi.cif.Block, name: str, identifier: str, source_file: str, disorder: Disorder
) -> AnyCrystal | Rejection:
    try:
        return block_to_crystal(block, identifier, disorder)
    except Unsound as fault:
        return Rejection(identifier, source_file, name, fault.reason, fault.detail[: 2 * MAX_NAME])
    except Exception as fault:  # one bad block must not stop the others, whatever it holds
        return Rejection(identifier, source_file, name, Reason.FAILED, f"{type(fault).__name__}: {fault}"[: 2 * MAX_NAME])


def _has_structure(block: gemmi.cif.Block) -> bool:
    return any(block.find_values(tag) for tag in POSITIONS)


def _database_code(block: gemmi.cif.Block) -> str | None:
    for tag in _CODE_TAGS:
        value = block.find_value(tag)
        if value and value not in ("?", "."):
            return gemmi.cif.as_string(value).strip()[:MAX_NAME] or None
    return None


def _blocks(text: str, source_file: str, default_id: str) -> Iterator[tuple[str, gemmi.cif.Block | Rejection, str]]:
    """Name, block and what was left out of it; a block that cannot be parsed is cut out so that its neighbours survive."""
    text = in_core_syntax(text)
    text = in_core_words(text if text.isascii() else repairs.in_plain_characters(text))
    try:
        for block in gemmi.cif.read_string(text):
            yield block.name[:MAX_NAME], block, ""
        return
    except (RuntimeError, ValueError) as fault:
        whole = first_line(fault)
    text = repairs.in_plain_characters(text)  # marks such as ^Z, which are ASCII
    starts = [m.start() for m in _BLOCK_START.finditer(text)]
    if not starts:
        yield "", Rejection(default_id, source_file, "", Reason.NOT_CIF, whole), ""
        return
    for begin, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name = text[begin + 5 : begin + 85].split(maxsplit=1)[0] if text[begin + 5 : begin + 6].strip() else ""
        try:
            block, note = _parsed(text[begin:end])
            yield name, block, note
        except (RuntimeError, ValueError) as fault:
            identifier = default_id if len(starts) == 1 else f"{default_id}#{name}"
            detail = whole if len(starts) == 1 else first_line(fault)
            block_name = "" if len(starts) == 1 else name
            yield block_name, Rejection(identifier, source_file, block_name, Reason.NOT_CIF, detail), ""


def _parsed(text: str) -> tuple[gemmi.cif.Block, str]:
    """One block, and what had to be left out. Raises RuntimeError or ValueError."""
    try:
        return gemmi.cif.read_string(text).sole_block(), ""
    except (RuntimeError, ValueError) as fault:
        repaired, gone = repairs.without_broken_items(text, str(fault))
        block = gemmi.cif.read_string(repaired).sole_block()
        if not _has_structure(block):
            raise
        return block, f"not CIF 1.1, left out: {', '.join(gone)}"  # broken syntax, or lists and tables of CIF 2
