"""The screen on real files: what it writes, that it does not depend on how it was run, and what bad input costs."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.cif.disorder import Disorder
from data.errors import UserError
from data.rejection import Reason
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.ops.ledger import DONE, LOST, Ledger
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings
from tests.pipeline.screening.killed import check_killed_screen

REQUIRED = [
    "rank", "candidate_id", "formula", "n_sites", "moment_muB_per_atom", "moment_low", "moment_high", "moment_std",
    "saturation_T", "saturation_T_low", "p_magnetic", "source_file",
]  # fmt: skip
SAME_PREDICTION = 1e-4  # µB/atom
FILES = ("ranking.csv", "ranking.parquet", "rejected.csv")


def run(where: Settings, ensemble: Ensemble, *paths: Path, out: Path | None = None, columns: str = "") -> Screened:
    return screen(candidate_source(list(paths), Columns.parse(columns)), ensemble, out, where, Quiet())


def test_a_folder_becomes_a_ranking(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    done = run(where, ensemble, cif_folder, out=tmp_path / "out")
    table = pd.read_csv(done.folder / "ranking.csv")
    assert list(table.columns[: len(REQUIRED)]) == REQUIRED
    assert sorted(table["candidate_id"]) == sorted(p.stem for p in cif_folder.glob("*.cif"))
    assert table["rank"].tolist() == list(range(1, len(table) + 1))
    competes = table["exclusion_reason"].isna()
    assert competes.is_monotonic_decreasing and (np.diff(table.loc[competes, "score"]) <= 0).all()
    assert table.loc[~competes, "formula"].tolist() == ["FePt3"], "a measured antiferromagnet"
    axis = 0.5 + 0.5 * table["uniaxial_possible"]
    expected = table["saturation_300K_T"] * table["p_fm_or_fim"] * table["p_tc_above_450"] * axis
    np.testing.assert_allclose(table["score"], expected, rtol=1e-4)
    ordered = table[["p_ferromagnetic", "p_ferrimagnetic", "p_antiferromagnetic"]]
    np.testing.assert_allclose(ordered.sum(axis=1), table["p_magnetic"], rtol=0, atol=1e-4)
    likeliest = ordered.assign(NM=1 - table["p_magnetic"]).set_axis(["FM", "FiM", "AFM", "NM"], axis=1).idxmax(axis=1)
    assert table["ordering_most_likely"].tolist() == likeliest.tolist()
    assert ((table["moment_low"] <= table["moment_muB_per_atom"]) & (table["moment_muB_per_atom"] <= table["moment_high"])).all()
    assert table["p_magnetic"].between(0, 1).all()
    assert done.manifest["ranked"] == len(table)
    assert done.manifest["model"] == ensemble.id
    assert not list(where.work.glob("screen-*")), "finished work is cleared away"


def test_tesla_follow_from_moment_and_volume(cif_folder: Path, where: Settings, ensemble: Ensemble) -> None:
    from pymatgen.core import Structure

    for row in run(where, ensemble, cif_folder).ranking().itertuples():
        structure = Structure.from_file(cif_folder / row.source_file)
        per_muB = 11.654 * len(structure) / structure.volume
        assert row.saturation_T == pytest.approx(per_muB * row.moment_net, rel=1e-4)
        assert row.saturation_dft_T == pytest.approx(per_muB * row.moment_muB_per_atom, rel=1e-4)
        assert row.moment_net_low <= row.moment_net <= row.moment_net_high
        assert row.moment_3d_low <= row.moment_3d <= row.moment_3d_high
        assert row.moment_4f_low <= row.moment_4f <= row.moment_4f_high


def test_folder_zip_multi_block_and_table_say_the_same(
    cif_folder: Path, starter_cifs: dict[str, str], where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for file in cif_folder.glob("*.cif"):
            archive.write(file, f"deep/{file.name}")
    blocks = [text.replace(text.split("data_")[1].split()[0], name, 1) for name, text in starter_cifs.items()]
    (tmp_path / "multi.cif").write_text("\n".join(blocks))
    ids, texts = list(starter_cifs), list(starter_cifs.values())
    pq.write_table(pa.table({"material_id": ids, "cif": texts}), tmp_path / "table.parquet")
    moments = []
    for path in (cif_folder, tmp_path / "all.zip", tmp_path / "multi.cif", tmp_path / "table.parquet"):
        table = run(where, ensemble, path).ranking()
        table["candidate_id"] = table["candidate_id"].str.removeprefix("multi#").str.removeprefix("deep/")
        moments.append(table.set_index("candidate_id")["moment_muB_per_atom"].loc[ids].to_numpy())
    for other in moments[1:]:
        np.testing.assert_allclose(other, moments[0], atol=SAME_PREDICTION)


def test_two_paths_at_once_stay_apart(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    single = tmp_path / "one.cif"
    single.write_text(next(cif_folder.glob("*.cif")).read_text())
    table = run(where, ensemble, cif_folder, single).ranking()
    assert len(table) == len(list(cif_folder.glob("*.cif"))) + 1
    assert "one.cif" in set(table["source_file"])


def test_same_input_gives_the_same_bytes(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first, second = (run(where, ensemble, cif_folder, out=tmp_path / name) for name in ("a", "b"))
    for name in FILES:
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes()


def test_bad_files_cost_only_themselves(cif_folder: Path, where: Settings, ensemble: Ensemble) -> None:
    good = len(list(cif_folder.glob("*.cif")))
    text = next(cif_folder.glob("*.cif")).read_text()
    (cif_folder / "corrupt.cif").write_text(text[: len(text) // 2] + "\nloop_\n_a\n_b\n1 2 3\n")
    (cif_folder / "binary.cif").write_bytes(bytes(range(256)) * 8)
    (cif_folder / "empty.cif").write_text("")
    (cif_folder / "partial.cif").write_text(text.replace("  1\n", "  0.5\n").replace("number   0.5", "number   1"))
    done = run(where, ensemble, cif_folder)
    reasons = done.rejected().set_index("candidate_id")["reason"]
    assert done.manifest["ranked"] == good
    assert set(reasons.index) == {"corrupt", "binary", "empty", "partial"}
    assert reasons["partial"] == Reason.PARTIAL_OCCUPANCY
    assert done.rejected()["detail"].str.len().gt(5).all()


def test_nothing_readable_is_an_error_that_names_the_reasons(where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    (folder / "x.cif").write_text("not a cif")
    with pytest.raises(UserError, match=r"no crystal could be read.*not_cif.*rejected\.csv"):
        run(where, ensemble, folder, out=tmp_path / "out")
    assert len(pd.read_csv(tmp_path / "out" / "rejected.csv")) == 1


def test_input_that_cannot_be_meant(where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("hello")
    (tmp_path / "a.doc").write_text("hello")
    pq.write_table(pa.table({"id": ["a"], "structure": ["b"]}), tmp_path / "t.parquet")
    for path, words in (
        ("empty", "no file with crystals"),
        ("texts", "no file with crystals"),
        ("absent", "does not exist"),
        ("a.doc", "is of no kind that is read"),
        ("t.parquet", "no column 'material_id'; it has id, structure"),
    ):
        with pytest.raises(UserError, match=words):
            run(where, ensemble, tmp_path / path)


def test_an_output_folder_that_cannot_be(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot create the folder"):
        run(where, ensemble, cif_folder, out=tmp_path / "file" / "out")


def test_a_model_that_is_not_there(where: Settings, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no single model is called 'nope'"):
        open_model(where.models, "nope")
    with pytest.raises(UserError, match="there is no model yet"):
        open_model(tmp_path / "nowhere")


def test_a_killed_screen_goes_on_and_ends_with_the_same_bytes(cif_folder: Path, where: Settings, tmp_path: Path) -> None:
    finished = check_killed_screen(cif_folder, where, Disorder.REJECT, 2, tmp_path)
    assert json.loads((tmp_path / "killed" / "manifest.json").read_text())["shards_taken_over"] >= finished
    lost, done = Ledger(where.home).entries()
    assert (lost.state, done.state, done.takes_over) == (LOST, DONE, lost.id)
    parts = [(step, part) for step, part, _ in Ledger(where.home).parts(lost.key)]
    assert len(parts) == len(set(parts)), "a shard was predicted twice"


def test_a_finished_screen_is_not_done_again(cif_folder: Path, where: Settings, ensemble: Ensemble) -> None:
    first = run(where, ensemble, cif_folder)
    again = run(where, ensemble, cif_folder)
    assert again.manifest == first.manifest and again.folder == first.folder
    assert [entry.parts for entry in Ledger(where.home).entries()] == [2, 0]
    with (first.folder / "ranking.csv").open("a") as handle:
        handle.write("touched")
    mended = run(where, ensemble, cif_folder)
    assert mended.manifest["files"] == first.manifest["files"] and mended.manifest["seconds"] > 0
    assert Ledger(where.home).entries()[-1].parts == 2
    assert "touched" not in (first.folder / "ranking.csv").read_text()


def test_a_screen_is_another_one_where_the_training_data_came(
    cif_folder: Path, where: Settings, ensemble: Ensemble, trained_home: Path, tmp_path: Path
) -> None:
    without = run(where, ensemble, cif_folder, out=tmp_path / "out")
    assert without.manifest["known"] == 0 and without.manifest["known_from"] is None
    where.snapshots.symlink_to(trained_home / "snapshots")
    there = run(where, ensemble, cif_folder, out=tmp_path / "out")
    assert there.manifest["id"] != without.manifest["id"]
    assert there.manifest["known"] > 0 and there.manifest["known_from"] == ensemble.manifest["snapshot"]
    assert (there.ranking()["known_id"] != "").sum() == there.manifest["known"]
