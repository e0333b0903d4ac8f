"""One id a candidate, whatever files are named, and the same id when others come and go."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from data import known_magnets
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.comparison.compare import compare
from pipeline.comparison.drift import drift
from pipeline.export.chosen import choose, read_again
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.screening.identity import distinct_ids, original_ids, same_candidate
from pipeline.screening.screen import Screened, screen
from pipeline.settings import Settings
from tests.data.cif_texts import cif_text


def table(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["candidate_id", "source_file"])


def test_repeated_ids_get_their_files_and_counts() -> None:
    ranked = table(("1", "A/1.cif"), ("1", "B/1.cif"), ("2", "two.cif"), ("2", "two.cif"), ("3", "three.cif"))
    rejected = table(("3", "C/3.cif"), ("2", "two.cif"), ("4", "four.cif"))
    one, other = distinct_ids(ranked, rejected)
    assert one["candidate_id"].to_list() == ["1 in A/1.cif", "1 in B/1.cif", "2", "2 (2)", "3 in three.cif"]
    assert other["candidate_id"].to_list() == ["3 in C/3.cif", "2", "4"]
    for (given, file), found in zip(ranked.itertuples(index=False), one["candidate_id"], strict=True):
        assert given in [name for name, _ in original_ids(found, file)]
    assert ("2", 1) in original_ids("2 (2)", "two.cif") and original_ids("5", "x.cif") == [("5", 0)]


def test_a_counted_id_that_another_crystal_bears_is_written_otherwise() -> None:
    given = ["x", "x", "x (2)", "x", "x (2)", "x (2) (2)"]
    rejected = table(("x (3)", "a.json"))
    found = distinct_ids(table(*((name, "a.json") for name in given)), rejected)[0]["candidate_id"].to_list()
    assert found == ["x", "x (02)", "x (2)", "x (03)", "x (2) (02)", "x (2) (2)"]
    bearers = dict.fromkeys(given, 0)
    for name, made in zip(given, found, strict=True):
        read = next((who, k) for who, k in original_ids(made, "a.json") if who in given)
        assert read == (name, bearers[name]), "an export finds the very crystal"
        bearers[name] += 1


def test_a_screen_of_nothing_has_no_ids() -> None:
    one, other = distinct_ids(pd.DataFrame(), table())
    assert one.empty and other.empty


def test_other_forms_of_one_name() -> None:
    assert same_candidate(("structure", "B/structure.cif"), ("B/structure", "B/structure.cif")), "an id of an earlier version"
    assert same_candidate(("7", "A/7.cif"), ("7 in A/7.cif", "A/7.cif"))
    assert same_candidate(("B/structure", "B/structure.cif"), ("structure", "structure.cif")), "B itself was screened"
    assert not same_candidate(("A/structure", "A/structure.cif"), ("B/structure", "B/structure.cif"))
    assert not same_candidate(("a", "x.cif"), ("b", "x.cif"))


@pytest.fixture
def mine(tmp_path: Path, starter_cifs: dict[str, str]) -> Path:
    """The commonest layout: a folder a material, the same name in each; one material twice."""
    for folder, text in zip("ABCD", [*list(starter_cifs.values())[:3], next(iter(starter_cifs.values()))], strict=True):
        (tmp_path / "mine" / folder).mkdir(parents=True)
        (tmp_path / "mine" / folder / "structure.cif").write_text(text)
    return tmp_path / "mine"


def run(paths: list[Path], where: Settings, ensemble: Ensemble, out: Path) -> Screened:
    return screen(candidate_source(paths, Columns()), ensemble, out, where, Quiet())


def test_two_files_of_one_name(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run([mine], where, ensemble, tmp_path / "r1")
    rows = first.ranking().set_index("candidate_id")
    assert sorted(rows.index) == [f"{folder}/structure" for folder in "ABCD"]
    assert rows["duplicate_of"][rows["duplicate_of"] != ""].to_dict() == {"D/structure": "A/structure"}
    shutil.rmtree(mine / "A")
    second = run([mine], where, ensemble, tmp_path / "r2")
    found = compare(first, second)
    gone = found.changes[found.changes["change"] == "withdrawn"]
    assert gone["candidate_id"].to_list() == ["A/structure"] and gone["source_file"].to_list() == ["A/structure.cif"]
    assert gone["why"].to_list() == ["data: no longer in the source"]
    assert found.unmoved == 3 and len(found.changes) == 1
    assert drift(first, second).gone["candidate_id"].to_list() == ["A/structure"]


def test_a_run_with_stems_for_ids_is_still_understood(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    first = run([mine], where, ensemble, tmp_path / "r1")
    old = first.ranking().assign(candidate_id="structure")
    old.to_parquet(first.folder / "ranking.parquet")
    shutil.rmtree(mine / "A")
    found = compare(first, run([mine], where, ensemble, tmp_path / "r2"))
    assert found.changes[["change", "source_file"]].to_numpy().tolist() == [["withdrawn", "A/structure.cif"]]


def test_everywhere_else_two_files_share_a_name(mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> None:
    """Two paths on the command line, members of a zip, two endings: each crystal has an id of its own, and is found by it."""
    text = (mine / "A" / "structure.cif").read_text()
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        for folder in "AB":
            archive.writestr(f"{folder}/structure.cif", (mine / folder / "structure.cif").read_text())
    (tmp_path / "ends").mkdir()
    for name in ("x.cif", "x.mcif"):
        (tmp_path / "ends" / name).write_text(text)
    for k, paths in enumerate([[mine / "A", mine / "B"], [tmp_path / "z.zip"], [tmp_path / "ends"], [mine, tmp_path / "z.zip"]]):
        done = run(paths, where, ensemble, tmp_path / f"out{k}")
        ids = done.ranking()["candidate_id"]
        assert ids.is_unique and not set(done.ranking()["duplicate_of"]) - {"", *ids}
        for name in ids:
            rows = choose(done.ranking(), 1, [name])
            chosen, left_out = read_again(done, rows)
            assert len(rows) == 1 and not left_out and chosen[0].crystal.formula == rows["formula"].iloc[0]
    of_zip = run([tmp_path / "z.zip"], where, ensemble, tmp_path / "z").ranking()["candidate_id"]
    assert sorted(of_zip) == ["A/structure", "B/structure"]


def test_blocks_of_one_name_are_read_again_in_their_order(
    starter_cifs: dict[str, str], where: Settings, ensemble: Ensemble, tmp_path: Path
) -> None:
    texts = list(starter_cifs.values())[:2]
    blocks = ["data_same\n" + text.partition("data_")[2].partition("\n")[2] for text in texts]
    (tmp_path / "two.cif").write_text("\n".join(blocks))
    done = run([tmp_path / "two.cif"], where, ensemble, tmp_path / "out")
    rows = done.ranking()
    assert sorted(rows["candidate_id"]) == ["two#same", "two#same (2)"]
    chosen, _ = read_again(done, rows)
    assert [one.crystal.formula for one in chosen] == rows["formula"].to_list() and rows["formula"].nunique() == 2


def test_files_that_are_named_themselves_are_known_by_their_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a/Fe.cif", "b/Fe.cif", "Fe.cif", "c/Co.cif", "d/Fe.cif/Fe.cif"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(cif_text())
    source = candidate_source([Path(name) for name in ("a/Fe.cif", "b/Fe.cif", "Fe.cif", "c/Co.cif", "d/Fe.cif")], Columns())
    found = [item.source_file for shard in source.shards() for item in source.read(shard)]
    assert found == ["a/Fe.cif", "b/Fe.cif", "Fe.cif", "Co.cif", "d/Fe.cif/Fe.cif"]
    source = candidate_source([tmp_path / "a/Fe.cif", Path("a")], Columns())
    assert [item.source_file for shard in source.shards() for item in source.read(shard)] == ["Fe.cif", "a/Fe.cif"]


def test_another_table_of_known_magnets_is_another_screen(
    mine: Path, where: Settings, ensemble: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run states the table that it looked orders up in; with another one it is not taken for finished."""
    first, again = (run([mine], where, ensemble, tmp_path / "r1") for _ in range(2))
    assert again.folder == first.folder and again.manifest["id"] == first.manifest["id"]
    shorter = tmp_path / "known_magnets.csv"
    shorter.write_text(known_magnets.FILE.read_text(encoding="utf-8").rpartition("\n")[0].rpartition("\n")[0], encoding="utf-8")
    monkeypatch.setattr(known_magnets, "FILE", shorter)
    cached = (known_magnets.known_magnets, known_magnets.known_magnets_code, known_magnets.measured_in)
    for function in cached:
        function.cache_clear()
    try:
        other = run([mine], where, ensemble, tmp_path / "r2")
    finally:
        monkeypatch.undo()
        for function in cached:
            function.cache_clear()
    assert other.manifest["id"] != first.manifest["id"]
    assert {k for k in range(len(first.manifest["code"])) if first.manifest["code"][k] != other.manifest["code"][k]} == {
        first.manifest["code"].index(known_magnets.known_magnets_code())
    }
