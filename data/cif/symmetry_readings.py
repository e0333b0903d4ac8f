"""The groups that a file's statements about symmetry can mean, most credible first; the atoms decide elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import gemmi

from data.cif.group_type import space_group_number
from data.cif.operations import MOST_OPERATIONS, Operation, OperationError, SymmetryGroup, group_from, group_of, parse_all
from data.cif.settings import (
    group_of_hall,
    group_of_setting,
    operations_of_setting,
    settings_of_number,
    settings_of_symbol,
    tabulated_setting,
)
from data.cif.symmetry_sources import StatedSymmetry


@dataclass(frozen=True, eq=False)
class Reading:
    """One group, where it comes from, and its setting in words (empty for one that is in no table)."""

    group: SymmetryGroup
    source: str
    setting: str = ""

    def __str__(self) -> str:
        return f"{self.source}, {self.setting}" if self.setting and self.setting not in self.source else self.source


@dataclass(frozen=True, eq=False)
class Readings:
    """What a file's statements can mean.

    Attributes:
        tiers: readings by credibility; within a tier nothing in the statements decides.
        settled: the first reading holds unless the cell's metric forbids it; else formula, Z and density count, too.
        proof: a reading is only taken where formula and Z fit it: the statements contradict one another.
        contradiction: what contradicts what, in words; empty where nothing does.
    """

    tiers: tuple[tuple[Reading, ...], ...]
    settled: bool = False
    proof: bool = False
    contradiction: str = ""


@dataclass(frozen=True)
class _Names:
    """Everything but operations: tabulated settings by how closely the names describe them."""

    stated: tuple[gemmi.SpaceGroup, ...]  # of the symbols, with their extensions
    related: tuple[gemmi.SpaceGroup, ...]  # the same symbols with other extensions
    numbered: tuple[gemmi.SpaceGroup, ...]  # of the number
    siblings: tuple[gemmi.SpaceGroup, ...]  # every setting in the tables of the groups that the symbols name
    hall: SymmetryGroup | None
    unread: tuple[str, ...]  # what nobody understands
    words: str  # the names, as they are written

    def every(self) -> tuple[gemmi.SpaceGroup, ...]:
        return _unique((*self.stated, *self.related, *self.siblings, *self.numbered))


@lru_cache(maxsize=4096)
def readings(stated: StatedSymmetry) -> Readings:
    """All readings of a file's statements.

    Raises:
        OperationError: operations that nobody can read or that are no group, contradictory names, or no statement at all.
    """
    if stated.magnetic and not stated.lists:
        return Readings((_tier(_magnetic(stated)),), settled=True)
    names = _names(stated)
    if not stated.lists:
        return _by_name(stated, names)
    found = [_by_operations(listed, names) for listed in stated.lists]
    more: tuple[Reading, ...] = ()
    if stated.magnetic:
        more = _tier(_magnetic(stated))
    named = _named(found, names)
    found.sort(key=lambda one: one not in named)
    first = found[0]
    if len(found) == 1 and (not more or more[0].group.operations == first.tiers[0][0].group.operations):
        return first
    words = "two lists of operations differ" if len(found) > 1 else "the plain and the magnetic operations differ"
    if len(named) == 1:  # the names of the space group decide
        lists = tuple(one.tiers[0] for one in found)
    else:
        lists = (tuple(reading for one in found for reading in one.tiers[0]),)
    tiers = (*lists, *((more,) if more else ()))
    return Readings(tiers, False, first.proof, first.contradiction or words)


def _named(found: list[Readings], names: _Names) -> list[Readings]:
    """Those of several lists of operations that the names of the space group mean: exactly, or in another of its settings."""
    exact = {operations_of_setting(g) for g in names.stated}
    if names.hall is not None:
        exact.add(names.hall.operations)
    same = [one for one in found if one.tiers[0][0].group.operations in exact]
    return same or [one for one in found if one.settled and names.every()]


def _tier(reading: Reading) -> tuple[Reading, ...]:
    return (reading,)


def _magnetic(stated: StatedSymmetry) -> Reading:
    """The products of centring translations and operations of a magnetic group, without time reversal."""
    operations, shifts = parse_all(stated.magnetic), parse_all(stated.centring)
    if len(operations) * max(len(shifts), 1) > MOST_OPERATIONS:
        raise OperationError(f"{len(operations)} × {len(shifts)} magnetic operations; no group has so many")
    products = frozenset(shift.after(op) for shift in shifts for op in operations) if shifts else operations
    group = group_from(products)
    return Reading(group, "magnetic operations", _setting_of(group))


def _setting_of(group: SymmetryGroup) -> str:
    setting = tabulated_setting(group)
    return str(setting.xhm()) if setting is not None else ""


def _names(stated: StatedSymmetry) -> _Names:
    chosen: list[gemmi.SpaceGroup] = []
    related: list[gemmi.SpaceGroup] = []
    unread: list[str] = []
    for symbol in stated.symbols:
        exact, every = settings_of_symbol(symbol)
        chosen += exact
        related += every
        if not every:
            unread.append(f"space group {symbol!r}")
    numbered: list[gemmi.SpaceGroup] = []
    for text in stated.numbers:
        digits = text.split("(")[0].strip().removesuffix(".0")
        if digits.isdigit() and 1 <= int(digits) <= 230:
            numbered += settings_of_number(int(digits), stated.code)
        else:
            unread.append(f"space group number {text!r}")
    halls = [(text, group_of_hall(text)) for text in stated.halls]
    unread += [f"Hall symbol {text!r}" for text, group in halls if group is None]
    siblings = [g for number in {g.number: None for g in chosen} for g in settings_of_number(number)]
    words = ", ".join(
        (*map(repr, stated.symbols), *(f"number {n}" for n in stated.numbers), *(f"Hall {h!r}" for h in stated.halls))
    )
    return _Names(
        stated=_unique(tuple(chosen)),
        related=_unique(tuple(related)),
        numbered=_unique(tuple(numbered)),
        siblings=_unique(tuple(siblings)),
        hall=next((group for _, group in halls if group is not None), None),
        unread=tuple(unread),
        words=words,
    )


def _unique(settings: tuple[gemmi.SpaceGroup, ...]) -> tuple[gemmi.SpaceGroup, ...]:
    return tuple({(g.hall, g.number): g for g in reversed(settings)}.values())[::-1]


def _by_operations(listed: tuple[str, ...], names: _Names) -> Readings:
    operations = parse_all(listed)
    try:
        group = group_of(listed)
    except OperationError as fault:
        return _incomplete(operations, names, fault)
    own = Reading(group, "operations", _setting_of(group))
    setting = tabulated_setting(group)
    every = names.every()
    if not every and names.hall is None:
        return Readings((_tier(own),), settled=True)
    same = [g for g in every if operations_of_setting(g) == group.operations]
    by_hall = names.hall is not None and names.hall.operations == group.operations
    if same and (names.stated or names.hall is not None) and not (by_hall or any(g in names.stated for g in same)):
        return _of_another_setting(own, names)
    if same or by_hall:
        numbers = {g.number for g in names.numbered} | {g.number for g in names.stated}
        contradiction = f"the names of the space group differ ({names.words})" if len(numbers) > 1 else ""
        if by_hall and not same and numbers and setting is not None and setting.number not in numbers:
            contradiction = f"operations of {setting.xhm()!r} under {names.words}"
        return Readings((_tier(own),), settled=True, contradiction=contradiction)
    return _unlike_names(own, names)


def _of_another_setting(own: Reading, names: _Names) -> Readings:
    """Operations of one setting beside the name of another one of the same group: the coordinates may be those of either.

    The usual symbol without origin or axes (`P n m a`) may stand for the type alone, as programs write it for any setting.
    """
    whole = len(names.stated) == len(names.related)
    if names.hall is None and whole and any(g.is_reference_setting() for g in names.stated):
        return Readings((_tier(own),), settled=True)
    others = tuple(_of_setting(g, names) for g in names.stated)
    if names.hall is not None:
        others = (*others, Reading(names.hall, "Hall symbol", _setting_of(names.hall)))
    words = f"the operations are those of {own.setting or 'a setting in no table'}, not of {names.words}"
    return Readings((_tier(own), others), contradiction=words)


def _unlike_names(own: Reading, names: _Names) -> Readings:
    """Operations that form a group, but none that the names describe: another setting, another group, or a part of the group."""
    every = names.every()
    larger = [g for g in every if own.group.operations < operations_of_setting(g)]
    words = f"the operations ({len(own.group)}{', ' + own.setting if own.setting else ''}) are not those of {names.words}"
    if larger:
        stated = [g for g in larger if g in names.stated] or larger
        tier = (own, *(_of_setting(g, names) for g in stated))
        return Readings((tier,), contradiction=words)
    if names.hall is not None and _same_type(own.group, names.hall):
        return _of_another_setting(own, names)
    if space_group_number(own.group) in {g.number for g in every}:  # no symbol says that the origin is shifted
        return Readings((_tier(own),), settled=True)
    others = tuple(_of_setting(g, names) for g in names.stated)
    return Readings((_tier(own), *((others,) if others else ())), contradiction=words)


def _same_type(one: SymmetryGroup, other: SymmetryGroup) -> bool:
    return space_group_number(one) == space_group_number(other) is not None


def _incomplete(operations: frozenset[Operation], names: _Names, fault: OperationError) -> Readings:
    """Operations that are no group, but all belong to a group that the file names."""
    for settings in (names.stated, (*names.related, *names.numbered, *names.siblings)):
        tier = tuple(_of_setting(g, names) for g in _unique(settings) if operations <= operations_of_setting(g))
        if tier:
            contradiction = f"the {len(operations)} operations are incomplete for {names.words}"
            return Readings((tier,), contradiction=contradiction)
    if names.hall is not None and operations <= names.hall.operations:
        tier = _tier(Reading(names.hall, "Hall symbol", _setting_of(names.hall)))
        return Readings((tier,), contradiction="the operations are incomplete for the Hall symbol")
    beside = f", nor are they all of {names.words}" if names.words else ""
    raise OperationError(f"{fault}{beside}")


def _of_setting(setting: gemmi.SpaceGroup, names: _Names) -> Reading:
    source = "symbol" if setting in names.stated or setting in names.related else "number"
    return Reading(group_of_setting(setting), source, str(setting.xhm()))


def _by_name(stated: StatedSymmetry, names: _Names) -> Readings:
    if stated.magnetic_group:
        raise OperationError(f"the magnetic space group {stated.magnetic_group!r} stands without its operations")
    related = tuple(_of_setting(g, names) for g in names.siblings)
    if names.hall is not None:
        return _by_hall(names, names.hall, related)
    if not names.stated:
        return _by_number(stated, names)
    numbers = {g.number for g in names.numbered}
    agreed = tuple(g for g in names.stated if not numbers or g.number in numbers)
    if not agreed or len(names.stated) < len(stated.symbols) - len(names.unread):
        tier = tuple(_of_setting(g, names) for g in (*names.stated, *names.numbered))
        return Readings((tier,), proof=True, contradiction=f"{names.words} contradict one another")
    # A short monoclinic symbol means axis b unless the cell or the formula forbids it.
    usual = tuple(g for g in agreed if g.monoclinic_unique_axis() == "b") or agreed
    rest = tuple(g for g in agreed if g not in usual)
    others = tuple(r for r in related if r.group.operations not in {operations_of_setting(g) for g in agreed})
    tiers = tuple(tuple(_of_setting(g, names) for g in tier) for tier in (usual, rest) if tier)
    tiers = (*tiers, others) if others else tiers
    return Readings(tiers, settled=len(tiers) == len(usual) == 1)


def _by_hall(names: _Names, hall: SymmetryGroup, related: tuple[Reading, ...]) -> Readings:
    own = Reading(hall, "Hall symbol", _setting_of(hall))
    named = (*names.stated, *names.numbered)
    numbers = {g.number for g in named}
    alike = space_group_number(hall) in numbers
    if named and (not alike or len(numbers) > 1):
        tier = (own, *(_of_setting(g, names) for g in _unique(named)))
        return Readings((tier,), proof=True, contradiction=f"{names.words} contradict one another")
    unlike = names.stated and hall.operations not in {operations_of_setting(g) for g in names.stated}
    if unlike and any(
        hall.operations == operations_of_setting(g) for g in names.siblings
    ):  # `F d -3 m :1` beside the Hall symbol of :2
        tier = (own, *(_of_setting(g, names) for g in names.stated))
        return Readings((tier, related), contradiction=f"{names.words} are different settings")
    others = tuple(r for r in related if r.group.operations != hall.operations)
    return Readings((_tier(own), others) if others else (_tier(own),), settled=not others)


def _by_number(stated: StatedSymmetry, names: _Names) -> Readings:
    if not names.numbered:
        unread = f"; not understood: {', '.join(names.unread)}" if names.unread else ""
        if not stated.symbols:
            raise OperationError(f"the file has neither symmetry operations nor a space group{unread}")
        raise OperationError(f"no symmetry operations, and no space group called {', '.join(stated.symbols)!r}{unread}")
    tier = tuple(_of_setting(g, names) for g in names.numbered)
    if stated.symbols:
        words = f"{', '.join(names.unread)} is not understood"
        return Readings((tier,), proof=True, contradiction=words)
    return Readings((tier,))
