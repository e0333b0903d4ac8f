from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import torch

from data.crystal import Crystal, make_crystal
from data.labels import Label
from data.rejection import Rejection
from data.snapshot import Snapshot, publish_snapshot
from data.sources import Record, Shard
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from data.store.artifact import file_hash
from data.symmetry import symmetrise
from models.contract import Model
from models.families import family
from models.graphs.crystal_graphs import CrystalGraphs
from pipeline.features import graphs as store_module
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import build_graphs
from tests.conftest import STARTER_ROWS
from tests.contract import crystals as made
from tests.contract.models import TRANSFORMATIONS, trained

SAME_GRAPH = 1e-5  # µB/atom, float32: asymmetric unit against full cell
INVARIANCE = 1e-4  # µB/atom, float32: another way to write the same crystal
REAL_CRYSTALS = 300
NETWORKS = ("cgcnn", "megnet", "ecn", "mcegnn")
MAGNETS = Path(__file__).parents[4] / "shared" / "data" / "mp_magnets.parquet"

needs_magnets = pytest.mark.skipif(not MAGNETS.is_file(), reason="no ../shared/data/mp_magnets.parquet beside the checkout")


class Few:
    """Hand-built crystals and one atom that is alone in its box."""

    description = "few"

    def identity(self) -> str:
        return "few"

    def shards(self) -> Iterator[Shard]:
        yield Shard((0, 1), 1)

    def read(self, shard: Shard) -> Iterator[Record | Rejection]:
        crystals = list(made.hand_built().values())
        for crystal in [*crystals[:3], make_crystal("alone", 30 * np.eye(3), [[0, 0, 0]], [10]), *crystals[3:]]:
            yield Record(crystal, "few.txt", Label(1.0))


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return publish_snapshot(tmp_path_factory.mktemp("snapshots"), StarterSource())


def file_hashes(folder: Path) -> dict[str, str]:
    return {path.name: file_hash(path) for path in folder.iterdir()}


def test_the_same_snapshot_gives_the_same_bytes_whatever_the_workers(
    starter: Snapshot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = graph_store(tmp_path / "one", starter, made.SETTINGS, workers=1)
    monkeypatch.setattr(store_module, "CRYSTALS_PER_TASK", 64)  # several tasks, of which the last is not full
    ticks: list[int] = []
    many = graph_store(tmp_path / "two", starter, made.SETTINGS, workers=2, tick=ticks.append)
    assert whole.folder.name == many.folder.name
    assert file_hashes(whole.folder) == file_hashes(many.folder)
    whole_tasks, rest = divmod(STARTER_ROWS, 64)
    assert rest and ticks == [64] * whole_tasks + [rest]


def test_the_second_call_opens_the_first_ones_store(starter: Snapshot, tmp_path: Path) -> None:
    first = graph_store(tmp_path, starter, made.SETTINGS, workers=1)
    stamps = {p.name: p.stat().st_mtime_ns for p in first.folder.iterdir()}
    ticks: list[int] = []
    again = graph_store(tmp_path, starter, made.SETTINGS, workers=1, tick=ticks.append)
    assert again.folder == first.folder
    assert ticks == []
    assert stamps == {p.name: p.stat().st_mtime_ns for p in again.folder.iterdir()}
    assert [p.name for p in tmp_path.iterdir()] == [first.folder.name], "a temporary folder was left behind"


@pytest.mark.parametrize("change", [{"neighbours": 8}, {"shell_tolerance_A": 0.2}, {"max_radius_A": 12.0}, {"symprec_A": 0.02}])
def test_other_settings_are_another_store(starter: Snapshot, tmp_path: Path, change: dict[str, float]) -> None:
    first = graph_store(tmp_path, starter, made.SETTINGS, workers=1)
    other = graph_store(tmp_path, starter, replace(made.SETTINGS, **change), workers=1)
    assert other.folder != first.folder
    assert other.manifest["settings"][next(iter(change))] == next(iter(change.values()))


def test_another_snapshot_is_another_store(starter: Snapshot, tmp_path: Path) -> None:
    few = publish_snapshot(tmp_path / "snapshots", Few())
    stores = [graph_store(tmp_path / "graphs", snapshot, made.SETTINGS, workers=1) for snapshot in (starter, few)]
    assert [len(store.graphs) for store in stores] == [STARTER_ROWS, 10]


def test_the_store_holds_the_snapshots_graphs_in_order(starter: Snapshot, tmp_path: Path) -> None:
    store = graph_store(tmp_path, starter, made.SETTINGS, workers=1)
    np.testing.assert_array_equal(store.rows, np.arange(STARTER_ROWS))
    wanted = CrystalGraphs.join([made.build_graph(symmetrise(c), made.SETTINGS) for c in starter.crystals()])
    for name, array in wanted.arrays().items():
        read = getattr(store.graphs, name)
        assert isinstance(read, np.memmap)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array, err_msg=name)


