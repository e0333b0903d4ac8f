"""Where crystals come from: one protocol, one file a source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from data.disordered import AnyCrystal
from data.labels import Label
from data.rejection import Rejection


@dataclass(frozen=True, slots=True)
class Record:
    """One crystal as a source gives it."""

    crystal: AnyCrystal  # a disordered one only from a source that was asked for them
    source_file: str  # relative to what the user named
    label: Label | None = None
    split: str | None = None  # train, val or test, where the source fixes it
    e_above_hull: float | None = None  # eV/atom, where the source gives one; None is unknown, never zero
    licensed: bool = False  # its structure belongs to someone who forbids passing it on: results show its id and formula only


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a source that can be read on its own, in any process. Only the source interprets `part`."""

    part: Any
    size: int  # files or rows


class Source(Protocol):
    """A readable set of crystals. A source is small and picklable: it knows where the data are, not what they are."""

    @property
    def description(self) -> str:
        """What a manifest says of it; never a secret."""
        ...

    def identity(self) -> str:
        """Changes whenever the input changes; two equal inputs have the same.

        Raises:
            UserError: the input is missing or not of this kind.
        """
        ...

    def shards(self) -> Iterator[Shard]:
        """The parts, always the same and in the same order for the same input.

        Raises:
            UserError: the input is missing or not of this kind.
        """
        ...

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        """The shard's smallest parts, each with the rejection that stands for it should its reader die or hang."""
        ...

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        """What one part holds, in order; a bad crystal is a Rejection and never stops the others."""
        ...
