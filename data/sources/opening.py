"""From what a person types to a source."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from data.cif.disorder import Disorder
from data.errors import UserError
from data.sources import Source
from data.sources.calculated import CalculatedSource
from data.sources.cif_folder import MAX_FILE_MB, CifFolder
from data.sources.csv_table import ENDINGS as CSV_ENDINGS
from data.sources.csv_table import CsvSource
from data.sources.files import is_zip
from data.sources.formats import READABLE, format_of
from data.sources.icsd.export import IcsdExport, looks_like_icsd
from data.sources.icsd.table import ANY_ENTRY, IcsdFilter
from data.sources.ledger import is_fetch, open_fetch
from data.sources.materials_project.source import materials_project_candidates
from data.sources.materials_project.state import DOCUMENTS_FILE
from data.sources.optimade.folder import OptimadeFolder
from data.sources.parquet import Columns, ParquetSource
from data.sources.several import Several
from data.sources.starter import StarterSource

_LONGEST_SHOWN = 300  # characters of a path in a message
_OF_LABELS = ("moment", "moment_per_atom", "provenance", "split", "site_moments", "ordering")  # columns of labelled tables
_NEXT_SOURCE = re.compile(r",(?=(?:parquet|csv|calculated):|starter(?:,|$))")  # a path may hold commas


def labelled_source(name: str, columns: Columns) -> Source:
    """`starter`, `parquet:PATH`, `csv:PATH` or `calculated:FOLDER`, or several, comma-separated. (`mp` is pulled.)

    Of crystals with the same id a snapshot keeps the first: `calculated:FOLDER,parquet:PATH` corrects the labels of the table.

    Raises:
        UserError: it is called otherwise.
    """
    parts = _NEXT_SOURCE.split(name)
    if len(parts) == 1:
        return _labelled(name, columns)
    return Several(tuple((str(k), _labelled(part, columns)) for k, part in enumerate(parts, start=1)))


def _labelled(name: str, columns: Columns) -> Source:
    kind, _, path = name.partition(":")
    if name == "starter":
        return StarterSource()
    if kind == "parquet" and path:
        return ParquetSource(_expanded(Path(path)), labelled=True, columns=columns)
    if kind == "csv" and path:
        return CsvSource(_expanded(Path(path)), labelled=True, columns=columns)
    if kind == "calculated" and path:
        return CalculatedSource(_expanded(Path(path)))
    raise UserError(
        f"unknown source {name!r}; say `mp`, `starter`, `parquet:PATH`, `csv:PATH`, "
        "`calculated:FOLDER` or `literature:FOLDER`"
    )


def candidate_columns(text: str) -> Columns:
    """`Columns.parse` for candidates, whose labels nothing reads.

    Raises:
        UserError: a part that only labelled tables have, or what `Columns.parse` raises.
    """
    found = Columns.parse(text)
    named = {pair.partition("=")[0].strip() for pair in text.split(",")}
    unread = [part for part in _OF_LABELS if part in named and getattr(found, part)]  # to switch one off does no harm
    if unread:
        raise UserError(f"--columns: {unread[0]} is for `refresh`, which reads labelled tables; no label of a candidate is read")
    return found


def candidate_source(
    paths: list[Path],
    columns: Columns,
    max_file_mb: float = MAX_FILE_MB,
    disorder: Disorder = Disorder.REJECT,
    icsd: IcsdFilter = ANY_ENTRY,
) -> Source:
    """Files of crystals, folders, zips, ICSD exports, fetched folders, MP snapshots, Parquet and CSV tables, one or several.

    Args:
        paths: files and folders.
        columns: names of a table's columns.
        max_file_mb: larger files are rejected.
        disorder: what becomes of disordered crystals.
        icsd: which entries of an ICSD export.

    Raises:
        UserError: a path that does not exist or is of no such kind, or a filter for ICSD entries where there are none.
    """
    sources = [_one(_expanded(path), columns, max_file_mb, disorder, icsd) for path in paths]
    if icsd != ANY_ENTRY and not any(isinstance(source, IcsdExport) for source in sources):
        raise UserError("the --icsd options filter entries of ICSD, and there are none")
    if len(sources) == 1:
        return sources[0]
    if not sources:
        raise UserError("name at least one file, folder, zip or table of crystals")
    repeated = {name for name, n in Counter(path.name for path in paths).items() if n > 1}
    names = [_named(path, path.name in repeated) for path in paths]
    return Several(tuple(zip(names, sources, strict=True)))


def _named(path: Path, whole: bool) -> str:
    """What stands before the names of a source's files: the folder, with its path if another one is called so; nothing for a
    file that the user named, whose own name says which it is."""
    above = path.parent.as_posix().strip("/") if whole and path.parent != Path() else ""
    return above if _expanded(path).is_file() else f"{above}/{path.name}".strip("/")


def exists(path: Path) -> bool:
    """Whether there is such a file or folder; a name that no file can have is none."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, a link that leads in a circle, a null character
        return False


def _expanded(path: Path) -> Path:
    """The path with `~` replaced; as it is where there is no such user."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _one(path: Path, columns: Columns, max_file_mb: float, disorder: Disorder, icsd: IcsdFilter) -> Source:
    if not exists(path):
        raise UserError(f"{str(path)[:_LONGEST_SHOWN]} does not exist")
    if path.is_dir() and is_fetch(path):
        if open_fetch(path).kind == "optimade":
            return OptimadeFolder(path, disorder)
        return IcsdExport(path, max_file_mb, disorder, icsd)
    if path.is_dir() and (path / DOCUMENTS_FILE).is_file():
        return materials_project_candidates(path)
    if path.is_dir() or is_zip(path.name) or format_of(path.name) is not None:
        files = CifFolder(path, max_file_mb, disorder)
        return IcsdExport(path, max_file_mb, disorder, icsd) if looks_like_icsd(files) else files
    if path.suffix.lower() in (".parquet", ".pq"):
        return ParquetSource(path, labelled=False, columns=columns, disorder=disorder)
    if path.name.lower().endswith(CSV_ENDINGS):
        return CsvSource(path, labelled=False, columns=columns, disorder=disorder)
    convert = f"python -c \"from ase.io import read, write; write('{path.stem}.cif', read('{path.name}'))\""
    raise UserError(
        f"{path} is of no kind that is read: {READABLE}, each also as .gz, a folder or zip of these, a Parquet or CSV table. "
        f"ASE converts many other formats: {convert}"
    )


def ignored_files(source: Source) -> int:
    """How many files of the source's folders are of no kind that is read."""
    if isinstance(source, Several):
        return sum(ignored_files(inner) for _, inner in source.named)
    return source.ignored() if isinstance(source, CifFolder) else 0
