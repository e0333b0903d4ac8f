"""The table that comes with an ICSD export: what is known of an entry beside its CIF, and which entries are wanted."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

CODE = "CollectionCode"
CONTENT = "ContentType"  # our fetch writes it, from the search that found the entry
THEORETICAL = "THEORETICAL_STRUCTURES"
_MPA = {"gpa": 1000.0, "mpa": 1.0, "kpa": 1e-3, "pa": 1e-6, "kbar": 100.0, "bar": 0.1, "atm": 0.101325}
_QUANTITY = re.compile(r"\s*([-+]?\d*\.?\d+(?:[eE][-+]?\d+)?)(?:\(\d+\))?\s*([A-Za-z°]*)")
_ZERO_CELSIUS_K = 273.15
_YES = {"true", "yes", "y", "1", "x"}


@dataclass(frozen=True, slots=True)
class IcsdRow:
    """What the table says of an entry. Temperature and pressure are None at ambient conditions, where ICSD leaves them empty."""

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
            return f"measured at {row.temperature_K:g} K"
        if self.max_pressure_MPa is not None and not (row.pressure_MPa or 0.0) <= self.max_pressure_MPa:
            return f"measured at {row.pressure_MPa:g} MPa"
        if self.qualities and row.quality.casefold() not in {word.casefold() for word in self.qualities}:
            return f"of quality {row.quality!r}" if row.quality else "of no stated quality"
        return ""


ANY_ENTRY = IcsdFilter()


def read_table(text: str) -> dict[str, IcsdRow]:
    """Rows by collection code, from comma, semicolon or tab separated text; empty where the text is no such table."""
    header, _, _ = text.partition("\n")
    delimiter = max("\t;,", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    try:
        columns = {_plain(name): place for place, name in enumerate(next(reader, []))}
        if _plain(CODE) not in columns:
            return {}
        return {code_of(row[columns[_plain(CODE)]]): _row(row, columns) for row in reader if len(row) > columns[_plain(CODE)]}
    except csv.Error:  # a binary file of that name
        return {}


def code_of(identifier: str) -> str:
    """The collection code in an id such as `12345`, `a/ICSD_CollCode012345` or `12345#block`; the id where there is none."""
    digits = re.findall(r"\d+", identifier.partition("#")[0].rpartition("/")[2])
    return str(int(digits[-1])) if digits else identifier


def _row(row: list[str], columns: dict[str, int]) -> IcsdRow:
    def cell(name: str) -> str:
        place = columns.get(name, len(row))
        return row[place].strip() if place < len(row) else ""

    temperature = _quantity(cell("temperature"))
    if temperature is not None and temperature[1] in ("c", "°c"):
        temperature = (temperature[0] + _ZERO_CELSIUS_K, "k")
    pressure = _quantity(cell("pressure"))
    theoretical = cell(_plain(CONTENT)).upper() == THEORETICAL or cell("theoretical").casefold() in _YES
    return IcsdRow(
        None if temperature is None else temperature[0],
        None if pressure is None else pressure[0] * _MPA.get(pressure[1], 1.0),
        cell("quality"),
        theoretical,
    )


def _quantity(text: str) -> tuple[float, str] | None:
    """Number and unit (lower case) of `293(2) K`; None where there is no number."""
    found = _QUANTITY.match(text)
    return None if found is None else (float(found.group(1)), found.group(2).lower())


def _plain(name: str) -> str:
    """A column's name without case, spaces and punctuation: `Collection Code` is `CollectionCode`."""
    return re.sub(r"[^a-z]", "", name.lower())
