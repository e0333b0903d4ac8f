"""What changed from one snapshot to another: new, withdrawn, relabelled, of another structure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from data.snapshot import Snapshot
from data.sources.materials_project.state import TOMBSTONES_FILE, read_tombstones

MOMENT_TOLERANCE = 1e-6  # µB/atom; a smaller change is a rounding difference
SITE_TOLERANCE = 1e-4  # Å and fractions of the cell; a smaller change is a rounding difference
_COLUMNS = ["material_id", "formula", "moment_muB_per_atom", "lattice_A", "frac", "numbers"]


@dataclass(frozen=True, slots=True)
class Change:
    """One material; moments in µB/atom, None where there is none."""

    material_id: str
    formula: str
    old_moment: float | None
    new_moment: float | None
    reason: str = ""


@dataclass(frozen=True)
class Difference:
    """Changes from an old snapshot to a new one, each list in the order of the ids."""

    new: list[Change]
    withdrawn: list[Change]  # with the reason: disappeared, deprecated, or quarantined
    relabelled: list[Change]
    restructured: list[Change]

    def counts(self) -> dict[str, int]:
        return {name: len(changes) for name, changes in self.lists().items()}

    def lists(self) -> dict[str, list[dict[str, Any]]]:
        return {name: [asdict(change) for change in getattr(self, name)] for name in self.__dataclass_fields__}


class _Rows:
    """A snapshot's crystals by id, as arrays: one object per crystal would take too much memory."""

    def __init__(self, snapshot: Snapshot) -> None:
        table = snapshot.table(_COLUMNS).combine_chunks()
        self.ids: list[str] = table.column("material_id").to_pylist()
        self.row = {identifier: k for k, identifier in enumerate(self.ids)}
        self.formula: list[str] = table.column("formula").to_pylist()
        self.moment: list[float | None] = table.column("moment_muB_per_atom").to_pylist()
        self._lattice = _values(table.column("lattice_A")).reshape(-1, 9)
        self._frac, self._frac_at = _values(table.column("frac")), _offsets(table.column("frac"))
        self._numbers, self._numbers_at = _values(table.column("numbers")), _offsets(table.column("numbers"))

    def structure(self, k: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Lattice (9,) in Å, fractional coordinates (3 n,) and atomic numbers (n,) of row `k`."""
        frac = self._frac[self._frac_at[k] : self._frac_at[k + 1]]
        return self._lattice[k], frac, self._numbers[self._numbers_at[k] : self._numbers_at[k + 1]]


def difference(old: Snapshot, new: Snapshot) -> Difference:
    """The changes from the snapshot `old` to the snapshot `new`."""
    before, after = _Rows(old), _Rows(new)
    both = sorted(set(before.row) & set(after.row))
    gone = _reasons(new)
    return Difference(
        [_change(i, None, after) for i in sorted(set(after.row) - set(before.row))],
        [_change(i, before, None, gone.get(i, "no longer in the source")) for i in sorted(set(before.row) - set(after.row))],
        [_change(i, before, after) for i in both if _relabelled(before.moment[before.row[i]], after.moment[after.row[i]])],
        [_change(i, before, after) for i in _restructured(both, before, after)],
    )


def _change(identifier: str, old: _Rows | None, new: _Rows | None, reason: str = "") -> Change:
    known = new or old
    assert known is not None
    formula = known.formula[known.row[identifier]]
    before, after = (None if rows is None else rows.moment[rows.row[identifier]] for rows in (old, new))
    return Change(identifier, formula, before, after, reason)


def _relabelled(old: float | None, new: float | None) -> bool:
    if old is None or new is None:
        return old is not new
    return abs(old - new) > MOMENT_TOLERANCE


def _restructured(both: list[str], before: _Rows, after: _Rows) -> Iterator[str]:
    for identifier in both:
        old, new = before.structure(before.row[identifier]), after.structure(after.row[identifier])
        if any(a.shape != b.shape or not np.allclose(a, b, rtol=0.0, atol=SITE_TOLERANCE) for a, b in zip(old, new, strict=True)):
            yield identifier


def _reasons(new: Snapshot) -> dict[str, str]:
    """Why materials are missing from the crystals of a snapshot, as its quarantine and tombstones state it, by id."""
    quarantine = new.quarantine().select(["candidate_id", "reason"]).to_pylist()
    tombstones = read_tombstones(new.folder / TOMBSTONES_FILE)
    told = {row["candidate_id"]: f"quarantined: {row['reason']}" for row in quarantine}
    return told | {t.material_id: f"{t.reason} in {t.database_version}" for t in tombstones}


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    flat: NDArray[Any] = column.combine_chunks().flatten().to_numpy()
    return flat


def _offsets(column: pa.ChunkedArray) -> NDArray[Any]:
    offsets = column.combine_chunks().offsets.to_numpy()
    from_zero: NDArray[Any] = offsets - offsets[0]
    return from_zero
