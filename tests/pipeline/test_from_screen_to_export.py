"""Real screens with a real model: what they mark, how two compare, what is exported; with ids that nobody should trust."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import lxml.html
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.crystal import Crystal
from data.errors import UserError
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from data.sources.starter import StarterSource
from data.symmetry import symmetrise
from pipeline.comparison.compare import COLUMNS, Comparison, compare
from pipeline.comparison.files import write_comparison
from pipeline.comparison.section import changes_since
from pipeline.export.chosen import choose
from pipeline.export.export import export, parse_formats, same
from pipeline.export.vasp import read_vasp
from pipeline.magnetism.competing_orderings import orderings
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import open_model
from pipeline.registry.order_models import order_ranker
from pipeline.report.pack import unpack
from pipeline.report.screened import report_screen
from pipeline.screening.previous import previous_run
from pipeline.screening.profiles import find_profile
from pipeline.screening.runs import find_run
from pipeline.screening.screen import FILES, Screened, screen
from pipeline.settings import Settings
from tests.contract.crystals import permuted, random_rotation, rotated, supercell

HOSTILE = ["=1+1", "<script>x</script>", "../../up", "a|b`c*d", "\u202eright to left"]
NEW, GONE, SWOLLEN = "new one", "withdrawn one", "another volume"


@dataclass(frozen=True)
class Runs:
    where: Settings
    first: Screened
    second: Screened
    crystals: dict[str, Crystal]


def starter() -> list[Crystal]:
    source = StarterSource(equilibrium_only=True)
    return [item.crystal for shard in source.shards() for item in source.read(shard)]


def write(path: Path, crystals: dict[str, Crystal], energies: dict[str, float]) -> Path:
    columns = {
        "material_id": list(crystals),
        "cif": [crystal.to_pymatgen().to(fmt="cif") for crystal in crystals.values()],
        "energy_above_hull_eV_atom": pa.array([energies.get(name) for name in crystals], pa.float64()),
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="module")
def runs(trained_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("runs")
    home = folder / "home"
    home.mkdir()
    for name in ("models", "snapshots"):
        (home / name).symlink_to(trained_home / name)
    where = Settings(home=home, workers=1)
    chosen = starter()[:16]
    names = [*HOSTILE, *(f"plain {k}" for k in range(5, 13)), NEW, GONE, SWOLLEN]
    crystals = dict(zip(names, chosen, strict=True))
    crystals["zz twin"] = permuted(rotated(supercell(crystals["=1+1"], (1, 2, 1)), random_rotation(1)), 2)
    energies = {"plain 5": 0.0, "plain 6": 0.4}
    before = {n: c for n, c in crystals.items() if n != NEW}
    larger = replace(crystals[SWOLLEN], lattice=crystals[SWOLLEN].lattice * 1.05)
    after = {n: c for n, c in crystals.items() if n != GONE} | {SWOLLEN: larger}
    screened = []
    for name, table, profile in (("before", before, "high-ms"), ("after", after, "rare-earth-free")):
        source = candidate_source([write(folder / f"{name}.parquet", table, energies)], Columns())
        screened.append(screen(source, open_model(where.models), folder / name, where, Quiet(), find_profile(profile)))
    return Runs(where, screened[0], screened[1], before)


def test_marks_of_a_screen(runs: Runs) -> None:
    table = runs.first.ranking().set_index("candidate_id")
    assert table.loc["zz twin", "duplicate_of"] == "=1+1" and (table["duplicate_of"] != "").sum() == 1
    for name, crystal in runs.crystals.items():
        original = crystals_id(runs, name)
        assert table.loc[name, "known_id"] == original, "the model has seen it"
        assert table.loc[name, "known_moment"] >= 0 and table.loc[name, "formula"] == crystal.formula
    assert table.loc["plain 6", ["e_above_hull", "stability"]].tolist() == [0.4, "known"]
    assert table.loc["plain 7", "stability"] == "unknown"
    assert table["hhi_production"].between(0, 10000).all() and table["price_USD_per_kg"].gt(0).all()
    manifest = runs.first.manifest
    assert (manifest["duplicates"], manifest["known"], manifest["stability_known"]) == (1, len(table), 2)
    assert manifest["known_from"] and manifest["not_compared"] == 0
    later = runs.second.ranking().set_index("candidate_id")
    assert later.loc["plain 6", "exclusion_reason"] == "0.40 eV/atom above the hull" and later.loc["plain 6", "rank"] == len(
        later
    )


def crystals_id(runs: Runs, name: str) -> str:
    return runs.crystals["=1+1" if name == "zz twin" else name].id


def test_the_same_screen_gives_the_same_bytes(runs: Runs, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    for name in ("models", "snapshots"):
        (home / name).symlink_to(runs.where.home / name)
    where = Settings(home=home, workers=2)
    source = candidate_source([Path(runs.first.manifest["reading"]["path"])], Columns())
    again = screen(source, open_model(where.models), tmp_path / "out", where, Quiet(), find_profile("high-ms"))
    for name in FILES:
        assert (again.folder / name).read_bytes() == (runs.first.folder / name).read_bytes()
    assert whole_report(runs, runs.first) == whole_report(runs, again)


def whole_report(runs: Runs, screened: Screened) -> bytes:
    ensemble = open_model(runs.where.models)
    return report_screen(screened, ensemble, runs.where, changes_since(runs.where, screened)).read_bytes()


def test_a_report_shows_crystals_neighbours_and_what_changed(runs: Runs) -> None:
    assert (runs.first.manifest["previous"], runs.second.manifest["previous"]) == (None, runs.first.manifest["id"])
    page = whole_report(runs, runs.second).decode()
    document = lxml.html.document_fromstring(page.encode())
    header, columns = unpack(document.get_element_by_id("data").text)
    ranking = runs.second.ranking()
    assert columns["candidate_id"] == [name.replace("\u202e", "⟨U+202E⟩") for name in ranking["candidate_id"]]
    np.testing.assert_allclose(columns["score"], ranking["score"], atol=1e-4)
    assert len(columns["cell_sites"]) == len(ranking) and not header["withheld"]
    first = runs.second.ranking()["candidate_id"][0]
    crystal = {**runs.crystals, NEW: None}[first]
    assert crystal is None or set(columns["site_z"][: int(columns["cell_sites"][0])]) == set(crystal.numbers)
    learned = columns["exchanged"] == 0
    assert learned.any() and not learned.all(), "of some compositions the training rows hold the very same, of others not"
    told = document.get_element_by_id("changes").text_content()
    assert NEW in told and GONE in told and "profile: high-ms → rare-earth-free" in told
    assert whole_report(runs, runs.second).decode() == page


def test_the_run_before_is_one_that_can_be_compared(runs: Runs) -> None:
    ids, other = runs.first.ranking()["candidate_id"], pd.Series(["nobody", "else"])
    manifest = runs.first.manifest

    def before(identity: str, source: str, ids: pd.Series[str], withheld: bool = False, profile: str = "") -> str | None:
        return previous_run(runs.where, identity, source, ids, withheld, profile)

    assert before("another", "parquet:elsewhere.parquet", ids) == runs.second.manifest["id"], "the newest with these candidates"
    assert before("another", manifest["source"], other) == manifest["id"], "or the newest of this source"
    assert before("another", "parquet:elsewhere.parquet", other) is None
    assert before(runs.second.manifest["id"], manifest["source"], ids) == manifest["id"], "never itself"
    second = runs.second.manifest["id"]
    assert before("another", manifest["source"], ids, withheld=True) == second, "no licensed crystal is shown in it"
    assert before("another", manifest["source"], ids, profile=manifest["profile"]) == manifest["id"], "of the same profile first"


@pytest.fixture(scope="module")
def comparison(runs: Runs) -> Comparison:
    return compare(find_run(runs.where, str(runs.first.folder)), find_run(runs.where, runs.second.manifest["id"]))


def test_what_changed_and_why(runs: Runs, comparison: Comparison) -> None:
    changes = comparison.changes.set_index("candidate_id")
    assert {d.cause.value for d in comparison.differences} == {"data", "settings"}
    assert "profile: high-ms → rare-earth-free" in {d.what for d in comparison.differences}
    assert changes.loc[NEW, "change"] == "new" and changes.loc[NEW, "why"] == "data: not in the earlier run's source"
    assert changes.loc[GONE, "change"] == "withdrawn" and changes.loc[GONE, "why"] == "data: no longer in the source"
    assert changes.loc["plain 6", "change"] == "down" and "0.40 eV/atom above the hull" in changes.loc["plain 6", "why"]
    if SWOLLEN in changes.index:
        assert "data: volume +15.8%" in changes.loc[SWOLLEN, "why"]
    moved = changes[changes["change"].isin(["up", "down"])]
    assert (moved["moved"] == moved["moved_by_settings"] + moved["moved_by_prediction"]).all()
    assert moved["why"].str.len().gt(0).all()
    assert sum(comparison.counts.values()) == len(set(runs.first.ranking()["candidate_id"]) | {NEW})


def test_a_newcomer_at_the_top_moves_nobody(runs: Runs, tmp_path: Path) -> None:
    ranking = runs.first.ranking()
    fewer = ranking.iloc[1:].assign(rank=range(1, len(ranking)))
    (tmp_path / "less").mkdir()
    fewer.to_parquet(tmp_path / "less" / "ranking.parquet")
    shutil.copy(runs.first.folder / "rejected.csv", tmp_path / "less")
    found = compare(Screened(tmp_path / "less", runs.first.manifest), runs.first)
    assert found.counts == {"new": 1, "withdrawn": 0, "up": 0, "down": 0, "changed": 0, "unmoved": len(fewer)}
    nothing = compare(runs.first, runs.first)
    assert nothing.differences == [] and nothing.changes.empty and list(nothing.changes.columns) == COLUMNS


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.policy = ""
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[Any]) -> None:
        self.tags.append(tag)
        if ("http-equiv", "Content-Security-Policy") in attrs:
            self.policy = dict(attrs)["content"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_comparison_files(comparison: Comparison, tmp_path: Path) -> None:
    page = write_comparison(comparison, tmp_path / "c").read_text()
    parsed = Tags()
    parsed.feed(page)
    assert "script" not in parsed.tags and parsed.policy.startswith("default-src 'none'; style-src 'sha256-")
    for name in comparison.changes["candidate_id"]:
        assert name.replace("\u202e", "⟨U+202E⟩") in parsed.text
    stored = json.loads((tmp_path / "c" / "comparison.json").read_text())
    assert stored["counts"] == comparison.counts and len(stored["changes"]) == len(comparison.changes)
    table = pd.read_csv(tmp_path / "c" / "comparison.csv", dtype=str)
    assert list(table.columns) == COLUMNS and not table["candidate_id"].str.startswith("=").any()
    first = (tmp_path / "c" / "comparison.html").read_bytes()
    write_comparison(comparison, tmp_path / "c")
    assert (tmp_path / "c" / "comparison.html").read_bytes() == first


def test_top_candidates_are_different_crystals(runs: Runs) -> None:
    chosen = choose(runs.first.ranking(), 100, [])
    assert len(chosen) == len(runs.crystals) - 1
    assert len({"=1+1", "zz twin"} & set(chosen["candidate_id"])) == 1
    assert choose(runs.second.ranking(), 100, [])["exclusion_reason"].eq("").all()
    assert choose(runs.first.ranking(), 1, ["zz twin", "=1+1"])["candidate_id"].isin(["zz twin", "=1+1"]).sum() == 2
    with pytest.raises(UserError, match="not in the ranking: nobody"):
        choose(runs.first.ranking(), 1, ["nobody", "=1+1"])


def test_an_export(runs: Runs, tmp_path: Path) -> None:
    done = export(runs.first, 15, HOSTILE, parse_formats("vasp,qe,cif,poscar,csv,bibtex,csv"), tmp_path / "out", Quiet())
    out = tmp_path / "out"
    assert len(done["candidates"]) == len(HOSTILE) and done["order_ranker"] == order_ranker().id
    for candidate in done["candidates"]:
        crystal = runs.crystals[candidate["candidate_id"]]
        cell = symmetrise(crystal)
        for ordering in orderings(cell):
            place = out / candidate["folder"] / "vasp" / ordering.name
            assert candidate["orderings"][ordering.name] == ordering.moments.tolist()
            assert same(ordering, read_vasp(place))
            assert (out / candidate["folder"] / "qe" / ordering.name / "pw.in").is_file()
        assert (out / candidate["folder"] / "crystal.cif").is_file() and (out / candidate["folder"] / "POSCAR").is_file()
    files = [p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()]
    assert all(set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-./") for name in files)
    assert not [name for name in files if name.endswith("POTCAR")]
    readme = (out / "README.md").read_text()
    assert "<script>" not in readme and "\\<script\\>" in readme and "a\\|b\\`c\\*d" in readme and "\u202e" not in readme
    for word in ("Confirmed", "Refuted", "vasp_std", "pw.x", "1 meV/atom"):
        assert word in readme
    assert not pd.read_csv(out / "candidates.csv", dtype=str)["candidate_id"].str.startswith("=").any()
    assert "@misc{candidate" in (out / "references.bib").read_text()
    with pytest.raises(UserError, match="not an empty folder"):
        export(runs.first, 1, [], ["csv"], out, Quiet())


def test_a_source_that_is_gone_or_changed(runs: Runs, tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    (tmp_path / "models").symlink_to(runs.where.models)
    table = write(tmp_path / "t.parquet", {"Fe": runs.crystals["plain 5"]}, {})
    run = screen(candidate_source([table], Columns()), open_model(where.models), tmp_path / "run", where, Quiet())
    assert run.manifest["known_from"] is None, "the model travels without its snapshot, and the manifest says so"
    assert export(run, 5, [], ["cif"], tmp_path / "one", Quiet())["candidates"][0]["candidate_id"] == "Fe"
    write(tmp_path / "t.parquet", {"Fe": runs.crystals["plain 7"]}, {})
    with pytest.raises(UserError, match=r"Fe .* is no longer in t.parquet as run .* screen again"):
        export(run, 5, [], ["cif"], tmp_path / "two", Quiet())
    table.unlink()
    with pytest.raises(UserError, match=r"cannot be read again: .*t.parquet"):
        export(run, 5, [], ["cif"], tmp_path / "two", Quiet())
    assert not (tmp_path / "two").exists()


def test_runs_of_an_older_version(runs: Runs, tmp_path: Path) -> None:
    manifest = {k: v for k, v in runs.first.manifest.items() if k != "orderings"}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UserError, match="older ferroscreen"):
        find_run(runs.where, str(tmp_path))
