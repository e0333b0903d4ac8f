"""The columns that a screen gets: the same whatever the order of reading, and from any number of worker processes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.crystal import Crystal
from data.disordered import DisorderedCrystal, Species
from data.snapshot import publish_snapshot
from data.sources.starter import StarterSource
from data.symmetry import SymmetricCell, symmetrise
from pipeline.dedup import duplicates
from pipeline.dedup.cellfile import CellFiles, write_cells
from pipeline.dedup.duplicates import find_duplicates
from pipeline.dedup.fingerprint import fingerprint
from pipeline.dedup.known import Known, known_crystals
from pipeline.dedup.matching import Bucket, Matched, match_bucket
from pipeline.disorder.averaged_cell import averaged_cell
from tests.contract.crystals import hand_built, permuted, random_rotation, rotated, supercell


def table(crystals: list[tuple[str, Crystal]]) -> tuple[pd.DataFrame, list[SymmetricCell]]:
    cells = [symmetrise(crystal) for _, crystal in crystals]
    rows = {
        "candidate_id": [name for name, _ in crystals],
        "source_file": "a.cif",
        "formula": [crystal.formula for _, crystal in crystals],
        "fingerprint": [fingerprint(cell) for cell in cells],
    }
    return pd.DataFrame(rows), cells


def planted() -> list[tuple[str, Crystal]]:
    found = [(f"b {name}", crystal) for name, crystal in hand_built().items()]
    found += [(f"a {name}", permuted(rotated(crystal, random_rotation(3)), 4)) for name, crystal in hand_built().items()]
    return [*found, ("c Fe", supercell(hand_built()["Fe"], (2, 1, 1)))]


@pytest.mark.parametrize("workers", [1, 2])
def test_planted_duplicates_in_any_order(workers: int) -> None:
    crystals = planted()
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(crystals))
        shuffled = [crystals[k] for k in order]
        rows, cells = table(shuffled)
        done: list[int] = []
        found = find_duplicates(rows, lambda wanted, cells=cells: [cells[k] for k in wanted], Known(), workers, done.append)
        assert found.not_compared == 0 and sum(done) == len(crystals)
        assert (found.columns["known_id"] == "").all() and found.columns["known_moment"].isna().all()
        for (name, _), original in zip(shuffled, found.columns["duplicate_of"], strict=True):
            assert original == ("" if name.startswith("a ") else f"a {name[2:]}")


def test_known_moments_of_the_starter_set(tmp_path: Path) -> None:
    snapshot = publish_snapshot(tmp_path, StarterSource())
    source = StarterSource(equilibrium_only=True)
    records = [item for shard in source.shards() for item in source.read(shard)][:12]
    rows, cells = table([(f"mine {k}", supercell(record.crystal, (1, 1, 2))) for k, record in enumerate(records)])
    known = known_crystals(snapshot, rows["formula"], 0.01, 1)
    assert set(known.ids) < set(snapshot.table(["material_id"]).column(0).to_pylist()), "no other formula is looked at"
    found = find_duplicates(rows, lambda wanted: [cells[k] for k in wanted], known, 1, lambda n: None)
    for record, (_, row) in zip(records, found.columns.iterrows(), strict=True):
        assert row["known_id"] == record.crystal.id, "of several volumes the nearest"
        assert row["known_moment"] == pytest.approx(record.label.per_atom(record.crystal.n_sites))


def test_a_dopant_on_another_place_is_another_crystal() -> None:
    """Fe16N2 has places 4d and 4e of as many iron atoms. By the main elements, both dopings are one crystal."""
    lattice, iron, nitrogen = np.diag([5.72, 5.72, 6.29]), Species(26, 1.0, None), Species(7, 1.0, None)
    doped = (Species(26, 0.7, None), Species(27, 0.3, None))
    listed = {"N": [[0, 0, 0]], "4e": [[0, 0, 0.293], [0, 0, -0.293]], "4d": [[0, 0.5, 0.25], [0, 0.5, 0.75]],
              "8h": [[x, y, 0] for x in (0.242, -0.242) for y in (0.242, -0.242)]}  # fmt: skip
    names = [name for name, places in listed.items() for _ in places] * 2
    half = np.array([place for places in listed.values() for place in places])
    frac = np.concatenate([half, half + 0.5])

    def crystal(where: str, seed: int) -> DisorderedCrystal:
        kinds = ((nitrogen,), (iron,), doped)
        kind = np.array([0 if name == "N" else 2 if name == where else 1 for name in names])
        order = np.random.default_rng(seed).permutation(len(kind))
        return DisorderedCrystal("x", lattice, frac[order], kind[order], kinds)

    found = [averaged_cell(crystal(*one)) for one in (("4e", 0), ("4d", 1), ("4e", 2), ("4d", 3))]
    assert all((one.symmetric.numbers[one.symmetric.numbers != 7] == 26).all() for one in found)
    assert len({one.fingerprint for one in found}) == 1
    rows = pd.DataFrame({"candidate_id": list("abcd"), "source_file": "", "fingerprint": [one.fingerprint for one in found]})
    duplicate = find_duplicates(rows, lambda wanted: [found[k].symmetric for k in wanted], Known(), 1, lambda n: None)
    assert duplicate.columns["duplicate_of"].tolist() == ["", "", "a", "b"]


def test_a_disordered_crystal_and_its_mirror_image_are_one() -> None:
    """Quartz with a dopant, in P 31 2 1 and P 32 2 1: ordered crystals of such pairs are duplicates, too."""
    kinds = ((Species(14, 0.9, None), Species(32, 0.1, None)), (Species(8, 1.0, None),))
    silicon = [[0.47, 0, 2 / 3], [0, 0.47, 1 / 3], [-0.47, -0.47, 0]]
    x, y, z = 0.41, 0.27, 0.12
    oxygen = [[x, y, z], [-y, x - y, z + 2 / 3], [y - x, -x, z + 1 / 3]]
    oxygen += [[y, x, -z], [x - y, -y, 1 / 3 - z], [-x, y - x, 2 / 3 - z]]
    lattice = np.array([[4.91, 0, 0], [-4.91 / 2, 4.91 * 3**0.5 / 2, 0], [0, 0, 5.4]])
    frac, kind = np.array([*silicon, *oxygen]), np.array([0] * 3 + [1] * 6)
    found = [averaged_cell(DisorderedCrystal("x", lattice @ np.diag([1, 1, s]), frac, kind, kinds)) for s in (1, -1)]
    assert sorted(one.symmetric.space_group for one in found) == [152, 154]
    rows = pd.DataFrame({"candidate_id": ["a", "b"], "source_file": "", "fingerprint": [one.fingerprint for one in found]})
    duplicate = find_duplicates(rows, lambda wanted: [found[k].symmetric for k in wanted], Known(), 1, lambda n: None)
    assert duplicate.columns["duplicate_of"].tolist() == ["", "a"]


def _hangs(bucket: Bucket) -> Matched:
    if len(bucket.candidates) > 2:
        time.sleep(60)
    return match_bucket(bucket)


def test_a_bucket_that_takes_too_long_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison is really interrupted; only the time limit is the test's."""
    monkeypatch.setattr(duplicates, "SECONDS_PER_BUCKET", 3.0)
    monkeypatch.setattr(duplicates, "match_bucket", _hangs)
    rows, cells = table(planted())
    found = find_duplicates(rows, lambda wanted: [cells[k] for k in wanted], Known(), 1, lambda n: None)
    assert found.not_compared == 3, "the three descriptions of Fe"
    assert (found.columns["duplicate_of"] != "").sum() == len(hand_built()) - 1


def test_cells_on_disk(tmp_path: Path) -> None:
    cells = [symmetrise(crystal) for crystal in hand_built().values()]
    write_cells(tmp_path / "0.parquet", cells[:4])
    write_cells(tmp_path / "1.parquet", [])
    write_cells(tmp_path / "2.parquet", cells[4:])
    files = CellFiles((tmp_path / "0.parquet", tmp_path / "1.parquet", tmp_path / "2.parquet"))
    assert list(files.take([])) == []
    for row, cell in zip([7, 0, 4, 4], files.take([7, 0, 4, 4]), strict=True):
        for name in ("lattice", "frac", "numbers", "orbit"):
            assert np.array_equal(getattr(cell, name), getattr(cells[row], name))
        assert (cell.space_group, cell.exact, cell.hall) == (cells[row].space_group, cells[row].exact, cells[row].hall)
