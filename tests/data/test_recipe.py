"""A source written into a manifest opens as the same source, and single crystals are found again in it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.cif.disorder import Disorder
from data.errors import UserError
from data.sources import Source
from data.sources.calculated import CalculatedSource
from data.sources.cif_folder import CifFolder
from data.sources.lookup import find_crystals
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.sources.recipe import from_recipe, recipe
from data.sources.selected import Selected
from data.sources.starter import StarterSource
from tests.contract.crystals import hand_built
from tests.pipeline.dft.samples import bcc, calculated


@pytest.fixture(scope="module")
def cifs() -> dict[str, str]:
    return {name.replace(" ", "_"): crystal.to_pymatgen().to(fmt="cif") for name, crystal in hand_built().items()}


@pytest.fixture
def sources(tmp_path: Path, cifs: dict[str, str]) -> dict[str, Source]:
    """One of each kind, with the same crystals."""
    folder = tmp_path / "cifs"
    folder.mkdir()
    for name, text in cifs.items():
        (folder / f"{name}.cif").write_text(text)
    blocks = [text.replace("data_", f"data_{k}_", 1) for k, text in enumerate(cifs.values())]
    (tmp_path / "all.cif").write_text("\n".join(blocks))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, text in cifs.items():
            archive.writestr(f"in/{name}.cif", text)
    pq.write_table(pa.table({"name": list(cifs), "cif": list(cifs.values())}), tmp_path / "t.parquet")
    licensed = tmp_path / "icsd"
    licensed.mkdir()
    for k, (name, text) in enumerate(cifs.items()):
        (licensed / f"{name}.cif").write_text(
            text.replace("\n_cell_length_a", f"\n_database_code_ICSD {7000 + k}\n_cell_length_a", 1)
        )
    columns = Columns.parse("id=name,split=")
    opened = {
        "folder": candidate_source([folder], columns, 3.0, Disorder.MAJORITY),
        "blocks": candidate_source([tmp_path / "all.cif"], columns),
        "table": candidate_source([tmp_path / "t.parquet"], columns),
        "several": candidate_source([folder, tmp_path / "a.zip", tmp_path / "t.parquet"], columns),
        "starter": StarterSource(equilibrium_only=True),
        "calculated": CalculatedSource(calculated(tmp_path / "calculated", bcc(26), bcc(27))),
        "icsd": candidate_source([licensed], columns),
    }
    return {**opened, "selected": Selected(opened["table"], frozenset({"Fe", "MnO"}))}


KINDS = ["folder", "blocks", "table", "several", "starter", "icsd", "selected", "calculated"]


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(sources: dict[str, Source], kind: str) -> None:
    again = from_recipe(json.loads(json.dumps(recipe(sources[kind]))))
    assert again == sources[kind] and again.identity() == sources[kind].identity()


@pytest.mark.parametrize("kind", KINDS)
def test_every_crystal_is_found_by_its_place(sources: dict[str, Source], kind: str) -> None:
    source = sources[kind]
    records = [item for shard in source.shards() for item in source.read(shard)]
    assert len(records) >= 2
    for record in (records[0], records[-1]):
        (place,) = [(record.crystal.id, record.source_file)]
        (found,) = find_crystals(source, [place])[place]
        assert found.formula == record.crystal.formula and found.n_sites == record.crystal.n_sites
    everything = find_crystals(source, {(r.crystal.id, r.source_file) for r in records})
    assert sum(map(len, everything.values())) == len(records)


def test_what_is_not_there(sources: dict[str, Source]) -> None:
    assert find_crystals(sources["folder"], [("nobody", "nobody.cif"), ("Fe", "elsewhere.cif")]) == {}


@pytest.mark.parametrize(
    "damaged", [{}, {"kind": "cif"}, {"kind": "tape"}, {"kind": "parquet", "path": "x", "columns": {"a": 1}}]
)
def test_damaged_recipes(damaged: dict[str, object]) -> None:
    with pytest.raises(UserError, match="manifest"):
        from_recipe(damaged)


def test_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.cif").write_text("data_a")
    monkeypatch.chdir(tmp_path)
    assert recipe(CifFolder(Path("a.cif")))["path"] == str(tmp_path / "a.cif")
