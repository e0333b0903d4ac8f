"""Models of experiments learned from refreshed literature, promoted, used by the next screen, and given up again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pymatgen.core import Composition
from typer.testing import CliRunner

from data.sources.literature.snapshot import open_literature
from flows.cli import app
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.shipped import shipped_of, system_hash, systems_seen
from tests.flows.test_train_order import RANKING, candidates, run
from tests.pipeline.training.measured import write_measured

__all__ = ["candidates"]  # a fixture


def test_a_promoted_model_ranks_until_it_is_rolled_back(empty_home: Path, candidates: Path, tmp_path: Path) -> None:
    def screen(name: str) -> tuple[dict[str, Any], list[bytes]]:
        """The manifest and the bytes of the ranking, in a folder of its own: nothing of an earlier screen can be returned."""
        said = run("screen", str(candidates), "--out", str(tmp_path / name))
        return said, [(tmp_path / name / file).read_bytes() for file in RANKING]

    shipped = shipped_of(PublishedExperimentModel)
    assert shipped is not None
    literature = run("refresh", "--source", f"literature:{write_measured(tmp_path / 'tables')}")
    systems = {"-".join(sorted(Composition(f).get_el_amt_dict())) for f in _formulas(empty_home)}
    assert not systems_seen(shipped) & {system_hash(system) for system in systems}, "else nothing can be compared"
    before, bytes_before = screen("before")
    assert before["experiment_model"] == shipped.id

    trained = run("train-experiment")
    assert trained["promotion"]["promoted"], trained["promotion"]["why_not"]
    assert trained["promotion"]["against"] == shipped.id and trained["promotion"]["gain"]["mean"] > 0
    assert trained["snapshot"] == literature["id"] and not list((empty_home / "work").glob("train-experiment-*"))
    in_use = {row["id"]: row["in use"] for row in run("models")}
    assert in_use[trained["id"]] == "yes" and in_use[shipped.id] == ""

    after, bytes_after = screen("after")
    assert after["experiment_model"] == trained["id"] and after["id"] != before["id"]
    assert after["model"] == before["model"] and bytes_after != bytes_before
    assert [row["p_fm_or_fim"] for row in after["top"]] != [row["p_fm_or_fim"] for row in before["top"]]

    again = run("train-experiment")
    assert again["id"] == trained["id"] and again["promotion"]["promoted"], "nothing new: nothing is learned"
    assert run("prune", "--keep", "1")["removed"] == [] and literature["id"] in run("prune", "--keep", "1")["kept"]

    assert run("rollback", "--kind", "experiment-model") == {"given up": trained["id"], "in use": shipped.id}
    last, bytes_last = screen("last")
    assert last["experiment_model"] == shipped.id and last["id"] == before["id"]
    assert bytes_last == bytes_before


def test_without_literature_it_says_what_to_do(empty_home: Path) -> None:
    done = CliRunner().invoke(app, ["train-experiment"])
    assert done.exit_code != 0 and "refresh --source literature:FOLDER" in str(done.exception)
    assert not list(empty_home.glob("experiment-models/*"))


def test_literature_is_listed_and_verified(empty_home: Path, tmp_path: Path) -> None:
    literature = run("refresh", "--source", f"literature:{write_measured(tmp_path / 'tables', metals=('Fe',))}")
    (listed,) = run("snapshots")
    assert listed["id"] == literature["id"] and listed["values"] == literature["values"]
    assert f"{literature['id']} is sound" in CliRunner().invoke(app, ["verify"]).stdout
    (empty_home / "literature" / literature["id"] / "compositions.parquet").write_bytes(b"broken")
    assert "compositions.parquet is damaged" in str(CliRunner().invoke(app, ["verify", literature["id"][:6]]).exception)
    unknown = CliRunner().invoke(app, ["train-experiment", "--literature", "zz"])
    assert "`ferroscreen snapshots` lists them" in str(unknown.exception)


def test_too_little_to_learn_from(empty_home: Path, tmp_path: Path) -> None:
    run("refresh", "--source", f"literature:{write_measured(tmp_path / 'tables', metals=('Fe',))}")
    done = CliRunner().invoke(app, ["train-experiment"])
    assert "too few Curie temperatures" in str(done.exception)


def _formulas(empty_home: Path) -> list[str]:
    return open_literature(empty_home / "literature").compositions()["formula"].to_list()
