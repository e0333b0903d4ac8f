"""The life-cycle of the models of experiments: literature, training, comparison, shipping, copying."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.errors import UserError
from data.sources.literature.snapshot import LiteratureSnapshot, list_literature, open_literature, publish_literature
from data.store.artifact import text_hash, write_json
from models.experiment.composition_network import NetworkSettings
from models.experiment.tree_members import ForestSettings
from pipeline.ops.progress import Quiet
from pipeline.refresh.prune import prune
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.promotion import compare
from pipeline.registry.published import CARD_FILE, artefact_id
from pipeline.registry.remote import pull, push
from pipeline.registry.shipped import SYSTEMS_FILE, ship, shipped_of, system_hash
from pipeline.settings import Settings
from pipeline.training.experiment import MEMBERS_CODE, ExperimentSettings
from pipeline.training.experiment_rows import read_rows
from pipeline.training.literature_rows import literature_rows
from pipeline.training.train_experiment import train_experiment_model
from tests.pipeline.training.measured import write_measured

FEW = ForestSettings(n_estimators=8)
SMALL = ExperimentSettings(1, FEW, FEW, NetworkSettings(width=16, hidden=32, epochs=2))
ONE_IN, MANY = 10, 500  # one composition of the shared tables in so many, and more rows than that
SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "literature"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    snapshot = publish_literature(where.literature, write_measured(where.home / "tables"))
    train_experiment_model(snapshot, where, Quiet(), SMALL)
    return where


@pytest.fixture
def where(home: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(home.home, tmp_path / "home")
    return Settings(home=tmp_path / "home", workers=1)


def own(where: Settings) -> PublishedExperimentModel:
    (folder,) = where.experiment_models.glob("[!.]*/")
    return PublishedExperimentModel(folder)


def test_it_is_published_with_card_and_hashes(where: Settings) -> None:
    model = own(where)
    model.verify()
    assert model.id == artefact_id(model.manifest["files"])
    assert model.manifest["snapshot"] == open_literature(where.literature).id
    assert "of no rows" in (model.folder / CARD_FILE).read_text(), "nothing was predicted above 600 K"
    assert set(model.held_out()["task"]) == {"order", "tc", "tn"}


def test_each_row_was_predicted_by_members_that_had_not_seen_its_system(where: Settings) -> None:
    """The final members know the rows by heart, those of the folds do not."""
    rows = literature_rows(open_literature(where.literature))
    held_out = own(where).held_out()
    part = held_out[held_out["task"] == "tc"].set_index("key")
    said = own(where).model.predict(rows.formulas).tc.value_K
    learned = pd.Series(np.abs(said - rows.table["tc"]).to_numpy(), index=rows.table["key"])[part.index]
    assert learned.mean() < 0.8 * (part["predicted"] - part["truth"]).abs().mean()


def test_a_single_compound_with_a_rare_earth_costs_no_training(tmp_path: Path) -> None:
    """One value has no R², and its error over no spread is infinite, which JSON does not know."""
    where, tables = Settings(home=tmp_path, workers=1), write_measured(tmp_path / "tables")
    with (tables / "measured.csv").open("a") as file:
        file.write("Fe2NbY,Tc,300,doi:10.1/one\n")
    trained = train_experiment_model(publish_literature(where.literature, tables), where, Quiet(), SMALL)
    earth = trained.manifest["scores"]["tc_with_rare_earths"]
    assert earth["rows"] == 1 and earth["r2"] is None and earth["mae_K"] >= 0


def test_temperatures_that_are_all_alike_are_refused(tmp_path: Path) -> None:
    tables = write_measured(tmp_path / "tables")
    lines = (tables / "measured.csv").read_text().splitlines()
    alike = [line if ",Tc," not in line else ",".join([line.split(",")[0], "Tc,300", line.split(",")[3]]) for line in lines]
    (tables / "measured.csv").write_text("\n".join(alike) + "\n")
    with pytest.raises(UserError, match="all 180 Curie temperatures are 300 K"):
        literature_rows(publish_literature(tmp_path / "home", tables))


def test_a_model_that_knows_nothing_is_refused(where: Settings) -> None:
    model = own(where)
    assert not any("better than a constant" in reason for reason in model.gates())
    rows = model.held_out()
    middle = rows.groupby("task")["truth"].transform("median")
    rows.assign(predicted=rows["predicted"].where(rows["task"] != "tn", middle)).to_parquet(model.folder / "held_out.parquet")
    (reason,) = [r for r in PublishedExperimentModel(model.folder).gates() if "constant" in r]
    assert reason.startswith("tn: ")


def test_no_worse_in_each_task(where: Settings) -> None:
    """A gain of one answer does not pay for the loss of another."""
    current = own(where)
    mine, theirs = current.errors(), current.errors()
    mine["error"] = mine["error"].where(mine["task"] == "tn", mine["error"] * 0.2)
    gain, fault = compare(mine, theirs, current)
    assert fault == "" and gain is not None and gain.mean > 0
    mine["error"] = mine["error"].where(mine["task"] != "tn", mine["error"] + 0.02)
    gain, fault = compare(mine, theirs, current)
    assert gain is not None and gain.mean > 0 and fault.startswith("tn: on ") and "may be worse" in fault
    few = mine[(mine["task"] != "order") | (mine["system"] == mine["system"].iloc[0])]
    assert "order: " in compare(few, theirs, current)[1] and "too few" in compare(few, theirs, current)[1]


def test_shipped_without_names_and_as_good(where: Settings, tmp_path: Path) -> None:
    model = own(where)
    for _ in range(2):  # the same content again takes its own place
        shipped = ship(model, where, tmp_path / "shipped")
        assert shipped.manifest["shipped_from"] == model.id and "held_out.parquet" not in shipped.manifest["files"]
        shipped.verify()
    assert [p.name for p in (tmp_path / "shipped").iterdir()] == [shipped.id]
    seen = set(json.loads((shipped.folder / SYSTEMS_FILE).read_text()))
    assert seen == {system_hash(system) for system in model.held_out()["chemsys"]}
    assert b"Fe-Hg" not in b"".join(path.read_bytes() for path in shipped.folder.rglob("*") if path.is_file())
    rows = literature_rows(open_literature(where.literature)).formulas
    np.testing.assert_array_equal(shipped.model.predict(rows).tc.value_K, model.model.predict(rows).tc.value_K)


def test_pushed_and_pulled_with_its_literature(where: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other", workers=1)
    push(where, str(tmp_path / "storage"), Quiet())
    assert {one.kind for one in pull(other, str(tmp_path / "storage"), Quiet())} == {"literature snapshot", "experiment model"}
    own(other).verify()
    open_literature(other.literature, own(other).manifest["snapshot"]).verify()


def test_a_snapshot_that_it_learned_from_is_not_pruned(where: Settings) -> None:
    learned = open_literature(where.literature)
    others = [_more(where, k) for k in range(2)]
    done = prune(where, keep=1)
    assert done.removed == [others[0].id] and "learned from it" in done.kept[learned.id]
    assert [s.id for s in list_literature(where.literature)] == [learned.id, others[1].id]


def test_a_finished_training_is_not_repeated(where: Settings) -> None:
    before = own(where)
    assert train_experiment_model(open_literature(where.literature), where, Quiet(), SMALL) == before
    (before.folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"experiment model .* is damaged or missing; train again"):
        _ = own(where).model
    train_experiment_model(open_literature(where.literature), where, Quiet(), SMALL).verify()


def test_a_model_of_other_code_is_not_taken_for_this_training(where: Settings) -> None:
    """The release before named a training by its own code and that of the features, not by that of the members."""
    before, snapshot = own(where), open_literature(where.literature)
    named = text_hash("experiment-3", "composition-1", snapshot.id, repr(asdict(SMALL)))[:16]
    write_json(before.folder / "manifest.json", {**before.manifest, "training": named, "code": ["experiment-3", "composition-1"]})
    again = train_experiment_model(snapshot, where, Quiet(), SMALL)
    assert again.manifest["training"] != named and MEMBERS_CODE in again.manifest["code"]


def test_a_model_without_a_readable_manifest_stops_no_training(where: Settings) -> None:
    before, snapshot = own(where), open_literature(where.literature)
    (before.folder / "manifest.json").write_text("{")
    assert train_experiment_model(snapshot, where, Quiet(), SMALL).id == before.id
    write_json(before.folder / "manifest.json", {**own(where).manifest, "format": 1000})
    train_experiment_model(snapshot, where, Quiet(), SMALL).verify()


def test_a_damaged_snapshot_is_mended_by_refreshing_again(where: Settings) -> None:
    snapshot = open_literature(where.literature)
    (snapshot.folder / "values.parquet").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"values\.parquet is damaged"):
        snapshot.verify()
    again = publish_literature(where.literature, where.home / "tables")
    assert again.id == snapshot.id
    again.verify()


def test_own_values_add_to_the_curated_tables(tmp_path: Path) -> None:
    """A composition of the curated tables keeps their value; a value of another one is learned from as well."""
    tables = write_measured(tmp_path / "tables")
    amounts = [{"Fe": 1.0}, {"Ni": 0.5, "O": 0.5}]
    common = {
        "key": ["Fe1.0000", "Ni0.5000 O0.5000"], "formula": ["Fe", "NiO"], "composition": [json.dumps(a) for a in amounts],
        "chemsys": ["Fe", "Ni-O"], "split": "train", "tier": "A",
    }  # fmt: skip
    measured = {"kind": ["Tc", "TN"], "T_K": [1044.0, 525.0], "recommended": True}
    pd.DataFrame({**common, **measured}).to_parquet(tables / "transition_temperatures.parquet")
    pd.DataFrame({**common, "exp_order": ["FM_or_FiM", "AFM"]}).to_parquet(tables / "magnetic_order.parquet")
    with (tables / "measured.csv").open("a") as handle:
        handle.write("Fe,Tc,900,doi:10.1/wrong\nFeNi3,Tc,870,doi:10.1/own\n")
    snapshot = publish_literature(tmp_path / "home", tables)
    rows = literature_rows(snapshot).table.set_index("formula")
    assert rows.loc["Fe", "tc"] == 1044 and rows.loc["NiO", "tn"] == 525
    assert rows.loc["FeNi3", "tc"] == 870 and rows.loc["FeNi3", "order"] == 1 and len(rows) == 2 + 360 + 1
    assert sorted(p.name for p in (snapshot.folder / "curated").iterdir()) == [
        "magnetic_order.parquet", "transition_temperatures.parquet",
    ]  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared literature tables are not here")
def test_a_snapshot_of_the_shared_tables_gives_their_rows(tmp_path: Path) -> None:
    some = tmp_path / "some"
    some.mkdir()
    for path in SHARED.glob("*.parquet"):
        table = pd.read_parquet(path)
        if "key" in table:
            table = table[pd.util.hash_array(table["key"].to_numpy(str)) % ONE_IN == 0]
        table.to_parquet(some / path.name)
    found, wanted = literature_rows(publish_literature(tmp_path / "home", some)), read_rows(some)
    assert len(found.table) > MANY
    pd.testing.assert_frame_equal(found.table, wanted.table)
    np.testing.assert_array_equal(found.fold, wanted.fold)


def test_what_is_shipped_says_how_good_it_is() -> None:
    shipped = shipped_of(PublishedExperimentModel)
    assert shipped is not None
    shipped.verify()
    assert shipped.quality().startswith("systems not seen: AUROC of the order 0.9")
    assert PublishedExperimentModel.shipped_card(shipped.manifest) == (shipped.folder / CARD_FILE).read_text()


def _more(where: Settings, k: int) -> LiteratureSnapshot:
    tables = where.home / "tables"
    with (tables / "measured.csv").open("a") as handle:
        handle.write(f"Co{k + 4},Tc,1388,doi:10.1/{k}\n")
    return publish_literature(where.literature, tables)
