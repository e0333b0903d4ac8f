"""What a CIF block states of its composition: the formula, and the formula units in the cell."""

from __future__ import annotations

import re
from functools import lru_cache

import gemmi

from data.cif.numbers import number_of
from data.crystal import MAX_ATOMIC_NUMBER

Composition = dict[int, float]  # atomic number: atoms

SUM = "_chemical_formula_sum"
OTHER_FORMULAS = ("_chemical_formula_iupac", "_chemical_formula_structural", "_chemical_formula_analytical")
_UNITS = "_cell_formula_units_Z"
_LONGEST = 500  # characters of a formula that is read
_DEEPEST = 8  # brackets within brackets

# Comments that people add to a formula: a polymorph's name in front or behind, an uncertainty, a charge, CIF's markup.
_GREEK = r"(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|kappa|omega|[αβγδεζηθκω])"
_POLYMORPH = re.compile(rf"^\s*{_GREEK}\s*[-'\u2212\u2013]\s*|\(\s*[a-z][a-z' -]*\)", re.IGNORECASE)
_WORD_IN_BRACKETS = re.compile(r"[(\[]\s*(?:[a-z]{3,}[a-z' -]*|[A-Z]?[a-z]{3,}[a-z' -]*|[αβγδεζηθκω])\s*[)\]]")
_WORDS_BEHIND = re.compile(r"[,;]?\s+[A-Z]?[a-z]{3,}[A-Za-z' -]*$")
_OXIDATION = re.compile(r"(?<=[A-Za-z])\((?:II|III|IV|VI{0,3}|IX)\)")  # one capital alone is iodine or vanadium
_REPEATED = re.compile(r"(?:\(\s*n\s*\)|(?<=[)\]])\s*n)\s*$")
_TIMES = re.compile(r"\s+x\s+(?=\d)")
_UNCERTAINTY = re.compile(r"(\d*\.\d+)\(\d+\)")
_CHARGE = re.compile(r"\^[^^]*\^|(?<=\s)\d*[+-](?=[\s,;]|$)|(?<=\s)[+-]\d*(?=[\s,;]|$)|(?<=[)\]])\d*[+-](?=[\s,;]|$)")
_SUBSCRIPT = re.compile(r"~([^~]*)~")
_SPLIT_COUNT = re.compile(r"(?<=[A-Za-z\d)\]])\s+(?=\d+(?:\.\d+)?(?:\s|$))")  # `O1 2` for O12, `Fe 2 O 3`
_SEPARATOR = re.compile(r"\s*[,;·•∙*]\s*|\s+\.\s+")
_NUMBER = r"(?:\d+\.?\d*|\.\d+)"
_TOKEN = re.compile(rf"\s*(?:([A-Z][a-z]?(?![a-z]))|([(\[])|([)\]]))\s*({_NUMBER}(?:/\d+)?)?")
_MULTIPLIER = re.compile(rf"\s*({_NUMBER}(?:/\d+)?)\s*")
_CAPITALS = re.compile(rf"\s*([A-Z]{{1,2}})({_NUMBER})?(?=\s|$)")
_FOLD = re.compile(r"\\[ \t]*(?:\r?\n|$)")  # of long lines, by the line-folding protocol of CIF 1.1
_NO_FORMULA = {"", "?", ".", "no", "none", "unknown", "n/a"}


def stated_composition(block: gemmi.cif.Block) -> Composition | None:
    """Atoms per formula unit by atomic number, from `_chemical_formula_sum`; deuterium and tritium count as hydrogen.

    Returns:
        None where no formula is stated, or where it is not a formula or can be read in two ways.
    """
    readings = formula_readings(stated_formula(block))
    return dict(readings[0]) if len(readings) == 1 else None


def stated_units(block: gemmi.cif.Block) -> float | None:
    """Formula units in the cell (Z); None where the block states none, or no positive number."""
    units = number_of(block.find_value(_UNITS))
    return units if 0 < units < float("inf") else None


def stated_formula(block: gemmi.cif.Block, tag: str = SUM) -> str:
    """The text of the formula, on one line; empty where there is none."""
    value = block.find_value(tag)
    text = gemmi.cif.as_string(value) if value else ""
    return " ".join((_FOLD.sub("", text) if text.startswith("\\") else text).split())