def test_a_crystal_without_a_graph_is_listed_and_leaves_no_gap(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    snapshot = publish_snapshot(tmp_path / "snapshots", Few())
    store = graph_store(tmp_path / "graphs", snapshot, made.SETTINGS, workers=1)
    assert store.rows.tolist() == [0, 1, 2, *range(4, 11)]
    assert len(store.graphs) == store.manifest["crystals"] == 10
    rejected = pq.read_table(store.folder / "rejected.parquet").to_pylist()
    assert [(r["candidate_id"], r["reason"]) for r in rejected] == [("alone", "no_neighbours")]
    assert store.manifest["rejected"] == 1
    assert store.manifest["snapshot"] == snapshot.id
    crystals = list(snapshot.crystals())
    for k, row in enumerate(store.rows):
        numbers = store.graphs.take(np.array([k])).numbers
        assert set(numbers.tolist()) == set(crystals[row].numbers.tolist())


# ---- real crystals ----


@lru_cache(maxsize=1)
def real_crystals() -> list[Crystal]:
    """From four places of the table."""
    source = ParquetSource(MAGNETS, labelled=True)
    shards = list(source.shards())
    picked = [shards[k] for k in (1, len(shards) // 3, 2 * len(shards) // 3, len(shards) - 2)]
    each = REAL_CRYSTALS // len(picked)
    records = [r for s in picked for r in source.read(Shard((s.part[0], s.part[0] + each), each)) if isinstance(r, Record)]
    return [r.crystal for r in records]


def seeded(name: str) -> Model:
    """An untrained network whose predictions differ from crystal to crystal."""
    torch.manual_seed(11)
    model = family(name)()
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.mul_(1.5)
    return model


@needs_magnets
def test_asymmetric_unit_equals_full_cell_on_real_crystals() -> None:
    cells = [symmetrise(crystal) for crystal in real_crystals()]
    _, kept = build_graphs(cells, made.SETTINGS)
    assert len(kept) > 0.95 * REAL_CRYSTALS
    cells = [cells[k] for k in kept]
    folded, unfolded = made.examples_of_cells(cells), made.examples_of_cells([made.without_orbits(c) for c in cells])
    assert len(unfolded.graphs.numbers) > 1.5 * len(folded.graphs.numbers)
    for name in NETWORKS:
        model = seeded(name)
        said, wanted = model.predict(folded), model.predict(unfolded)
        assert np.ptp(said.moment) > 0.1, f"{name}: predictions too even to compare"
        np.testing.assert_allclose(said.moment, wanted.moment, rtol=0, atol=SAME_GRAPH, err_msg=name)
        np.testing.assert_allclose(said.p_magnetic, wanted.p_magnetic, rtol=0, atol=SAME_GRAPH, err_msg=name)


@needs_magnets
@pytest.mark.parametrize("change", ["reflection", "translation", "skewed basis", "2x1x1 supercell", "all at once"])
def test_real_crystals_written_differently_get_the_same_prediction(change: str) -> None:
    """Not the standard cells of pymatgen: they move noisy atoms onto symmetric places, which is another crystal."""
    crystals = real_crystals()[::3]
    plain = made.examples_of(crystals)
    other = made.examples_of([TRANSFORMATIONS[change](c) for c in crystals])
    np.testing.assert_allclose(other.descriptors, plain.descriptors, rtol=1e-4, atol=1e-4)
    for name in ("forest", *NETWORKS):
        model = trained(family(name))[0]
        said, wanted = model.predict(other).moment, model.predict(plain).moment
        np.testing.assert_allclose(said, wanted, rtol=0, atol=INVARIANCE, err_msg=name)
