"""The contract of every source. A new source adds one factory here."""

from __future__ import annotations

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ase.io import write as write_ase
from pydantic import SecretStr

from data.rejection import Rejection
from data.sources import Record, Shard, Source
from data.sources.calculated import CalculatedSource
from data.sources.cif_folder import CifFolder
from data.sources.icsd.api import Credentials
from data.sources.icsd.export import IcsdExport
from data.sources.icsd.fetch import IcsdQuery, fetch_icsd
from data.sources.icsd.table import IcsdFilter
from data.sources.materials_project.documents import narrow
from data.sources.materials_project.source import MaterialsProjectSource
from data.sources.materials_project.state import write_documents
from data.sources.opening import candidate_source
from data.sources.optimade.fetch import OptimadeQuery, fetch_optimade
from data.sources.optimade.folder import OptimadeFolder
from data.sources.parquet import Columns, ParquetSource
from data.sources.selected import Selected
from data.sources.several import Several
from data.sources.starter import StarterSource
from data.store.artifact import write_json
from tests.contract.sources import CHECKS, Factory
from tests.data.cif_texts import cif_text
from tests.pipeline.dft.samples import bcc
from tests.pipeline.dft.samples import calculated as write_calculated
from tests.servers import icsd, optimade
from tests.servers.documents import document, records
from tests.servers.loopback import running

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


def structure_files(folder: Path) -> Source:
    """POSCAR, JSON with several structures, extended XYZ, packed and plain, beside files that are none."""
    path = folder / "structures"
    if not path.exists():
        (path / "run").mkdir(parents=True)
        structure = bcc(26).to_pymatgen()
        structure.to(str(path / "run" / "POSCAR"), fmt="poscar")
        both = [structure.as_dict(), {"id": "named", "structure": structure.as_dict()}, {"structure": 1}]
        (path / "two.json.gz").write_bytes(gzip.compress(json.dumps(both).encode()))
        write_ase(path / "frames.extxyz", [structure.to_ase_atoms()] * 2, format="extxyz")
        (path / "molecule.xyz").write_text("1\n\nFe 0 0 0\n")
        (path / "notes.txt").write_text("no crystal")
    return candidate_source([path], Columns())


def csv_table(folder: Path) -> Source:
    path = folder / "table.csv"
    if not path.exists():
        cells = [("material_id", "cif"), ("a", cif_text()), ("b", BAD), ("c", "")]
        path.write_text("\n".join(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in cells))
    return candidate_source([path], Columns())


def starter(folder: Path) -> Source:
    return StarterSource()


def equilibrium(folder: Path) -> Source:
    return StarterSource(equilibrium_only=True)


def several(folder: Path) -> Source:
    return Several((("first", cif_folder(folder)), ("second", parquet(folder))))


def selected(folder: Path) -> Source:
    return Selected(several(folder), frozenset({"a", "c.zip/d"}))


def icsd_folder(folder: Path) -> Source:
    path = folder / "icsd"
    if not path.exists():
        path.mkdir()
        for code in (11, 12):
            (path / f"{code}.cif").write_text(cif_text(f"{code}-ICSD", extra=f"_database_code_ICSD {code}\n"))
        (path / "bad.cif").write_text(BAD)
        with zipfile.ZipFile(path / "more.zip", "w") as archive:
            archive.writestr("13.cif", cif_text("13-ICSD", extra="_database_code_ICSD 13\n"))
        (path / "export.csv").write_text("CollectionCode,Temperature\n11,293\n12,900\n13,\n")
    return IcsdExport(path, chosen=IcsdFilter(max_temperature_K=400))


def fetched_icsd(folder: Path) -> Source:
    path = folder / "fetched-icsd"
    if not path.exists():
        good, other = icsd.starter_entries(5), icsd.starter_entries(1)[0]
        text = BAD.replace("data_test", "data_77-ICSD\n_database_code_ICSD 77", 1)
        bad = replace(other, code=77, cif=f"{text}#End of TTdata_77-ICSD\n")
        with running(icsd.IcsdServer([*good, bad])) as server:
            account = Credentials(icsd.LOGIN, SecretStr(icsd.PASSWORD), server.url)
            fetch_icsd(IcsdQuery("NUMBEROFELEMENTS : 1-9", entries_per_page=2), account, path, lambda entries, total: None)
    return IcsdExport(path)


def fetched_optimade(folder: Path) -> Source:
    path = folder / "fetched-optimade"
    if not path.exists():
        crystals = [item.crystal for item in StarterSource(True).read(Shard(None, 1)) if not isinstance(item, Rejection)]
        entries = [optimade.entry_of(crystal) for crystal in crystals[:5]]
        entries[3]["attributes"]["structure_features"] = ["implicit_atoms"]
        with running(optimade.OptimadeServer(entries)) as server:
            fetch_optimade(OptimadeQuery.of(server.url, "nelements>0", 2), path, lambda entries, total: None)
    return OptimadeFolder(path)


def materials_project(folder: Path) -> Source:
    path = folder / "documents.parquet"
    if not path.exists():
        told = [document(record, f"mp-{k}") for k, record in enumerate(records(StarterSource(equilibrium_only=True)))]
        told[1]["structure"] = None
        write_documents(path, sorted(map(narrow, told)))
    return MaterialsProjectSource(path, "2026.10.1")


def known_to_icsd(folder: Path) -> Source:
    snapshot = folder / "snapshot"
    if not snapshot.exists():
        snapshot.mkdir()
        told = [document(record, f"mp-{k}") for k, record in enumerate(records(StarterSource(equilibrium_only=True)))]
        told[0]["database_IDs"] = {}
        told[1]["structure"] = None
        told[2]["database_IDs"] = ["no dictionary"]
        write_documents(snapshot / "documents.parquet", sorted(map(narrow, told)))
        write_json(snapshot / "manifest.json", {"origin": {"database_version": "2026.10.1"}})
    source = candidate_source([snapshot], Columns())
    ids = {item.crystal.id for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)}
    assert ids and not ids & {"mp-0", "mp-2"}
    return source


def calculated(folder: Path) -> Source:
    """A crystal with all its orderings, one of another method, one with the ferromagnet only, and a file cut short."""
    path = folder / "calculated"
    if not path.exists():
        write_calculated(path, bcc(26))
        write_calculated(path, bcc(26), code="NeverConverges")
        write_calculated(path, bcc(27), orderings=1)
        (path / f"{'0' * 32}.json").write_text('{"format": 1, "id": ')
    return CalculatedSource(path)


FACTORIES: list[Callable[[Path], Source]] = [
    parquet, candidates, cif_folder, starter, equilibrium, several, selected, icsd_folder, fetched_icsd, fetched_optimade,
    materials_project, known_to_icsd, calculated, structure_files, csv_table,
]  # fmt: skip


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("factory", FACTORIES, ids=lambda factory: factory.__name__)
def test_sources(tmp_path: Path, factory: Callable[[Path], Source], check: Callable[[Factory], None]) -> None:
    check(lambda: factory(tmp_path))
