"""The contract of every source. A new source adds one factory here."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.materials_project.documents import narrow
from data.materials_project.state import write_documents
from data.sources import Source
from data.sources.cif_folder import CifFolder
from data.sources.materials_project import MaterialsProjectSource
from data.sources.parquet import ParquetSource
from data.sources.selected import Selected
from data.sources.several import Several
from data.sources.starter import StarterSource
from tests.contract.sources import CHECKS, Factory
from tests.data.cif_texts import cif_text
from tests.servers.documents import document, records

BAD = cif_text(cell="")


def parquet(folder: Path) -> Source:
    path = folder / "table.parquet"
    if not path.exists():
        names, texts = ["a", "b", "c"], [cif_text(), BAD, cif_text()]
        pq.write_table(pa.table({"material_id": names, "cif": texts, "total_magnetization_muB": [5.0, 5.0, None]}), path)
    return ParquetSource(path, labelled=True)


def candidates(folder: Path) -> Source:
    return ParquetSource(parquet(folder).path, labelled=False)  # type: ignore[attr-defined]


def cif_folder(folder: Path) -> Source:
    path = folder / "cifs"
    if not path.exists():
        path.mkdir()
        (path / "a.cif").write_text(cif_text("one") + BAD + cif_text("two"))
        (path / "b.cif").write_text("no CIF")
        with zipfile.ZipFile(path / "c.zip", "w") as archive:
            archive.writestr("d.cif", cif_text())
            archive.writestr("../e.cif", cif_text())
    return CifFolder(path)


def starter(folder: Path) -> Source:
    return StarterSource()


def equilibrium(folder: Path) -> Source:
    return StarterSource(equilibrium_only=True)


def several(folder: Path) -> Source:
    return Several((("first", cif_folder(folder)), ("second", parquet(folder))))


def selected(folder: Path) -> Source:
    return Selected(several(folder), frozenset({"a", "d"}))


def materials_project(folder: Path) -> Source:
    path = folder / "documents.parquet"
    if not path.exists():
        told = [document(record, f"mp-{k}") for k, record in enumerate(records(StarterSource(equilibrium_only=True)))]
        told[1]["structure"] = None
        write_documents(path, sorted(map(narrow, told)))
    return MaterialsProjectSource(path, "2026.10.1")


FACTORIES: list[Callable[[Path], Source]] = [
    parquet, candidates, cif_folder, starter, equilibrium, several, selected, materials_project,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_sources(tmp_path: Path, factory: Callable[[Path], Source], check: Callable[[Factory], None]) -> None:
    check(lambda: factory(tmp_path))
