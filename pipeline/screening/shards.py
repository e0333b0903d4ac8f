"""Predicted shards on disk: what a screen that was stopped takes over, and what workers on other machines leave for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from data.rejection import Rejection
from data.schema import REJECTED
from data.sources import Shard, Source
from data.store.artifact import write_bytes
from pipeline.dedup.cellfile import CellFiles, write_cells
from pipeline.ops.memory import give_back_memory
from pipeline.ops.parallel import map_in_order

if TYPE_CHECKING:
    from pipeline.screening.candidates import PredictedShard
    from pipeline.screening.screen_models import ScreenModels

Numbered = tuple[int, Shard]
_REJECTED = REJECTED.append(pa.field("licensed", pa.bool_(), nullable=False))


@dataclass(frozen=True)
class ShardFacts:
    """What a predicted shard, or several, say beside their rows."""

    without_symmetry: int = 0  # crystals
    seconds: float = 0.0  # of reading and predicting, in a worker
    seconds_disordered: float = 0.0  # of these, for approximants of disordered crystals

    def __add__(self, other: ShardFacts) -> ShardFacts:
        return ShardFacts(
            self.without_symmetry + other.without_symmetry, self.seconds + other.seconds,
            self.seconds_disordered + other.seconds_disordered,
        )  # fmt: skip

    @classmethod
    def of(cls, metadata: dict[bytes, bytes]) -> ShardFacts:
        """From the metadata of a shard's table; a shard of an older release states less."""
        said = {name: float(metadata.get(name.encode(), b"0")) for name in ("seconds", "seconds_disordered")}
        return cls(int(metadata.get(b"without_symmetry", b"0")), **said)


@dataclass(frozen=True)
class Work:
    """All that a worker needs to know; small, so that it travels to any process that sees the same files."""

    source: Source
    models: ScreenModels
    slow: Path  # of the slow descriptors
    folder: Path  # where predicted shards go

    def is_done(self, number: int) -> bool:
        return self._table(number).is_file()

    def keep(self, number: int, predicted: PredictedShard) -> None:
        """Write a predicted shard; its table comes last, and with it the shard is done. Each file is whole and on the disk before
        the next one is begun."""
        rejected = pa.Table.from_pylist([_row(r) for r in predicted.rejected], schema=_REJECTED)
        write_bytes(self._rejected(number), _parquet(rejected))
        write_cells(self._cells(number), predicted.cells)
        facts = {name: str(getattr(predicted, name)) for name in ShardFacts.__dataclass_fields__}
        write_parquet(predicted.table, self._table(number), facts)

    def predict(self, numbered: Numbered) -> int:
        """Predict one shard, in a process of its own that may die, and keep it; returns its number."""
        from pipeline.screening.candidates import predict_one_safely  # late: the task's own process needs no networks

        number, shard = numbered
        self.keep(number, predict_one_safely(self.source, self.models, self.slow, shard))
        return number

    def cells(self, shards: int) -> CellFiles:
        return CellFiles(tuple(self._cells(number) for number in range(shards)))

    def collect(self, shards: int) -> tuple[pd.DataFrame, pd.DataFrame, ShardFacts]:
        """(predictions, rejections, facts) of all shards, in order."""
        frames, rejections, facts = [], [], ShardFacts()
        for number in range(shards):
            table = pq.read_table(self._table(number))
            facts += ShardFacts.of(table.schema.metadata or {})
            frames.append(table.to_pandas())
            rejections.append(pq.read_table(self._rejected(number)))
        read = [frame for frame in frames if len(frame)]
        rejected = pa.concat_tables(rejections) if rejections else pa.Table.from_pylist([], schema=_REJECTED)
        joined = pd.concat(read, ignore_index=True) if read else pd.DataFrame()
        del frames, read
        give_back_memory()  # else the parts' room stays taken beside the whole
        return joined, rejected.to_pandas(), facts

    def _table(self, number: int) -> Path:
        return self.folder / f"{number:06d}.parquet"

    def _cells(self, number: int) -> Path:
        return self.folder / f"{number:06d}.cells.parquet"

    def _rejected(self, number: int) -> Path:
        return self.folder / f"{number:06d}.rejected.parquet"


def _row(rejection: Rejection) -> dict[str, Any]:
    return {**asdict(rejection), "reason": rejection.reason.value}


class ShardPredictor(Protocol):
    """A way to have shards predicted: on this machine, or by an engine that has many."""

    def __call__(self, work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
        """Predict and keep every shard of `todo`; yields their numbers as they are done, in any order."""
        ...


def predict_in_processes(work: Work, todo: list[Numbered], workers: int) -> Iterator[int]:
    """In worker processes of this machine, one a core."""
    from pipeline.screening.candidates import SECONDS_PER_SHARD

    yield from map_in_order(partial(_predict, work), todo, workers, partial(_predict_one_by_one, work), SECONDS_PER_SHARD)


def _predict(work: Work, numbered: Numbered) -> int:
    """Predict and keep one shard in this process, which need not send it to another one; returns its number."""
    from pipeline.screening.candidates import predict_shard

    number, shard = numbered
    work.keep(number, predict_shard(work.source, work.models, work.slow, shard))
    return number


def _predict_one_by_one(work: Work, numbered: Numbered) -> int:
    """The same file by file in processes of their own, where the shard's process was lost."""
    from pipeline.screening.candidates import predict_one_by_one

    number, shard = numbered
    work.keep(number, predict_one_by_one(work.source, work.models, work.slow, shard))
    return number


def write_parquet(frame: pd.DataFrame, path: Path, metadata: dict[str, str] | None = None) -> None:
    """A table without an index; with the same content always the same bytes."""
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if metadata is not None:
        table = table.replace_schema_metadata(metadata)
    write_bytes(path, _parquet(table))


def _parquet(table: pa.Table) -> bytes:
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd")
    return bytes(buffer.getvalue().to_pybytes())
