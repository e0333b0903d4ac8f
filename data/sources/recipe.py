"""A source as JSON and back, so that a manifest says where its crystals can be read again."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from data.cif.disorder import Disorder
from data.errors import UserError
from data.sources import Source
from data.sources.calculated import CalculatedSource
from data.sources.cif_folder import CifFolder
from data.sources.csv_table import CsvSource
from data.sources.icsd.export import IcsdExport
from data.sources.icsd.table import IcsdFilter
from data.sources.materials_project.source import MaterialsProjectCandidates
from data.sources.optimade.folder import OptimadeFolder
from data.sources.parquet import Columns, ParquetSource
from data.sources.selected import Selected
from data.sources.several import Several
from data.sources.starter import StarterSource


def recipe(source: Source) -> dict[str, Any]:
    """What `from_recipe` needs to open the source again, with absolute paths; only `kind` for a source that has no recipe."""
    match source:
        case IcsdExport():  # before its parent
            settings = {"max_file_mb": source.max_file_mb, "disorder": str(source.disorder), "chosen": asdict(source.chosen)}
            return {"kind": "icsd", "path": _absolute(source.path), **settings}
        case OptimadeFolder():
            return {"kind": "optimade", "path": _absolute(source.path), "disorder": str(source.disorder)}
        case CifFolder():
            settings = {"max_file_mb": source.max_file_mb, "disorder": str(source.disorder)}
            return {"kind": "cif", "path": _absolute(source.path), **settings}
        case ParquetSource():
            settings = {"labelled": source.labelled, "columns": _columns(source.columns), "disorder": str(source.disorder)}
            return {"kind": source.kind, "path": _absolute(source.path), **settings}
        case MaterialsProjectCandidates():
            return {"kind": "materials-project", "path": _absolute(source.path), "release": source.release}
        case CalculatedSource():
            return {"kind": "calculated", "path": _absolute(source.path)}
        case StarterSource():
            return {"kind": "starter", "equilibrium_only": source.equilibrium_only}
        case Selected():
            return {"kind": "selected", "ids": sorted(source.ids), "source": recipe(source.source)}
        case Several():
            return {"kind": "several", "sources": [{"name": name, "source": recipe(inner)} for name, inner in source.named]}
        case _:
            return {"kind": type(source).__name__}


def from_recipe(written: dict[str, Any]) -> Source:
    """The source that `recipe` described; whether its files are still there shows when it is read.

    Raises:
        UserError: no recipe, or one of another version.
    """
    try:
        match written["kind"]:
            case "cif":
                return CifFolder(Path(written["path"]), float(written["max_file_mb"]), Disorder(written["disorder"]))
            case "parquet" | "csv" as kind:
                columns, disorder = Columns(**written["columns"]), Disorder(written["disorder"])
                table = CsvSource if kind == "csv" else ParquetSource
                return table(Path(written["path"]), bool(written["labelled"]), columns, disorder)
            case "icsd":
                chosen = {**written["chosen"], "qualities": tuple(written["chosen"]["qualities"])}
                limit, disorder = float(written["max_file_mb"]), Disorder(written["disorder"])
                return IcsdExport(Path(written["path"]), limit, disorder, IcsdFilter(**chosen))
            case "optimade":
                return OptimadeFolder(Path(written["path"]), Disorder(written["disorder"]))
            case "materials-project":
                return MaterialsProjectCandidates(Path(written["path"]), str(written["release"]))
            case "calculated":
                return CalculatedSource(Path(written["path"]))
            case "starter":
                return StarterSource(bool(written["equilibrium_only"]))
            case "selected":
                return Selected(from_recipe(written["source"]), frozenset(written["ids"]))
            case "several":
                return Several(tuple((part["name"], from_recipe(part["source"])) for part in written["sources"]))
            case kind:
                raise UserError(f"a source of kind {kind!r} cannot be opened again from a manifest")
    except (KeyError, TypeError, ValueError) as fault:
        raise UserError("the manifest does not say where its crystals came from; it is damaged or of another version") from fault


def _columns(columns: Columns) -> dict[str, str | None]:
    """As JSON; the column of structures only where somebody named it, so that older manifests do not differ."""
    written = asdict(columns)
    if columns.structure == Columns().structure:
        del written["structure"]
    return written


def _absolute(path: Path) -> str:
    return str(path.expanduser().absolute())
