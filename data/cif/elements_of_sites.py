"""The element of each site: from its type symbol, its label, and what the block states of its composition."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache
from itertools import product

import gemmi
import numpy as np

from data.checks import Unsound
from data.cif.element_symbols import group_of, is_dummy, is_given, label_reading, names_two_elements, symbol_readings
from data.cif.site_composition import fits, gemmi_composition
from data.cif.stated_composition import OTHER_FORMULAS, Composition, atomic_number, formula_readings, stated_formula
from data.rejection import Reason

_MOST_GUESSES = 256  # ways to read the ambiguous labels of one block that are held against its formula
_HYDROGEN = 1


def settle_elements(small: gemmi.SmallStructure, block: gemmi.cif.Block) -> list[str]:
    """Give every site its element, in place.

    A type symbol decides if the whole of it is explained; the label helps where there is none, or where it has two readings. An
    element that the stated formula lacks is replaced by another reading that the formula has.

    Returns:
        What was contradictory and how it was settled, in words.

    Raises:
        Unsound: UNKNOWN_ELEMENT where nothing decides, or where a site stands for a group whose hydrogens have no sites.
    """
    named = _named_elements(block)
    ambiguous: list[int] = []
    typed = bool(block.find_values("_atom_site_type_symbol"))  # where there is none, gemmi repeats the label
    for k, site in enumerate(small.sites):
        z = _only_reading(site.type_symbol) if typed else 0
        if z and (named is None or z in named):
            if site.element.atomic_number != z:
                site.element = _element(z)
        else:
            ambiguous.append(k)
    return _Settling(small, block, named, typed).run(ambiguous)


class _Settling:
    """The sites of one block whose type symbol does not decide alone."""

    def __init__(self, small: gemmi.SmallStructure, block: gemmi.cif.Block, named: frozenset[int] | None, typed: bool) -> None:
        self.small = small
        self.block = block
        self.named = named
        self.typed = typed
        self.notes: dict[str, None] = {}
        self.open: dict[str, list[int]] = defaultdict(list)  # by the leading letters of the label
        self.groups: list[str] = []

    def run(self, ambiguous: list[int]) -> list[str]:
        for k in ambiguous:
            self._settle(k)
        if self.open:
            self._try_out()
        if self.groups and not self._has_hydrogen() and (self.named is None or _HYDROGEN in self.named):
            detail = f"site {self.groups[0]!r} is of no element but a group, whose hydrogens have no sites"
            raise Unsound(Reason.UNKNOWN_ELEMENT, detail)
        self._note_other_labels()
        return list(self.notes)

    def _settle(self, k: int) -> None:
        site = self.small.sites[k]
        given = self.typed and is_given(site.type_symbol)
        z = self._from_symbol(site.label, site.type_symbol) if given else self._from_label(site.label, k)
        if z:
            site.element = _element(z)

    def _from_symbol(self, label: str, symbol: str) -> int:
        """By a symbol that has several readings, none, or one that the formula lacks."""
        readings = symbol_readings(symbol)
        said = label_reading(label)
        if not readings:
            return self._from_unknown_symbol(label, symbol)
        if len(readings) > 1:
            chosen = readings if self.named is None else readings & self.named or readings
            chosen = chosen & said.possible if len(chosen) > 1 else chosen
            if len(chosen) != 1:
                raise Unsound(
                    Reason.UNKNOWN_ELEMENT, f"site {label!r}: {symbol!r} may be {_names(readings)}, and nothing decides"
                )
            return next(iter(chosen))
        (z,) = readings
        assert self.named is not None
        agreed = said.possible & self.named
        if len(agreed) == 1:  # label and formula against the symbol
            (other,) = agreed
            self._note(f"site {label!r} is {_name(other)} as label and formula say, against its type symbol {symbol!r}")
            return other
        return z  # the comparison with the formula says what is wrong

    def _from_unknown_symbol(self, label: str, symbol: str) -> int:
        heavy = group_of(symbol)
        if heavy:
            self.groups.append(symbol)
            return heavy
        described = _described_element(self.block, symbol)
        if described:
            return described
        said = label_reading(label)
        agreed = said.possible & (self.named or frozenset())
        if len(agreed) == 1 and not is_dummy(symbol):
            (z,) = agreed
            self._note(f"site {label!r} is {_name(z)} as label and formula say; its type symbol {symbol!r} is of no element")
            return z
        against = f"; its label would be {_names(said.possible)}" if said.possible else ""
        raise Unsound(Reason.UNKNOWN_ELEMENT, f"site {label!r} is of no element ({symbol!r}){against}")

    def _from_label(self, label: str, k: int) -> int:
        said = label_reading(label)
        if said.group:
            self.groups.append(label)
        if self.named is None:
            if names_two_elements(label):
                detail = f"site {label!r} names two elements, and has neither type symbol nor occupancies of each"
                raise Unsound(Reason.UNKNOWN_ELEMENT, detail)
            if said.likely == _HYDROGEN and label.strip().startswith("T"):
                self._note(f"site {label!r} is hydrogen (tritium) by its label")
                return _HYDROGEN
            if (said.sure or (said.group and len(said.possible) == 1)) and not is_dummy(label):
                return said.likely
            if not said.possible or is_dummy(label):
                raise Unsound(Reason.UNKNOWN_ELEMENT, f"site {label!r} is of no element, and has no type symbol")
            raise Unsound(
                Reason.UNKNOWN_ELEMENT,
                f"site {label!r} may be {_names(said.possible)}: it has no type symbol, and the file no formula that decides",
            )
        agreed = said.possible & self.named
        if len(agreed) == 1:
            return next(iter(agreed))
        if len(agreed) > 1:
            if said.sure and label.strip()[1:2].islower():
                return said.likely
            self.open[_letters(label)].append(k)
            return 0
        if said.sure:
            return said.likely  # the comparison with the formula says what is wrong
        detail = f"may be {_names(said.possible)}" if said.possible else "is of no element"
        raise Unsound(Reason.UNKNOWN_ELEMENT, f"site {label!r} {detail}, and the formula names {_names(self.named)}")

    def _try_out(self) -> None:
        """Labels in capitals that the formula allows to be two elements: take the one reading that adds up to the formula."""
        letters = list(self.open)
        choices = [sorted(label_reading(word).possible & (self.named or frozenset())) for word in letters]
        stated = _stated(self.block)
        if int(np.prod([len(choice) for choice in choices])) <= _MOST_GUESSES and stated:
            sound = []
            for guess in product(*choices):
                self._assign(letters, guess)
                if any(fits(gemmi_composition(self.small), formula) for formula in stated):
                    sound.append(guess)
            if len(sound) == 1:
                self._assign(letters, sound[0])
                return
        first = self.small.sites[self.open[letters[0]][0]].label
        detail = f"site {first!r} may be {_names(choices[0])}: it has no type symbol, and the formula names both"
        raise Unsound(Reason.UNKNOWN_ELEMENT, detail)

    def _assign(self, letters: list[str], guess: tuple[int, ...]) -> None:
        for word, z in zip(letters, guess, strict=True):
            for k in self.open[word]:
                self.small.sites[k].element = _element(z)

    def _note_other_labels(self) -> None:
        """Say which labels name another element that the formula has, since a formula confirms no exchange of type symbols;
        where there is none, which name any other element, and that `T` is tritium."""
        for site in self.small.sites if self.typed else ():
            z, said = site.element.atomic_number, _named_by(site.label)
            if z == _HYDROGEN and self.named is None and site.type_symbol.strip() == "T":
                self._note(f"site {site.label!r} is hydrogen (tritium) by its type symbol")
            if said and said != z and (self.named is None or said in self.named):
                self._note(f"site {site.label!r} is {site.element.name} by its type symbol")

    def _has_hydrogen(self) -> bool:
        return any(site.element.atomic_number == _HYDROGEN for site in self.small.sites)

    def _note(self, text: str) -> None:
        if len(self.notes) < 3:  # a row of a table has to show them
            self.notes[text] = None


def _named_elements(block: gemmi.cif.Block) -> frozenset[int] | None:
    """The elements that the formula names, or where no formula can be read, those of the `_atom_type` loop."""
    stated = _stated(block)
    if stated:
        return frozenset().union(*stated)
    types = block.find_values("_atom_type_symbol")
    found = [symbol_readings(gemmi.cif.as_string(value)) for value in types]
    return frozenset().union(*found) if found and all(len(readings) == 1 for readings in found) else None


def _stated(block: gemmi.cif.Block) -> tuple[Composition, ...]:
    stated = formula_readings(stated_formula(block))
    for tag in () if stated else OTHER_FORMULAS:
        stated = stated or formula_readings(stated_formula(block, tag))
    return stated


def _described_element(block: gemmi.cif.Block, symbol: str) -> int:
    """By `_atom_type_description`, a symbol or a name; 0 where it says nothing."""
    for row in block.find(["_atom_type_symbol", "_atom_type_description"]):
        if gemmi.cif.as_string(row[0]) == symbol:
            words = gemmi.cif.as_string(row[1]).strip()
            return _only_reading(words) or _element_names().get(words.lower(), 0)
    return 0


@lru_cache(maxsize=1)
def _element_names() -> dict[str, int]:
    from pymatgen.core import Element

    return {element.long_name.lower(): int(element.Z) for element in Element if atomic_number(element.symbol)}


@lru_cache(maxsize=8192)
def _only_reading(symbol: str) -> int:
    readings = symbol_readings(symbol)
    return next(iter(readings)) if len(readings) == 1 else 0


@lru_cache(maxsize=65536)
def _named_by(label: str) -> int:
    """The element that the two letters of a label surely name; 0 for other labels."""
    said = label_reading(label)
    return said.likely if said.sure and label.strip()[1:2].islower() else 0


@lru_cache(maxsize=128)
def _element(z: int) -> gemmi.Element:
    return gemmi.Element(z)


def _letters(label: str) -> str:
    text = label.strip().lstrip("0123456789([{")
    return text[: next((k for k, c in enumerate(text) if not c.isalpha()), len(text))]


def _name(z: int) -> str:
    return str(gemmi.Element(z).name)


def _names(numbers: frozenset[int] | list[int]) -> str:
    return " or ".join(_name(z) for z in sorted(numbers))
