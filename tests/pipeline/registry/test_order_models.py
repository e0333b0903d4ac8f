"""The life-cycle of the order classifier and the order ranker: snapshot, training, promotion, roll-back, shipping."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from data.crystal import Crystal
from data.errors import UserError
from data.snapshot import Snapshot, publish_snapshot
from data.sources.parquet import ParquetSource
from data.sources.starter import StarterSource
from models.ordering.order_classifier import CLASSES
from pipeline.ops.progress import Quiet
from pipeline.refresh.prune import prune
from pipeline.registry.artifact_types import MODEL_KINDS, kinds, model_kind
from pipeline.registry.order_cards import WITHIN
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.order_ranker import OrderRanker
from pipeline.registry.promotion import promote, rollback
from pipeline.registry.published import CARD_FILE, artefact_id, current_models
from pipeline.registry.shipped import choose, ship, shipped_of
from pipeline.settings import Settings
from pipeline.training.rivals import shipped_rival_of
from pipeline.training.snapshots import newest_with_site_moments
from pipeline.training.train_order import train_order
from tests.pipeline.training.magnets import type_one

METALS = (24, 25, 26, 27, 28)
EDGES_A = tuple(4.1 + 0.04 * k for k in range(10))


def row(crystal: Crystal, moments: np.ndarray, split: str) -> tuple[str, list[float], str]:
    return crystal.to_pymatgen().to(fmt="cif"), np.round(moments, 3).tolist(), split


def table(path: Path) -> Path:
    """Rock salts: by the edge length antiferromagnets of type one, ferrimagnets or ferromagnets, in all three parts."""
    rows = []
    for k, metal in enumerate(METALS):
        split = ("train", "train", "train", "val", "test")[k]
        for edge in EDGES_A:
            afm = type_one(edge, metal)
            rows.append(row(afm.crystal, afm.moments, split))
            fim, fm = type_one(edge + 0.6, metal), type_one(edge + 1.2, metal)
            rows.append(row(fim.crystal, np.where(fim.moments < 0, 0.5, 1.0) * fim.moments, split))
            rows.append(row(fm.crystal, np.abs(fm.moments), split))
    columns = {
        "material_id": [f"m{k}" for k in range(len(rows))], "cif": [cif for cif, _, _ in rows],
        "site_magmoms_muB": [moments for _, moments, _ in rows], "split": [split for _, _, split in rows],
    }  # fmt: skip
    pq.write_table(pa.table(columns), path)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    where = Settings(home=tmp_path_factory.mktemp("home"), workers=1)
    path = table(where.home / "site_moments.parquet")
    train_order(publish_snapshot(where.snapshots, ParquetSource(path, labelled=True)), where, Quiet())
    return where


@pytest.fixture
def where(home: Settings, tmp_path: Path) -> Settings:
    shutil.copytree(home.home, tmp_path / "home")
    return Settings(home=tmp_path / "home", workers=1)


def own(where: Settings, kind: type) -> OrderClassifier | OrderRanker:
    (folder,) = (where.home / kind.directory).glob("[!.]*/")
    return kind(folder)


def test_both_are_published_with_card_and_hashes(where: Settings) -> None:
    for kind in (OrderClassifier, OrderRanker):
        model = own(where, kind)
        model.verify()
        assert model.id == artefact_id(model.manifest["files"])
        assert model.manifest["snapshot"] == newest_with_site_moments(where).id
        card = (model.folder / CARD_FILE).read_text()
        assert "CC-BY 4.0" in card and f"# Model card: {kind.kind}" in card
    assert own(where, OrderClassifier).manifest["rows"] == {"train": 90, "val": 30, "test": 30}
    assert own(where, OrderRanker).manifest["rows"] == {"train": 60, "test": 20}


def test_the_one_promoted_is_in_use_until_it_is_given_up(where: Settings) -> None:
    shipped, mine = choose(where, OrderClassifier), own(where, OrderClassifier)
    assert shipped.id == shipped_of(OrderClassifier).id != mine.id
    root = where.order_classifiers
    decision = promote(root, mine.id[:8], None, OrderClassifier)
    assert decision.promoted, decision.reasons
    assert choose(where, OrderClassifier).id == mine.id
    assert choose(where, OrderClassifier, shipped.id[:8]).id == shipped.id
    assert rollback(root, shipped, OrderClassifier) == (mine.id, shipped.id)
    assert choose(where, OrderClassifier).id == shipped.id and current_models(root) == []


def test_against_the_shipped_one_unseen_systems_decide(where: Settings) -> None:
    mine, rival = own(where, OrderClassifier), shipped_rival_of(OrderClassifier, where, Quiet())
    assert rival is not None
    errors = rival.errors(mine)
    assert set(errors.columns) == {"error", "truth", "system"} and (errors["error"] >= 0).all()
    decision = promote(where.order_classifiers, mine.id, rival, OrderClassifier)
    assert not decision.promoted and "too few rows in common" in decision.reasons[0], "rows of one system prove nothing"


def test_a_model_that_knows_nothing_is_refused(where: Settings) -> None:
    mine = own(where, OrderClassifier)
    rows = mine.held_out().assign(**{f"p_{name}": 1 / 3 for name in CLASSES})
    rows.to_parquet(mine.folder / "held_out.parquet", index=False)
    assert any("constant shares" in reason for reason in OrderClassifier(mine.folder).gates())


def test_a_ranker_at_chance_is_refused(where: Settings) -> None:
    mine = own(where, OrderRanker)
    pd.DataFrame(
        {"material_id": list("abcd"), "chemsys": list("abcd"), "ordering": "AFM", "place": [5, 9, 3, 0], "rivals": 9}
    ).to_parquet(mine.folder / "held_out.parquet", index=False)
    assert any("not better than chance" in reason for reason in OrderRanker(mine.folder).gates())


def test_the_chance_of_a_crystal_with_several_own_orders_is_larger(where: Settings) -> None:
    """The moments of a calculation may fit several configurations, and the first of them counts."""
    mine, rng, count = own(where, OrderRanker), np.random.default_rng(0), 400
    assert mine.held_out()["own"].min() >= 0
    first = [int(rng.permutation(9)[:3].min()) + 1 for _ in range(count)]  # three of nine, in random order
    rows = pd.DataFrame({"material_id": map(str, range(count)), "chemsys": map(str, range(count)), "ordering": "AFM"})
    rows.assign(place=first, rivals=9, own=3).to_parquet(mine.folder / "held_out.parquet", index=False)
    assert any("not better than chance" in reason for reason in OrderRanker(mine.folder).gates())
    rows.assign(place=1, rivals=9, own=3).to_parquet(mine.folder / "held_out.parquet", index=False)
    assert OrderRanker(mine.folder).gates() == []


def test_shipped_without_names_and_as_good(where: Settings, tmp_path: Path) -> None:
    for kind in (OrderClassifier, OrderRanker):
        mine = own(where, kind)
        shipped = ship(mine, where, tmp_path / kind.directory)
        assert shipped.manifest["shipped_from"] == mine.id and "held_out.parquet" not in shipped.manifest["files"]
        shipped.verify()
        assert b"Mn-O" not in b"".join(path.read_bytes() for path in shipped.folder.rglob("*") if path.is_file())
    columns = np.zeros((3, len(own(where, OrderClassifier).classes.median)), dtype=np.float32)
    again = OrderClassifier(next((tmp_path / "order-classifiers").glob("[!.]*/")))
    np.testing.assert_array_equal(again.predict(columns), own(where, OrderClassifier).predict(columns))


def test_a_snapshot_that_an_order_model_learned_from_is_not_pruned(where: Settings) -> None:
    learned = newest_with_site_moments(where).id
    path = table(where.home / "site_moments.parquet")
    rows = pq.read_table(path).slice(0, 148)
    pq.write_table(rows, path)
    newer = publish_snapshot(where.snapshots, ParquetSource(path, labelled=True))
    done = prune(where, keep=1)
    assert done.removed == [] and {learned, newer.id} <= set(done.kept)
    assert "learned from it" in done.kept[learned]


def test_pushed_and_pulled_like_every_artefact(where: Settings) -> None:
    assert [kind.name for kind in kinds(where)] == ["snapshot", "literature snapshot", *(kind.kind for kind in MODEL_KINDS)]
    for kind in kinds(where):
        for folder in kind.root.glob("[!.]*/manifest.json"):
            kind.verify(folder.parent)


def test_a_damaged_model_is_refused_with_what_to_do(where: Settings) -> None:
    mine = own(where, OrderRanker)
    (mine.folder / "model.safetensors").write_bytes(b"broken")
    with pytest.raises(UserError, match=r"order ranker .* is damaged or missing; train again"):
        _ = OrderRanker(mine.folder).trees


def test_a_snapshot_without_site_moments_teaches_no_order(tmp_path: Path) -> None:
    where = Settings(home=tmp_path, workers=1)
    with pytest.raises(UserError, match="no snapshot holds site moments yet"):
        newest_with_site_moments(where)
    snapshot: Snapshot = publish_snapshot(where.snapshots, StarterSource())
    with pytest.raises(UserError, match="holds no site moments to learn"):
        train_order(snapshot, where, Quiet())


def test_what_is_shipped_says_how_good_it_is() -> None:
    classifier, ranker = shipped_of(OrderClassifier), shipped_of(OrderRanker)
    assert classifier is not None and ranker is not None
    classifier.verify()
    ranker.verify()
    card = (ranker.folder / CARD_FILE).read_text()
    for found in ranker.manifest["scores"].values():
        shares = [found["within"][str(k)] for k in WITHIN]
        assert shares == sorted(shares) and shares[0] > 0 and shares[-1] < 1
        assert all(f"{share:.3f}" in card for share in shares)
    assert 0.5 < classifier.manifest["scores"]["test"]["f1"]["macro"] < 1


def test_a_table_without_one_of_the_orders_is_refused(tmp_path: Path) -> None:
    where, path = Settings(home=tmp_path / "home", workers=1), table(tmp_path / "site_moments.parquet")
    rows = pq.read_table(path)
    parallel = [min(moments) >= 0 for moments in rows["site_magmoms_muB"].to_pylist()]
    pq.write_table(rows.filter(pa.array(parallel)), path)
    with pytest.raises(UserError, match="no FiM or AFM among the training rows"):
        train_order(publish_snapshot(where.snapshots, ParquetSource(path, labelled=True)), where, Quiet())


def test_no_model_is_published_where_no_antiferromagnet_tests_them(tmp_path: Path) -> None:
    where, path = Settings(home=tmp_path / "home", workers=1), table(tmp_path / "site_moments.parquet")
    rows = pq.read_table(path)
    columns = (rows[name].to_pylist() for name in ("site_magmoms_muB", "split"))
    kept = [min(moments) >= 0 or part != "test" for moments, part in zip(*columns, strict=True)]
    pq.write_table(rows.filter(pa.array(kept)), path)
    with pytest.raises(UserError, match="no AFM or FiM among the test rows"):
        train_order(publish_snapshot(where.snapshots, ParquetSource(path, labelled=True)), where, Quiet())
    assert not where.order_classifiers.is_dir() or not list(where.order_classifiers.iterdir())


def test_kinds_are_called_by_their_names() -> None:
    assert model_kind("order-ranker") is OrderRanker
    with pytest.raises(UserError, match="--kind is model, order-classifier, order-ranker or experiment-model, not 'tree'"):
        model_kind("tree")
