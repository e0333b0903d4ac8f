"""From the name of a space group (Hermann-Mauguin or Hall symbol, number) to the tabulated settings that it can mean."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache, lru_cache

import gemmi

from data.cif.operations import Operation, OperationError, SymmetryGroup, group_from, parse_operation

LONGEST_SYMBOL = 120  # characters, remarks included; the patterns below take a time that grows fast with the length
# Behind the symbol: `:1`, `:H`, `:b1`, ` S` and ` Z` (ICSD: origin choice 1 and 2), ` HR`, `(origin 2)`, `{origin @ centre}`,
# `(No. 14)`, `(225)`.
_NUMBER_REMARK = re.compile(
    r"[\s,]*[\(\[{#]?\s*(?:no\.?|nr\.?|number|#)\s*\d{1,3}\s*[\)\]}]?\s*$|\s*[\(\[{]\s*\d{2,3}\s*[\)\]}]\s*$", re.IGNORECASE
)
_SUBSCRIPT = re.compile(r"_\{(\d)\}")  # of TeX
_OVERLINE = re.compile("(\\d)[\u0304\u0305]|[\u0304\u0305\u00af\u203e](\\d)")  # marks follow their digit, signs precede it
_BRACES = re.compile(r"\s*{(.*)}\s*$")
_BRACKETS = re.compile(r"[\(\[]\s*([^()\[\]{}]*[a-z@][^()\[\]{}]*|[12])\s*[\)\]}]\s*$", re.IGNORECASE)
_COLON = re.compile(r"\s*:\s*([-\w]*)\s*$")
_WORDS = re.compile(r"\s*,?\s*((?:origin|setting|cell)\b.*|O[12]|hexagonal\b.*|rhombohedral\b.*)$", re.IGNORECASE)
_ICSD = re.compile(r"[\s_]*(?<=[\w\s])(S|Z|HR|RH|H|R)$", re.IGNORECASE)  # no symbol ends with these letters
_EXTENSIONS = {
    "1": "1", "s": "1", "o1": "1", "2": "2", "z": "2", "o2": "2",
    "h": "H", "hr": "H", "hex": "H", "hexagonal": "H", "r": "R", "rh": "R", "rhombohedral": "R",
}  # fmt: skip


@lru_cache(maxsize=4096)
def settings_of_symbol(symbol: str) -> tuple[tuple[gemmi.SpaceGroup, ...], tuple[gemmi.SpaceGroup, ...]]:
    """(settings with this symbol and its extension, all settings with this symbol); both empty where nobody knows the symbol.

    A short monoclinic symbol (`P 2/m`) means each unique axis, and a symbol with two origins or axes means both where it
    has no extension.
    """
    symbol = _OVERLINE.sub(lambda digit: f"-{digit[1] or digit[2]}", _SUBSCRIPT.sub(r"\1", " ".join(symbol.split())))
    if len(symbol) > LONGEST_SYMBOL:
        return (), ()
    whole = _listed_as(symbol)
    if whole:
        return whole, whole
    bare, extension = _split(symbol)
    every = _named(bare)
    if extension is None:
        return every, every
    chosen = tuple(g for g in every if extension in (g.ext, g.qualifier))
    return chosen or every, every


def _split(symbol: str) -> tuple[str, str | None]:
    """The symbol without its extension, and the extension in gemmi's words."""
    text = _NUMBER_REMARK.sub("", symbol.strip().strip("'\"").strip())
    for pattern in (_COLON, _BRACES, _BRACKETS, _WORDS, _ICSD):
        match = pattern.search(text)
        if match is not None and match.start() > 0:
            return text[: match.start()].strip(), _extension(match[1])
    return text, None


def _extension(words: str) -> str | None:
    lower = words.strip().lower()
    if lower in _EXTENSIONS:
        return _EXTENSIONS[lower]
    if "centre" in lower or "center" in lower:  # an origin at the inversion centre is choice 2
        return "2"
    for pattern, extension in ((r"(?:origin|choice|setting)\D*([12])\b", None), (r"hex", "H"), (r"rhomb", "R")):
        match = re.search(pattern, lower)
        if match is not None:
            return extension or match[1]
    return lower or None


def _named(symbol: str) -> tuple[gemmi.SpaceGroup, ...]:
    found = _listed_as(symbol)
    if found or not _key(symbol):
        return found
    known = gemmi.find_spacegroup_by_name(symbol) or gemmi.find_spacegroup_by_name(_key(symbol))  # `F d 3 m`, `C m c e`, `H 3`
    return _listed_as(known.hm) if known is not None else ()


