"""What is kept to save time, damaged on the disk: noticed and made again, never used."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.starter import StarterSource
from data.store.artifact import file_hash
from pipeline.features.graphs import graph_store
from pipeline.features.neighbours import GraphSettings
from pipeline.features.vectorstore import vector_store
from pipeline.ops.ledger import Ledger

SETTINGS = GraphSettings()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def forget_hashes(path: Path) -> None:
    """What a release wrote that kept none."""
    manifest = path.with_name("manifest.json")
    manifest.write_text(json.dumps({k: v for k, v in json.loads(manifest.read_text()).items() if k != "files"}))


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a flipped bit": flip,
    "torn": lambda path: path.write_bytes(path.read_bytes()[:-8]),
    "missing": Path.unlink,
    "no manifest": lambda path: path.with_name("manifest.json").unlink(),
    "a torn manifest": lambda path: path.with_name("manifest.json").write_text("{"),
    "of an older release": forget_hashes,
}


@pytest.fixture(scope="module")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return publish_snapshot(tmp_path_factory.mktemp("snapshots"), StarterSource(equilibrium_only=True))


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: file_hash(path) for path in folder.iterdir()}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_graph_store_is_built_again(starter: Snapshot, tmp_path: Path, damage: str) -> None:
    store = graph_store(tmp_path, starter, SETTINGS, workers=1)
    sound = hashes(store.folder)
    DAMAGE[damage](store.folder / "edge_distance.npy")
    assert hashes(store.folder) != sound
    ticks: list[int] = []
    again = graph_store(tmp_path, starter, SETTINGS, workers=1, tick=ticks.append)
    assert sum(ticks) == starter.manifest["crystals"]
    assert hashes(again.folder) == sound
    assert [path.name for path in tmp_path.iterdir()] == [store.folder.name]


def test_a_damaged_store_of_directions_is_built_again(starter: Snapshot, tmp_path: Path) -> None:
    store = graph_store(tmp_path, starter, SETTINGS, workers=1)
    ticks: list[int] = []
    sound = vector_store(tmp_path, starter, store, SETTINGS, 1, ticks.append)
    wanted = np.array(sound.edge_vector)
    (folder,) = tmp_path.glob("*-vectors")
    flip(folder / "edge_vector.npy")
    again = vector_store(tmp_path, starter, store, SETTINGS, 1, ticks.append)
    assert sum(ticks) == 2 * starter.manifest["crystals"]
    np.testing.assert_array_equal(again.edge_vector, wanted)


def test_a_damaged_ledger_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"neither SQLite nor anything else" * 64)
    with pytest.raises(UserError, match=r"no readable ledger .*move it away"):
        Ledger(tmp_path)
