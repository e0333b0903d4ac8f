"""What a type symbol and a label of a CIF can mean: every reading, none of them chosen here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from data.cif.stated_composition import atomic_number

_ROMAN = r"(?:I{1,3}|IV|VI{0,3}|IX|X)"
_CHARGE = rf"(?:\d*\.?\d*[+-]+|[+-]+\d*\.?\d*|\d+\.?\d*|\((?:[+-]?{_ROMAN}|\d*\.?\d*[+-]*|[+-]\d*\.?\d*)\))"
# Behind the element: a charge, International Tables' names of scattering factors, POTCAR's names, spins of magnetic codes.
_BEHIND = re.compile(rf"(?:_?{_CHARGE})?(?:val?|v|iso|sds|\.|_(?:sv|pv|[dhs]|up|down|dn))?(?:,?spin=[-+]?[\d.]+)?\*?")
_BARE_ROMAN = re.compile(_ROMAN)
_ISOTOPE = re.compile(r"(?:\^\d{1,3}\^|\(\d{1,3}\)|\d{1,3})(?=[A-Za-z])")
_FORM_FACTOR = re.compile(r"[MJ]([A-Z]{1,2})\d*\+?")  # FullProf: M or J, the element, its charge
_GROUP = re.compile(r"(WAT|HOH|[HD]2O|O[HD]\d?|N[HD][1-4]?|C[HD][1-4]?)[+-]?", re.IGNORECASE)
_GROUP_LABEL = re.compile(r"(wat|hoh|h2o|o[hd]2?(?![a-z])|(?-i:(?!Nd))n[hd][34](?!\d))", re.IGNORECASE)  # Nd3 is neodymium
_TWO_ELEMENTS = re.compile(r"[\[({]?([A-Za-z]{1,2})[\d.]*[+-]?\s*[/,;|&+]\s*([A-Za-z]{1,2})(?![A-Za-z])")
_TWO_SYMBOLS = re.compile(r"([A-Z][a-z])[\d.]*([A-Z][a-z])(?![a-z])")  # in a row: `FeCo1`; not `SiT1`, whose T is a place
LONGEST = 40  # characters of a symbol or label that can say anything
_HEAVY = {"W": 8, "H": 8, "D": 8, "O": 8, "N": 7, "C": 6}  # by the first letter of a group's name
_DUMMY = re.compile(r"(?:du|dum|dummy|vac|va|vacancy|\[\]|□|q|x|xx|bq|cnt|cen|cg|centroid|empty)(?![a-z]).*", re.IGNORECASE)
_NONMETALS = frozenset((1, 2, 5, 6, 7, 8, 9, 10, 14, 15, 16, 17, 18, 33, 34, 35, 36, 52, 53, 54))  # `CI` is a misspelt Cl
_VACANCY = re.compile(r"(?:du|dum|dummy|vac|va|vacancy|\[\]|□|empty|centroid)(?![a-z]).*", re.IGNORECASE)
# Capitals that are as often one element and the name of its place (carbon alpha, hydrogen on oxygen, site A of niobates):
_UNSURE_IN_CAPITALS = frozenset(
    (
        "CA", "CB", "CD", "CE", "CF", "CM", "CO", "CS", "HE", "HF", "HG", "HO", "HS", "NA", "NB", "ND", "NE",
        "NO", "NP", "OS", "PA", "PB", "PD", "PM", "PO", "SB", "SC", "SE", "SM", "SN", "BA", "BE", "BH", "YB",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LabelReading:
    """What the letters of a label can mean.

    Attributes:
        likely: atomic number of the usual reading; 0 where there is none.
        sure: whether nothing but another statement of the file can speak against it.
        possible: all readings.
        group: a molecule such as `OH` or `Wat`, whose hydrogens the site does not hold.
    """

    likely: int
    sure: bool
    possible: frozenset[int]
    group: bool = False


def is_given(text: str) -> bool:
    """Whether a value is stated: CIF writes `?` for unknown and `.` for inapplicable."""
    return bool(text.strip(" ?.'\""))


def is_dummy(text: str) -> bool:
    """Whether a symbol stands for a place without an atom, or for no element at all."""
    return _DUMMY.fullmatch(text.strip()) is not None


def is_vacancy(text: str) -> bool:
    """Whether a symbol says by itself that no atom stands there (`X` may stand for an anion as well)."""
    return _VACANCY.fullmatch(text.strip()) is not None


@lru_cache(maxsize=8192)
def symbol_readings(symbol: str) -> frozenset[int]:
    """Atomic numbers of the elements that explain the whole of a type symbol: `Fe3+`, `FE`, `MFE3`, `Fe(III)`, `7Li`, `D`."""
    text = symbol.strip()
    if len(text) > LONGEST:  # the patterns below take a time that grows fast with the length
        return frozenset()
    found = set()
    ahead = _ISOTOPE.match(text)
    bare = text[ahead.end() :] if ahead else text
    for length in (2, 1):
        z = atomic_number(bare[:length].capitalize()) if len(bare) >= length else 0
        if not z:
            continue
        behind = bare[length:]
        if _BEHIND.fullmatch(behind) or (z not in _NONMETALS and _BARE_ROMAN.fullmatch(behind)):
            found.add(z)
            break  # `CO` is Co and never carbon of charge O
    factor = _FORM_FACTOR.fullmatch(text)
    if factor:
        z = atomic_number(factor.group(1).capitalize())
        if _has_moment(z):
            found.add(z)
    return frozenset(found)


@lru_cache(maxsize=8192)
def group_of(symbol: str) -> int:
    """Atomic number of the heavy atom of a group such as `OH`, `Wat`, `NH4`; 0 for other symbols."""
    text = symbol.strip()
    return _HEAVY[text[0].upper()] if len(text) <= LONGEST and _GROUP.fullmatch(text) else 0


@lru_cache(maxsize=65536)
def label_reading(label: str) -> LabelReading:
    """The readings of a label's leading letters: `Fe1`, `FE1_1`, `SiT2`, `HO1`, `Wat`."""
    text = label.strip()[:LONGEST].lstrip("0123456789([{")
    letters = (re.match(r"[A-Za-z]*", text) or [""])[0]
    if _GROUP_LABEL.match(text):
        z = _HEAVY[text[0].upper()]
        two = atomic_number(letters[:2].capitalize()) if len(letters) >= 2 else 0
        return LabelReading(z, False, frozenset({z, two} - {0}), group=True)
    one = atomic_number(letters[:1].upper())
    two = atomic_number(letters[:2].capitalize()) if len(letters) >= 2 else 0
    possible = frozenset({one, two} - {0})
    if not letters or not possible:
        return LabelReading(0, False, frozenset())
    after = letters[2:]
    if two and letters[1].islower():  # `Fe1`, `SiT2`; `Fea` may be anything
        return LabelReading(two, not after[:1].islower(), possible)
    if two:  # `FE1`; in lower case throughout, too
        return LabelReading(two, not one or (letters[:2].upper() not in _UNSURE_IN_CAPITALS and not after), possible)
    tritium = letters[0] == "T"  # as often a tetrahedral place
    return LabelReading(one, not tritium and not letters[1:2].islower(), possible)


def names_two_elements(label: str) -> bool:
    """Whether a label is that of a mixed site: `Fe/Co`, `Al1,Si1`, `Fe3+/Mn2+`, `AlSi`."""
    text = label.strip()[:LONGEST]
    found = _TWO_ELEMENTS.match(text) or _TWO_SYMBOLS.match(text)
    numbers = {atomic_number(word.capitalize()) for word in found.groups()} if found else set()
    return len(numbers) > 1 and 0 not in numbers


def _has_moment(z: int) -> bool:
    """Whether the element has a magnetic form factor: the d and f blocks."""
    return 21 <= z <= 30 or 39 <= z <= 48 or 57 <= z <= 80 or 89 <= z <= 103
