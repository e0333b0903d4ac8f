"""The table that comes with an ICSD export: what is known of an entry beside its CIF, and which entries are wanted."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

CODE = "CollectionCode"
CONTENT = "ContentType"  # our fetch writes it, from the search that found the entry
THEORETICAL = "THEORETICAL_STRUCTURES"
_MPA = {"gpa": 1000.0, "mpa": 1.0, "kpa": 1e-3, "pa": 1e-6, "kbar": 100.0, "bar": 0.1, "atm": 0.101325}
_QUANTITY = re.compile(r"([-+]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][-+]?\d+)?)\s*(?:\(\d+\))?\s*((?:deg\.?|°)?\s*[A-Za-z]*)\.?")
_AMBIENT = {
    "", "-", "?", "nan", "none", "null", "n/a", "na", "unknown", "rt", "room", "roomtemperature", "ambient", "normal", "standard",
}  # fmt: skip
_KELVIN = {"": 0.0, "k": 0.0, "c": 273.15, "°c": 273.15, "degc": 273.15, "deg.c": 273.15}  # what a temperature of this unit lacks
_YES = {"true", "yes", "y", "1", "x"}


@dataclass(frozen=True, slots=True)
class IcsdRow:
    """What the table says of an entry. Temperature and pressure are None at ambient conditions, where ICSD leaves them empty, and
    NaN where the table says something else than a number with a known unit."""

    temperature_K: float | None
    pressure_MPa: float | None
    quality: str
    theoretical: bool


@dataclass(frozen=True)
class IcsdFilter:
    """Which entries of an export are wanted."""

    max_temperature_K: float | None = None
    max_pressure_MPa: float | None = None
    qualities: tuple[str, ...] = ()  # words of the export's column Quality; empty: any
    theoretical: bool = False  # whether computed structures are wanted, too

    @property
    def needs_table(self) -> bool:
        return self.max_temperature_K is not None or self.max_pressure_MPa is not None or bool(self.qualities)

    def refusal(self, row: IcsdRow | None) -> str:
        """Why an entry is not wanted; empty where it is."""
        if row is None:
            return "not in the export's table, so that nothing is known of it" if self.needs_table else ""
        if row.theoretical and not self.theoretical:
            return "a computed structure"
        if self.max_temperature_K is not None and not (row.temperature_K or 0.0) <= self.max_temperature_K:
            return _measured("temperature", row.temperature_K, "K")
        if self.max_pressure_MPa is not None and not (row.pressure_MPa or 0.0) <= self.max_pressure_MPa:
            return _measured("pressure", row.pressure_MPa, "MPa")
        if self.qualities and row.quality.casefold() not in {word.casefold() for word in self.qualities}:
            return f"of quality {row.quality!r}" if row.quality else "of no stated quality"
        return ""


ANY_ENTRY = IcsdFilter()


def names_codes(text: str) -> bool:
    """Whether a text begins with the header of a table of ICSD."""
    header, _, _ = text.partition("\n")
    try:
        return _plain(CODE) in map(_plain, next(csv.reader([header], delimiter=_delimiter(header)), []))
    except csv.Error:  # a binary file of that name
        return False


def read_table(text: str) -> dict[str, IcsdRow]:
    """Rows by collection code, from comma, semicolon or tab separated text; empty where the text is no such table."""
    if not names_codes(text):
        return {}
    reader = csv.reader(io.StringIO(text), delimiter=_delimiter(text.partition("\n")[0]))
    try:
        columns = {_plain(name): place for place, name in enumerate(next(reader, []))}
        return {code_of(row[columns[_plain(CODE)]]): _row(row, columns) for row in reader if len(row) > columns[_plain(CODE)]}
    except csv.Error:
        return {}


def _delimiter(header: str) -> str:
    return max("\t;,", key=header.count)


def code_of(identifier: str) -> str:
    """The collection code in an id such as `12345`, `a/ICSD_CollCode012345` or `12345#block`; the id where there is none."""
    digits = re.findall(r"\d+", identifier.partition("#")[0].rpartition("/")[2])
    return str(int(digits[-1])) if digits else identifier


def _row(row: list[str], columns: dict[str, int]) -> IcsdRow:
    def cell(name: str) -> str:
        place = columns.get(name, len(row))
        return row[place].strip() if place < len(row) else ""

    theoretical = cell(_plain(CONTENT)).upper() == THEORETICAL or cell("theoretical").casefold() in _YES
    return IcsdRow(
        _quantity(cell("temperature"), lambda value, unit: value + _KELVIN[unit]),
        _quantity(cell("pressure"), lambda value, unit: value * _MPA[unit or "mpa"]),
        cell("quality"),
        theoretical,
    )


def _quantity(text: str, converted: Callable[[float, str], float]) -> float | None:
    """The number of `293(2) K` or `2,5 GPa`; None where there is none, NaN where it cannot be read: `above 5 GPa`, `1-2 GPa`."""
    if re.sub(r"[\s.]", "", text.lower()) in _AMBIENT:
        return None
    found = _QUANTITY.fullmatch(text.strip())
    if found is None:
        return math.nan
    try:
        return converted(float(found[1].replace(",", ".")), re.sub(r"\s", "", found[2].lower()))
    except (KeyError, ValueError):  # another unit
        return math.nan


def _measured(what: str, value: float | None, unit: str) -> str:
    known = value is not None and not math.isnan(value)
    return f"measured at {value:g} {unit}" if known else f"measured at a {what} that cannot be read"


def _plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: `Collection Code` is `CollectionCode`."""
    return re.sub(r"[^a-z]", "", name.lower())
