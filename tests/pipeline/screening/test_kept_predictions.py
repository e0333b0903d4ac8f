"""A screen of crystals that were seen before: the same bytes as computed anew, and only what changed is computed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from data.crystal import Crystal
from data.sources import Record
from data.sources.cif_folder import CifFolder
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from pipeline.dedup.matching import Bucket, Matched, Reduced, match_bucket
from pipeline.features.magnetic_composition import formula_mix
from pipeline.ops.progress import Quiet
from pipeline.ops.row_store import row_keys
from pipeline.refresh.prune import UNUSED_DAYS, prune
from pipeline.registry.ensemble import Ensemble
from pipeline.registry.order_models import experiment_model, order_classifier
from pipeline.registry.shipped import choose_model
from pipeline.screening import kept_matches, kept_rows
from pipeline.screening.kept_rows import FILE, open_store, read_kept, today
from pipeline.screening.ordered_rows import OrderedRow, OrderedRows
from pipeline.screening.predicted_cells import Predictor, cell_bytes, crystal_bytes
from pipeline.screening.predicted_compositions import CompositionPredictor
from pipeline.screening.screen import FILES, screen
from pipeline.screening.screen_models import ScreenModels
from pipeline.settings import Settings
from tests.contract.crystals import hand_built, supercell


@pytest.fixture
def home(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", workers=1)


@pytest.fixture
def shipped(home: Settings) -> Ensemble:
    """All families of the ensemble that everybody uses."""
    return choose_model(home)


def written(where: Settings, ensemble: Ensemble, folder: Path, out: Path) -> dict[str, bytes]:
    done = screen(candidate_source([folder], Columns()), ensemble, out, where, Quiet())
    return {name: (done.folder / name).read_bytes() for name in FILES}


def rows(where: Settings) -> int:
    with closing(sqlite3.connect(where.predictions / FILE)) as base:
        return int(base.execute("select count(*) from kept").fetchone()[0])


def test_a_screen_with_a_few_changes_has_the_bytes_of_one_from_nothing(
    tmp_path: Path, home: Settings, shipped: Ensemble, cif_folder: Path
) -> None:
    written(home, shipped, cif_folder, tmp_path / "first")
    before, crystals = rows(home), len(list(cif_folder.iterdir()))
    assert before == 4 * crystals, "of each what its text holds, its cell, its prediction and that of its composition"
    changed, gone, *_ = sorted(cif_folder.iterdir())
    text = changed.read_text().splitlines()
    lengths = [k for k, line in enumerate(text) if line.startswith("_cell_length_")]
    for k in lengths:
        name, value = text[k].split()
        text[k] = f"{name} {1.01 * float(value)}"
    changed.write_text("\n".join(text))
    gone.unlink()
    (cif_folder / "alone.cif").write_text(  # no neighbour within 16 Å
        "data_x\n_cell_length_a 40\n_cell_length_b 40\n_cell_length_c 40\n_cell_angle_alpha 90\n_cell_angle_beta 90\n"
        "_cell_angle_gamma 90\n_symmetry_space_group_name_H-M 'P 1'\nloop_\n_atom_site_label\n_atom_site_fract_x\n"
        "_atom_site_fract_y\n_atom_site_fract_z\nFe 0 0 0\n"
    )
    kept = written(home, shipped, cif_folder, tmp_path / "second")
    assert rows(home) == before + 6, "only the changed crystal and the new one were computed"
    nothing = Settings(home=tmp_path / "other", workers=1, kept_predictions_mb=0)
    assert written(nothing, shipped, cif_folder, tmp_path / "third") == kept
    assert not nothing.predictions.exists()
    content = bytearray((home.predictions / FILE).read_bytes())
    content[len(content) // 3 :] = b"\x00" * (len(content) - len(content) // 3)
    (home.predictions / FILE).write_bytes(content)
    assert written(home, shipped, cif_folder, tmp_path / "fourth") == kept, "and a damaged file costs time only"
    (tmp_path / "fourth" / "ranking.csv").unlink()
    assert written(home, shipped, cif_folder, tmp_path / "fourth") == kept


def test_what_is_kept_is_found_by_what_computed_it_and_never_of_licensed_crystals(
    tmp_path: Path, home: Settings, shipped: Ensemble
) -> None:
    source = StarterSource()
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard)][:6]  # type: ignore[union-attr]
    store = open_store(home.predictions)
    assert store is not None
    plain = Predictor(shipped, order_classifier(home).folder, None, None)
    keeping = replace(plain, store=store)
    licensed = [True, False, False, True, False, False]
    cells = plain.cells(crystals, licensed)
    wanted = plain.say(cells, licensed)
    for expected in (8, 8):
        again = keeping.cells(crystals, licensed)
        said = keeping.say(again, licensed)
        for one, other in zip(cells, again, strict=True):
            for name in ("lattice", "frac", "numbers", "orbit", "space_group", "exact", "hall"):
                value, kept = getattr(one, name), getattr(other, name)
                np.testing.assert_array_equal(value, kept)
                assert type(value) is type(kept) and getattr(value, "dtype", None) == getattr(kept, "dtype", None)
        for name, values in wanted.values.items():
            np.testing.assert_array_equal(said.values[name], values, err_msg=name)
        assert rows(home) == expected
    other = replace(keeping, order=tmp_path / "another")
    assert other._prefix != keeping._prefix
    store.forget(today() + 1)
    assert rows(home) == 0


def test_a_whole_row_is_found_by_all_that_computed_it_and_a_damaged_one_is_computed_again(
    home: Settings, shipped: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    crystals = [*hand_built().values()]
    licensed = [k == 1 for k in range(len(crystals))]
    models = ScreenModels.in_use(shipped, home)
    plain = OrderedRows(Predictor(shipped, models.order, None, None), models)
    wanted = plain.of(crystals, licensed)
    keeping = OrderedRows(
        replace(plain.predictor, store=open_store(home.predictions)), replace(models, kept=home.predictions)
    )
    asked = list[int]()
    computed = OrderedRows._computed

    def counted(self: OrderedRows, crystals: list[Crystal], licensed: list[bool], secret: bool) -> list[OrderedRow | None]:
        asked.append(len(crystals))
        return computed(self, crystals, licensed, secret)

    def ask(rows: OrderedRows) -> int:
        """How many crystals were computed."""
        assert_same(rows.of(crystals, licensed), wanted)
        return sum(asked[-1:])

    monkeypatch.setattr(OrderedRows, "_computed", counted)
    assert ask(keeping) == len(crystals)
    assert ask(keeping) == 1, "the licensed one"
    for name in ("moment", "order", "experiment"):
        of_others = replace(keeping, models=replace(keeping.models, **{name: Path("another") / name}))
        assert of_others._prefix != keeping._prefix, name
    (key,) = row_keys(keeping._prefix, [crystal_bytes(crystals[0])])
    with closing(sqlite3.connect(home.predictions / FILE)) as base:
        (row,) = base.execute("select value from kept where key = ?", (key,)).fetchone()
        base.execute("update kept set value = ? where key = ?", (row[:40] + bytes((row[40] ^ 1,)) + row[41:], key))
        base.commit()
    assert ask(keeping) == 2, "the damaged one, too"
    assert ask(keeping) == 1
    monkeypatch.setattr(kept_rows, "_code", lambda: "0" * 64)
    assert ask(keeping) == len(crystals), "other code"


def assert_same(some: Sequence[OrderedRow | None], others: Sequence[OrderedRow | None]) -> None:
    for one, other in zip(some, others, strict=True):
        assert one is not None and other is not None
        assert one.words == other.words
        np.testing.assert_array_equal(one.numbers, other.numbers)
        assert cell_bytes(one.cell) == cell_bytes(other.cell)


def test_prune_removes_what_no_screen_used_for_long(home: Settings, shipped: Ensemble) -> None:
    store = open_store(home.predictions)
    assert store is not None
    store.put({b"old": b"1"}, today() - UNUSED_DAYS - 1)
    store.put({b"new": b"2"}, today() - UNUSED_DAYS + 1)
    prune(home, keep=1, dry=True)
    assert rows(home) == 2
    prune(home, keep=1)
    assert store.get([b"old", b"new"], today()) == {b"new": b"2"}


def test_a_composition_gets_the_same_bits_in_every_batch_and_is_asked_once(home: Settings, tmp_path: Path) -> None:
    folder = experiment_model(home).folder
    amounts = [{26: 2.0 + k % 7, 8: 3.0, 20 + k % 50: 1.0 + k % 3} for k in range(150)]
    plain = CompositionPredictor(folder, None)
    wanted = plain.columns(formula_mix(amounts))
    for some in (slice(0, 1), slice(20, 37), slice(3, 150, 2)):
        for name, values in plain.columns(formula_mix(amounts[some])).items():
            np.testing.assert_array_equal(values, wanted[name][some], err_msg=name)
    keeping = CompositionPredictor(folder, open_store(tmp_path))
    keeping.columns(formula_mix(amounts[:100:3]))
    for _ in range(2):
        for name, values in keeping.columns(formula_mix(amounts)).items():
            np.testing.assert_array_equal(values, wanted[name], err_msg=name)
            assert values.dtype == wanted[name].dtype
    with closing(sqlite3.connect(tmp_path / FILE)) as base:
        assert base.execute("select count(*) from kept").fetchone()[0] == len({str(sorted(a.items())) for a in amounts})


def test_nothing_is_kept_of_a_shard_with_a_licensed_crystal(tmp_path: Path, home: Settings, cif_folder: Path) -> None:
    store = open_store(home.predictions)
    assert store is not None
    source = CifFolder(cif_folder)
    (shard,) = source.shards()
    plain = read_kept(source, shard, None)
    for expected in (len(plain), len(plain)):
        again = read_kept(source, shard, store)
        assert rows(home) == expected
        for one, other in zip(plain, again, strict=True):
            assert isinstance(one, Record) and isinstance(other, Record)
            assert (one.crystal.id, one.crystal.note) == (other.crystal.id, other.crystal.note)
            for name in ("lattice", "frac", "numbers"):
                np.testing.assert_array_equal(getattr(one.crystal, name), getattr(other.crystal, name))
    first = sorted(cif_folder.iterdir())[0]
    first.write_text(first.read_text().replace("_cell_length_a", "_database_code_ICSD 12345\n_cell_length_a", 1))
    sorted(cif_folder.iterdir())[1].write_text(first.read_text().replace("12345", "?"))
    assert any(item.licensed for item in read_kept(source, shard, store))
    assert rows(home) == len(plain)


def test_comparisons_are_made_once_and_never_kept_of_licensed_crystals(
    tmp_path: Path, home: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [symmetrise(crystal) for crystal in hand_built().values()]
    twin = [symmetrise(supercell(crystal, (2, 1, 1))) for crystal in hand_built().values()]
    others = cells[1:] + cells[:1]
    buckets = [Bucket([one, same, other], [same]) for one, same, other in zip(cells, twin, others, strict=True)]
    licensed = [k == 0 for k in range(len(buckets))]
    wanted, asked = [match_bucket(bucket) for bucket in buckets], list[int]()

    def counted(buckets: Sequence[Bucket], licensed: Sequence[bool], workers: int) -> Iterator[Matched]:
        asked.append(len(buckets))
        return map(match_bucket, buckets)

    monkeypatch.setattr(kept_matches, "match_buckets", counted)
    for store, computed in ((None, len(buckets)), (open_store(tmp_path), len(buckets)), (open_store(tmp_path), 1)):
        assert list(kept_matches.kept_matches(store, buckets, licensed, 1)) == wanted
        assert asked.pop() == computed
    swapped = [replace(bucket, candidates=bucket.candidates[::-1]) for bucket in buckets]
    list(kept_matches.kept_matches(open_store(tmp_path), swapped, licensed, 1))
    assert asked.pop() == len(buckets)


def test_of_a_bucket_only_the_changed_crystal_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells that only StructureMatcher can tell apart or not: one of the bucket is exchanged, as in a nightly refresh."""
    cells = [symmetrise(rutile(x)) for x in (0.305, 0.21, 0.255, 0.37, 0.42)]
    asked = list[float]()
    fits = Reduced.fits

    def counted(self: Reduced, other: Reduced) -> bool:
        asked.append(self.log_volume)
        return fits(self, other)

    monkeypatch.setattr(Reduced, "fits", counted)
    monkeypatch.setattr(kept_matches, "match_buckets", lambda buckets, licensed, workers: map(match_bucket, buckets))
    store = open_store(tmp_path)
    before, after = Bucket(cells[:4], cells[:1]), Bucket([*cells[:2], cells[4], cells[3]], cells[:1])
    list(kept_matches.kept_matches(store, [before], [False], 1))
    asked.clear()
    wanted = match_bucket(after)
    whole = len(asked)
    asked.clear()
    assert list(kept_matches.kept_matches(store, [after], [False], 1)) == [wanted]
    assert 0 < len(asked) < whole - 3
    asked.clear()
    list(kept_matches.kept_matches(store, [replace(after, known=cells[1:2])], [False], 1))
    assert len(asked) <= 3, "pairs of both screens are kept"


def rutile(x: float) -> Crystal:
    """MnF2 with another place of fluorine: the same fingerprint, and no quick comparison tells whether it is the same crystal."""
    whole = Structure.from_spacegroup("P4_2/mnm", Lattice.tetragonal(4.873, 3.310), ["Mn", "F"], [(0, 0, 0), (x, x, 0)])
    return Crystal.from_pymatgen(whole, f"MnF2 {x}")
