"""Repairs of CIF text that breaks the syntax in places that say nothing of the crystal.

CIF 1.1 is ASCII; exports and editors write Greek letters, curly quotes, non-breaking spaces and marks of the end of a file.
Titles and addresses are left unquoted or unclosed. None of that may cost the crystal, and none of it may change a number of it:
what is cut out belongs to categories that no part of the reader looks at.
"""

from __future__ import annotations

import re
import unicodedata
from math import isfinite

import gemmi

from data.cif.numbers import UNCLOSED

_NO_TEXT = re.compile(r"[\ufeff\u200b-\u200f\u2060\ufffe]")  # marks of byte order and of directions
_END_MARKS = "\x00\x1a"  # of files; anywhere else they say that the file is damaged
_MARK_LINE = re.compile(r"^[\x00\x1a]+\r?$", re.MULTILINE)
_CONTROL = re.compile(r"[\x01-\x08\x0b\x0c\x0e-\x19\x1b-\x1f\x7f]")
_LINE_ENDS = re.compile(r"[\x85\u2028\u2029]")
_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-"))
_BARE_OR_QUOTED = re.compile(
    r"'(?:[^'\n]|'(?=\S))*'(?=\s|$)|\"(?:[^\"\n]|\"(?=\S))*\"(?=\s|$)|[\u201c\u201d\u201e\u00ab][^\u201c\u201d\u00bb\n]*[\u201c\u201d\u00bb](?=\s|$)"
    r"|[\u2018\u201a\u2019][^\u2019\n]*\u2019(?=\s|$)|[^\s]+"
)
_CURLY = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb"
_POSITION = re.compile(r"string:(\d+)")
_DUPLICATE = re.compile(r"duplicate tag (\S+)")
_STARTS = re.compile(r"\s*(?:_\S|loop_(?:\s|$)|data_|save_|global_)", re.IGNORECASE)
_LOOP = re.compile(r"\s*loop_(?:\s|$)", re.IGNORECASE)
_TAG = re.compile(r"\s*(_\S+)")
_MATTERS = re.compile(  # what the reader looks at; a fault in these costs the block
    r"_(?:cell|atom_site(?!_aniso)|atom_type|space_group|symmetry|chemical_formula|database_code|cod_database|parent|exptl_crystal_density)",
    re.IGNORECASE,
)
_MOST_REPAIRS = 12
_GROUP_NUMBERS = ("_symmetry_Int_Tables_number", "_space_group_IT_number")
_WHOLE_NUMBER = re.compile(r"(\d{1,3})(?:\.0*)?(?:\(\d*\)?)?")
_NUMBERS = (
    "_cell_length_a", "_cell_length_b", "_cell_length_c", "_cell_angle_alpha", "_cell_angle_beta", "_cell_angle_gamma",
    "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z", "_atom_site_occupancy",
)  # fmt: skip


def in_plain_characters(text: str) -> str:
    """The same text as CIF parsers accept it: bare values in other alphabets are quoted, minus signs are hyphens."""
    text = _MARK_LINE.sub("", text.rstrip(f"{_END_MARKS} \t\r\n") + "\n") if any(mark in text for mark in _END_MARKS) else text
    text = _CONTROL.sub(" ", _NO_TEXT.sub("", text))
    if text.isascii():
        return text
    lines = _LINE_ENDS.sub(" ", text).split("\n")
    in_field = False
    for k, line in enumerate(lines):
        if line.startswith(";"):
            in_field = not in_field
            continue
        if not in_field and not line.isascii():
            lines[k] = _BARE_OR_QUOTED.sub(_plain_token, line.replace("\u00a0", " "))
    return "\n".join(lines)


def without_broken_items(text: str, fault: str) -> tuple[str, list[str]]:
    """Cut items that break the syntax out of one block, as long as they say nothing of the crystal.

    Args:
        text: one data block, or a text of several.
        fault: what gemmi said of it.

    Returns:
        A text that can be parsed, and the names of the items that were cut out.

    Raises:
        ValueError: the fault lies in an item that matters, or cannot be found.
    """
    lines, gone = text.split("\n"), list[str]()
    for _ in range(_MOST_REPAIRS):
        if "unterminated" in fault:  # nobody knows what the open string or text field swallows
            raise ValueError(fault)
        first, last = _broken_item(lines, fault)
        tags = [found.group(1) for line in lines[first:last] if (found := _TAG.match(line))]
        if not tags or any(map(_MATTERS.match, tags)):
            raise ValueError(fault)
        gone.append(tags[0])
        del lines[first:last]
        repaired = "\n".join(lines)
        try:
            gemmi.cif.read_string(repaired)
        except (ValueError, RuntimeError) as another:
            fault = str(another)
            continue
        return repaired, gone
    raise ValueError(fault)