def _listed_as(symbol: str) -> tuple[gemmi.SpaceGroup, ...]:
    """Blanks tell `P 3 1 2` from `P 31 2`, and are left out only where the symbol with blanks is unknown."""
    spaced = " ".join(symbol.split())
    by_name, key = _table(), _key(symbol)
    return by_name.get(spaced[:1].upper() + spaced[1:].lower(), ()) or by_name.get(key, ()) or _full_symbols().get(key, ())


def _key(symbol: str) -> str:
    """A symbol without blanks, underscores and signs for subscripts, and in the usual capitals."""
    text = re.sub(r"<[^>]*>|[\s_~.,$^'\"]", "", symbol).replace("−", "-")
    text = re.sub(r"\((\d)\)", r"\1", text)  # P2(1)/c
    text = re.sub(r"\\?bar\{?(\d)\}?|(\d)bar", lambda m: f"-{m[1] or m[2]}", text)
    return text[:1].upper() + text[1:].lower()


@cache
def _table() -> dict[str, tuple[gemmi.SpaceGroup, ...]]:
    """Settings by their symbol in gemmi's table, with blanks and without; monoclinic and trigonal ones without their 1, too."""
    every, tables = list(gemmi.spacegroup_table()), list(gemmi.spacegroup_table_itb())
    short = [g for g in tables if 3 <= g.number <= 15 or 149 <= g.number <= 165]
    names = [(g.hm, g) for g in every], [(_key(g.hm), g) for g in every]
    without_1 = [(re.sub(r" 1(?= |$)", "", g.hm), g) for g in short]
    found: dict[str, tuple[gemmi.SpaceGroup, ...]] = {}
    for pairs in (*names, without_1, [(_key(name), g) for name, g in without_1]):
        layer: dict[str, dict[str, gemmi.SpaceGroup]] = defaultdict(dict)
        for name, group in pairs:
            if name not in found:
                layer[name][group.hall] = group
        found.update({name: tuple(groups.values()) for name, groups in layer.items()})
    return found


@cache
def _full_symbols() -> dict[str, tuple[gemmi.SpaceGroup, ...]]:
    """Settings by their full symbol (`F 4/m -3 2/m`), which gemmi does not list."""
    import moyopy

    found: dict[str, list[gemmi.SpaceGroup]] = defaultdict(list)
    for number in range(1, 531):
        entry = moyopy.HallSymbolEntry(number)
        group = _tabulated().get(_operations(entry.hall_symbol.replace("=", '"')))
        if group is not None:
            found[_key(entry.hm_full)].append(group)
    return {key: tuple(groups) for key, groups in found.items()}


@lru_cache(maxsize=1024)
def settings_of_number(number: int, code: str = "") -> tuple[gemmi.SpaceGroup, ...]:
    """The settings of International Tables with this number, the standard one first; `code` (`1`, `-b1`) picks among them."""
    every = [g for g in gemmi.spacegroup_table_itb() if g.number == number]
    every.sort(key=lambda g: not g.is_reference_setting())
    wanted = _extension(code) if code else None
    chosen = [g for g in every if wanted in (g.ext, g.qualifier)]
    return tuple(chosen or every)


@lru_cache(maxsize=1024)
def group_of_hall(hall: str) -> SymmetryGroup | None:
    """The group of a Hall symbol; None where it cannot be read."""
    try:
        return group_from(_operations(hall.replace("_", " ")))
    except (OperationError, ValueError, RuntimeError):
        return None


def group_of_setting(setting: gemmi.SpaceGroup) -> SymmetryGroup:
    """The group of a tabulated setting."""
    return group_from(_operations(setting.hall))


def operations_of_setting(setting: gemmi.SpaceGroup) -> frozenset[Operation]:
    """The operations of a tabulated setting."""
    return _operations(setting.hall)


@cache
def _tabulated() -> dict[frozenset[Operation], gemmi.SpaceGroup]:
    return {_operations(g.hall): g for g in reversed(list(gemmi.spacegroup_table()))}


@lru_cache(maxsize=1024)
def _operations(hall: str) -> frozenset[Operation]:
    return frozenset(parse_operation(op.triplet()) for op in gemmi.symops_from_hall(hall))


def tabulated_setting(group: SymmetryGroup) -> gemmi.SpaceGroup | None:
    """The tabulated setting with exactly these operations."""
    return _tabulated().get(group.operations)
