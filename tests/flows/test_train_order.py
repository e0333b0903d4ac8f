"""Order models learned from refreshed site moments, promoted, used by the next screen, and given up again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pymatgen.core import Element
from typer.testing import CliRunner

from data.crystal import make_crystal
from data.sources.starter import StarterSource
from flows.cli import app
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.shipped import SYSTEMS_FILE, shipped_of, system_hash
from tests.pipeline.training.magnets import type_one

LEARNED = (24, 25, 26, 27, 28)  # metals of the oxides of the training rows
VALIDATED = 22
TESTED = ((23, "N"), (27, "N"), (29, "N"), (23, "O"), (29, "O"), (23, "F"), (25, "F"))
OXYGEN = 8
EDGES_A = tuple(4.1 + 0.08 * k for k in range(4))
SPREAD_A = 0.6  # of the edge, from antiferromagnets to ferrimagnets, and on to ferromagnets
CANDIDATES = 12
RANKING = ("ranking.csv", "ranking.parquet")


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    folder = tmp_path / "cifs"
    folder.mkdir()
    source = StarterSource(equilibrium_only=True)
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)]  # type: ignore[union-attr]
    for crystal in crystals[:CANDIDATES]:
        (folder / f"{crystal.id}.cif").write_text(crystal.to_pymatgen().to(fmt="cif"))
    return folder


def run(*arguments: str) -> dict[str, Any]:
    """The command in this process; what it says as JSON."""
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    return said


def site_moments(path: Path) -> Path:
    """Rock salts whose edge alone decides how they order; the test rows are of systems that the shipped model never saw."""
    rows = [row for metal in LEARNED for row in salts(metal, OXYGEN, "train")] + salts(VALIDATED, OXYGEN, "val")
    rows += [row for metal, anion in TESTED for row in salts(metal, Element(anion).Z, "test")]
    columns = {
        "material_id": [f"m{k}" for k in range(len(rows))], "cif": [cif for cif, _, _ in rows],
        "site_magmoms_muB": [moments for _, moments, _ in rows], "split": [split for _, _, split in rows],
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return path


def salts(metal: int, anion: int, split: str) -> list[tuple[str, list[float], str]]:
    """(CIF text, moments, split) of an antiferromagnet, a ferrimagnet and a ferromagnet for each edge."""
    made = []
    for edge in EDGES_A:
        for kind, share in enumerate((-1.0, -0.5, 1.0)):  # the moment of the second sublattice, of the first one's
            one = type_one(edge + SPREAD_A * kind, metal)
            numbers = np.where(one.crystal.numbers == OXYGEN, anion, one.crystal.numbers)
            crystal = make_crystal("salt", one.crystal.lattice, one.crystal.frac, numbers)
            moments = np.where(one.moments < 0, -share * one.moments, one.moments)
            made.append((crystal.to_pymatgen().to(fmt="cif"), np.round(moments, 3).tolist(), split))
    return made


def test_the_shipped_model_never_saw_the_test_rows() -> None:
    """Else there would be nothing to compare the two models on."""
    shipped = shipped_of(OrderClassifier)
    assert shipped is not None
    seen = set(json.loads((shipped.folder / SYSTEMS_FILE).read_text()))
    assert not seen & {system_hash("-".join(sorted((Element.from_Z(metal).symbol, anion)))) for metal, anion in TESTED}


def test_a_promoted_order_classifier_ranks_until_it_is_rolled_back(empty_home: Path, candidates: Path, tmp_path: Path) -> None:
    def screen(name: str) -> tuple[dict[str, Any], list[bytes]]:
        """The manifest and the bytes of the ranking, in a folder of its own: nothing of an earlier screen can be returned."""
        said = run("screen", str(candidates), "--out", str(tmp_path / name))
        return said, [(tmp_path / name / file).read_bytes() for file in RANKING]

    shipped = shipped_of(OrderClassifier)
    assert shipped is not None
    before, bytes_before = screen("before")
    assert before["order_classifier"] == shipped.id

    snapshot = run("refresh", "--source", f"parquet:{site_moments(tmp_path / 'site_moments.parquet')}")
    trained = run("train-order")["order classifier"]
    assert trained["promotion"]["promoted"], trained["promotion"]["why_not"]
    assert trained["promotion"]["against"] == shipped.id and trained["promotion"]["gain"] is not None
    manifest = json.loads((empty_home / "order-classifiers" / trained["id"] / "manifest.json").read_text())
    assert manifest["snapshot"] == snapshot["id"]

    after, bytes_after = screen("after")
    assert after["order_classifier"] == trained["id"] and after["id"] != before["id"]
    assert after["model"] == before["model"] and bytes_after != bytes_before
    assert [row["saturation_T"] for row in after["top"]] != [row["saturation_T"] for row in before["top"]]

    assert run("rollback", "--kind", "order-classifier") == {"given up": trained["id"], "in use": shipped.id}
    again, bytes_again = screen("again")
    assert again["order_classifier"] == shipped.id and again["id"] == before["id"]
    assert bytes_again == bytes_before