@lru_cache(maxsize=16384)  # files of one folder repeat formulas, and several checks ask for the same one
def formula_readings(text: str) -> tuple[Composition, ...]:
    """Every composition that a formula can mean; empty where the text is no formula.

    `Fe2 O3`, `Fe2O3`, `Fe (O H)3`, `Cu S O4 . 5H2 O`, `C8 H22, 0.33C H2 Cl2`, MAGNDATA's `O1 2` (O12) and comments such as
    `(alpha)` are read. A formula in capitals has two readings where both make elements: `CO2` is CO2 or Co2.
    """
    if text.strip().lower() in _NO_FORMULA or len(text) > _LONGEST:
        return ()
    found: list[Composition] = []
    plain = _without_comments(text)
    for reading in (_sum_of_parts(plain), _in_capitals(plain)):
        if reading and reading not in found:
            found.append(reading)
    return tuple(found)


def written(composition: Composition) -> str:
    """A composition as a formula, in order of atomic number."""
    return " ".join(f"{gemmi.Element(z).name}{'' if n == 1 else f'{n:.4g}'}" for z, n in sorted(composition.items()) if n)


def _without_comments(text: str) -> str:
    text = text.replace("□", " ").replace("\\q", " ")
    text = _POLYMORPH.sub(" ", text) if re.match(_GREEK, text.strip(), re.IGNORECASE) else text
    text = _WORD_IN_BRACKETS.sub(" ", text)
    text = _WORDS_BEHIND.sub("", _TIMES.sub(" · ", text))
    text = _REPEATED.sub("", _OXIDATION.sub("", text))
    text = _SUBSCRIPT.sub(r"\1", text)
    text = _UNCERTAINTY.sub(r"\1", text)
    text = _CHARGE.sub(" ", text)
    return _SPLIT_COUNT.sub("", text).strip()


def _sum_of_parts(text: str) -> Composition | None:
    """Parts that commas or dots separate, each with a multiplier where one stands in front."""
    total: Composition = {}
    for part in _SEPARATOR.split(text):
        if not part.strip():
            continue
        ahead = _MULTIPLIER.match(part)
        times = _count(ahead.group(1)) if ahead else 1.0
        rest = part[ahead.end() :] if ahead else part
        atoms = _atoms(rest)
        if not atoms:
            return None
        for z, n in atoms.items():
            total[z] = total.get(z, 0.0) + times * n
    return {z: n for z, n in total.items() if n > 0} or None


def _atoms(text: str) -> Composition | None:
    """Elements and brackets, each with a count behind it or none."""
    levels: list[Composition] = [{}]
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            return None
        symbol, opening, closing, count = token.groups()
        n = _count(count) if count else 1.0
        if opening:
            if count or len(levels) > _DEEPEST:  # a number right behind an opening bracket is no count
                return None
            levels.append({})
        elif closing:
            if len(levels) == 1:
                return None
            inner = levels.pop()
            for z, m in inner.items():
                levels[-1][z] = levels[-1].get(z, 0.0) + n * m
        else:
            z = atomic_number(symbol)
            if not z:
                return None
            levels[-1][z] = levels[-1].get(z, 0.0) + n
        place = token.end()
    return levels[0] if len(levels) == 1 else None


def _in_capitals(text: str) -> Composition | None:
    """`FE2 O3`: each word is one element."""
    if text != text.upper():
        return None
    total: Composition = {}
    place = 0
    while place < len(text):
        token = _CAPITALS.match(text, place)
        z = atomic_number(token.group(1).capitalize()) if token else 0
        if token is None or not z:
            return None
        total[z] = total.get(z, 0.0) + (float(token.group(2)) if token.group(2) else 1.0)
        place = token.end()
    return total or None


def _count(text: str) -> float:
    number, _, divisor = text.partition("/")
    return float(number) / float(divisor) if divisor and float(divisor) else float(number)


@lru_cache(maxsize=512)
def atomic_number(symbol: str) -> int:
    """Of a symbol in its usual spelling; 1 for D and T, 0 where it is of no element up to lawrencium."""
    if symbol in ("D", "T"):
        return 1
    found = gemmi.Element(symbol)
    return int(found.atomic_number) if found.name == symbol and found.atomic_number <= MAX_ATOMIC_NUMBER else 0