def plain_numbers(block: gemmi.cif.Block) -> bool:
    """Read `2.871(8` and `'2.871'` as 2.871 in cells, coordinates and occupancies, in place; returns whether any was changed."""
    changed = False
    for tag in _NUMBERS:
        column = block.find_values(tag)
        for k, value in enumerate(column):
            text = gemmi.cif.as_string(value).strip()
            found = UNCLOSED.fullmatch(text)
            number = found.group(1) if found else text
            if number != value and isfinite(gemmi.cif.as_number(number)):
                column[k] = number
                changed = True
    return changed


def plain_group_numbers(block: gemmi.cif.Block) -> None:
    """Write a space-group number such as `229.0`, `'229'` or `229(1)` as 229, in place; gemmi rejects the whole block for it."""
    for tag in _GROUP_NUMBERS:
        value = block.find_value(tag)
        found = None if value is None or value.isdigit() else _WHOLE_NUMBER.fullmatch(gemmi.cif.as_string(value).strip())
        if found:
            block.set_pair(tag, found.group(1))


def unreadable_cell(block: gemmi.cif.Block) -> str:
    """The first length or angle that is no number, as the block writes it; empty where all are."""
    for tag in _NUMBERS[:6]:
        value = block.find_value(tag)
        if value is None:
            return f"{tag} is missing"
        number = gemmi.cif.as_number(value)
        if number != number:
            return f"{tag} is {gemmi.cif.as_string(value)!r}"
    return ""


def unreadable_occupancy(block: gemmi.cif.Block) -> str:
    """The first occupancy that is given and no number, as the block writes it; empty where there is none."""
    for value in block.find_values("_atom_site_occupancy"):
        number = gemmi.cif.as_number(value)
        if number != number and gemmi.cif.as_string(value).strip(" ?."):
            return f"an occupancy is {gemmi.cif.as_string(value)!r}"
    return ""


def _plain_token(found: re.Match[str]) -> str:
    token = found.group()
    if token.isascii():
        return token
    token = token.translate(_DASHES)
    if token[0] in "'\"" and len(token) > 1 and token[-1] == token[0]:
        return token
    if token[0] in _CURLY and len(token) > 1 and token[-1] in _CURLY:
        return str(gemmi.cif.quote(token[1:-1]))
    plain = unicodedata.normalize("NFKC", token)  # superscripts and full-width digits become digits
    if plain.isascii() and not any(c.isspace() for c in plain):
        return plain
    if token.startswith(("_", "#")) or token.lower().startswith(("data_", "save_")):
        return "".join(c if c.isascii() else "_" for c in token)
    return str(gemmi.cif.quote(token))


def _broken_item(lines: list[str], fault: str) -> tuple[int, int]:
    """First line and end of the item or loop in which gemmi stopped. Raises ValueError where that cannot be told."""
    duplicate, place = _DUPLICATE.search(fault), _POSITION.search(fault)
    if duplicate:
        named = [k for k, line in enumerate(lines) if line.strip().lower().startswith(duplicate.group(1).lower())]
        at = named[-1] if named else -1
    else:
        at = min(int(place.group(1)), len(lines)) - 1 if place else -1
    if at < 0:
        raise ValueError(fault)
    first = at
    while first > 0 and not _STARTS.match(lines[first]):
        first -= 1
    while first > 0 and _TAG.match(lines[first]) and _in_header(lines, first):
        first -= 1
    last = first + 1
    if _LOOP.match(lines[first]):
        while last < len(lines) and _TAG.match(lines[last]):  # the tags of its header
            last += 1
    last = max(last, at + 1)
    while last < len(lines) and not _STARTS.match(lines[last]):
        last += 1
    return first, last


def _in_header(lines: list[str], tag: int) -> bool:
    """Whether the line of a tag belongs to the header of a loop above it."""
    above = tag - 1
    while above > 0 and (_TAG.fullmatch(lines[above].rstrip()) or not lines[above].strip()):
        above -= 1
    return _LOOP.match(lines[above]) is not None
