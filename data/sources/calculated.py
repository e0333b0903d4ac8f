"""Our own calculations as labelled crystals: of each crystal, the moment of the lowest ordering that was found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from data.calculation import SAME_ENERGY_EV, Calculation, Damaged, Ended, calculations, read_calculation
from data.checks import Unsound, check_crystal
from data.errors import UserError
from data.labels import MAGNETIC_THRESHOLD, Label
from data.rejection import LOST, Reason, Rejection
from data.sources import Record, Shard
from data.store.artifact import file_hash, text_hash

FERROMAGNET = "fm"
_SHORT = 8  # characters of a comparison's key that tell two crystals of one id apart


@dataclass(frozen=True)
class CalculatedSource:
    """A folder that `ferroscreen calculate` wrote; calculations of one crystal by one method are one record.

    A record needs the ferromagnet and at least one competitor: with the ferromagnet alone, the label would be what every
    calculation says that starts ferromagnetic. It needs one lowest moment, too: where two orderings with different moments are
    equally low, noise would choose the label.
    """

    path: Path

    @property
    def description(self) -> str:
        return f"calculated:{self.path.name}"

    def identity(self) -> str:
        return text_hash("calculated", *(f"{path.name} {file_hash(path)}" for path in self._files()))

    def shards(self) -> Iterator[Shard]:
        """One crystal each; a file that cannot be read is a shard of its own."""
        groups: dict[str, list[Calculation]] = {}
        damaged = []
        for path in self._files():
            read = _read(path)
            if isinstance(read, Rejection):
                damaged.append(path.stem)
            else:
                groups.setdefault(read.job.comparison, []).append(read)
        used = Counter(_id(group) for group in groups.values())
        for comparison, group in sorted(groups.items()):
            identifier = _id(group) if used[_id(group)] == 1 else f"{_id(group)} {comparison[:_SHORT]}"
            yield Shard((identifier, tuple(one.job.key for one in group)), 1)
        for stem in damaged:
            yield Shard((stem, (stem,)), 1)

    def singles(self, shard: Shard) -> Iterator[tuple[Shard, Rejection]]:
        identifier, keys = shard.part
        yield shard, Rejection(identifier, f"{keys[0]}.json", "", Reason.READER_LOST, LOST)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        identifier, keys = shard.part
        try:
            yield self._read(identifier, keys)
        except Exception as fault:  # one crystal must not stop the others, whatever its files hold
            yield Rejection(identifier, f"{keys[0]}.json", "", Reason.FAILED, f"{type(fault).__name__}: {fault}"[:300])

    def _read(self, identifier: str, keys: tuple[str, ...]) -> Record | Rejection:
        found = [_read(self.path / f"{key}.json") for key in keys]
        broken = [one for one in found if isinstance(one, Rejection)]
        whole = [one for one in found if isinstance(one, Calculation)]
        return broken[0] if broken else _record(identifier, f"{keys[0]}.json", whole)

    def _files(self) -> list[Path]:
        if not self.path.is_dir():
            raise UserError(f"{self.path} is no folder of calculations")
        found = calculations(self.path)
        if not found:
            raise UserError(f"{self.path} holds no calculation: `ferroscreen calculate` writes them")
        return found


def _read(path: Path) -> Calculation | Rejection:
    try:
        return read_calculation(path)
    except Damaged as fault:
        return Rejection(path.stem, path.name, "", Reason.UNREADABLE, str(fault))


def _id(group: list[Calculation]) -> str:
    """The candidate's; of one crystal that two candidates share, the first in the alphabet."""
    return min(one.job.crystal.id for one in group)


def _record(identifier: str, file: str, group: list[Calculation]) -> Record | Rejection:
    done = sorted((one for one in group if one.done), key=lambda one: (one.energy_per_atom, one.job.ordering))
    names = [one.job.ordering for one in done]
    if FERROMAGNET not in names or len(names) < 2:
        detail = f"done: {', '.join(names) or 'nothing'}; a label needs {FERROMAGNET} and a competitor"
        return Rejection(identifier, file, "", Reason.MISSING_VALUE, detail)
    lowest, job = done[0], done[0].job
    for other in done[1:]:
        as_low = other.energy_per_atom - lowest.energy_per_atom <= SAME_ENERGY_EV
        if as_low and abs(other.moment_per_atom - lowest.moment_per_atom) > MAGNETIC_THRESHOLD:
            detail = f"{job.ordering} and {other.job.ordering} are equally low, with different moments"
            return Rejection(identifier, file, "", Reason.CONTRADICTORY_LABEL, detail)
    missing = [name for name in job.orderings if name not in names]
    compared = f"{job.ordering} is the lowest of {', '.join(sorted(names))}"
    without = f" (without {', '.join(missing)})" if missing else ""
    method = ", ".join(f"{name} {value}" for name, value in job.settings.items())
    provenance = f"{lowest.outcome.program}, {compared}{without}; ended: {lowest.ended}; {method}; {job.geometry}"
    crystal = replace(job.crystal, id=identifier)
    try:
        check_crystal(crystal)
    except Unsound as fault:
        return Rejection(identifier, file, "", fault.reason, fault.detail)
    moment = lowest.moment_per_atom * crystal.n_sites
    label = Label(moment, ordering=_ordering(lowest), provenance=provenance)
    return Record(crystal, file, label, licensed=job.licensed)


def _ordering(lowest: Calculation) -> str | None:
    """FM, FiM, AFM or NM; None where small moments leave it open."""
    small = lowest.moment_per_atom <= MAGNETIC_THRESHOLD
    if lowest.ended is Ended.NONMAGNETIC:
        return "NM" if small else None
    if lowest.ended is Ended.FERROMAGNET:
        return "FM"
    return "AFM" if small else "FiM"
