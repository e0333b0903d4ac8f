"""From what a person types to a source."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from data.disorder import Disorder
from data.errors import UserError
from data.sources import Source
from data.sources.cif_folder import MAX_FILE_MB, SUFFIXES, CifFolder
from data.sources.parquet import Columns, ParquetSource
from data.sources.several import Several
from data.sources.starter import StarterSource


def labelled_source(name: str, columns: Columns) -> Source:
    """`starter`, or `parquet:PATH`; the Materials Project is pulled first. Raises UserError for anything else."""
    kind, _, path = name.partition(":")
    if name == "starter":
        return StarterSource()
    if kind == "parquet" and path:
        return ParquetSource(Path(path).expanduser(), labelled=True, columns=columns)
    raise UserError(f"unknown source {name!r}; say `mp`, `starter` or `parquet:PATH`")


def candidate_source(
    paths: list[Path], columns: Columns, max_file_mb: float = MAX_FILE_MB, disorder: Disorder = Disorder.REJECT
) -> Source:
    """CIF files, folders, zips and Parquet tables, one or several.

    Raises:
        UserError: a path that does not exist or is of no such kind.
    """
    sources = [_one(path.expanduser(), columns, max_file_mb, disorder) for path in paths]
    if len(sources) == 1:
        return sources[0]
    if not sources:
        raise UserError("name at least one CIF file, folder, zip or Parquet table")
    repeated = {name for name, n in Counter(path.name for path in paths).items() if n > 1}
    names = [path.as_posix().strip("/") if path.name in repeated else path.name for path in paths]
    return Several(tuple(zip(names, sources, strict=True)))


def _one(path: Path, columns: Columns, max_file_mb: float, disorder: Disorder) -> Source:
    if not path.exists():
        raise UserError(f"{path} does not exist")
    if path.is_dir() or path.suffix.lower() in (*SUFFIXES, ".zip"):
        return CifFolder(path, max_file_mb, disorder)
    if path.suffix.lower() in (".parquet", ".pq"):
        return ParquetSource(path, labelled=False, columns=columns, disorder=disorder)
    raise UserError(f"{path} is no CIF file, folder, zip or Parquet table (told by its ending)")
