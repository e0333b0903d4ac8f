"""Labels that other sources contradict: what is replaced, what counts less, what stays, and that training learns them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data.errors import UserError
from data.snapshot import open_snapshot
from pipeline.ops.progress import Quiet
from pipeline.registry.published import CARD_FILE
from pipeline.settings import Settings
from pipeline.training.dataset import labelled_examples
from pipeline.training.label_noise import WEIGHT
from pipeline.training.label_sources import (
    CALCULATED_TABLE,
    MEASURED_TABLE,
    ORDERS,
    SITES_TABLE,
    LabelSources,
    described_labels,
)
from pipeline.training.mended_labels import (
    AFM,
    COLUMNS,
    DISAGREE,
    MEND_CODE,
    ONE_SOURCE,
    REPLACED,
    MendedLabels,
    mend_labels,
)
from pipeline.training.train import MENDED_FILE, MENDED_FROM, TrainSettings, train_ensemble

VOLUME = 12.0  # Å³ an atom, of all rows
ZRCO5, TBCO2, FE, MNSB = "Co0.8333 Zr0.1667", "Co0.6667 Tb0.3333", "Fe1.0000", "Mn0.5000 Sb0.5000"


def rows(*labels: tuple[str, str, float]) -> pd.DataFrame:
    """Six atoms each: id, formula, label in µB/atom."""
    table = pd.DataFrame(labels, columns=["material_id", "formula", "moment_muB_per_atom"])
    return table.assign(volume_A3=6 * VOLUME, n_sites=6)


def tables(
    folder: Path,
    newer: dict[str, list[float]] | None = None,
    measured: dict[str, float] | None = None,
    orders: dict[str, tuple[str, float]] | None = None,
    sites: dict[str, list[float]] | None = None,
) -> LabelSources:
    """Tables of µB/atom by composition (newer calculations, measured), of orders with Tc, and of site moments by id."""
    folder.mkdir(exist_ok=True)
    if newer is not None:
        told = [(key, f"set {k}", value / VOLUME) for key, values in newer.items() for k, value in enumerate(values)]
        pd.DataFrame(told, columns=["key", "set", "muB_per_A3"]).to_parquet(folder / CALCULATED_TABLE)
    if measured is not None:
        pd.DataFrame({"key": list(measured), "muB_per_atom": list(measured.values())}).to_parquet(folder / MEASURED_TABLE)
    if orders is not None:
        said = [(key, order, "A", tc) for key, (order, tc) in orders.items()]
        pd.DataFrame(said, columns=["key", "exp_order", "tier", "Tc_K"]).to_parquet(folder / ORDERS)
    if sites is not None:
        said = [(name, "exact", moments) for name, moments in sites.items()]
        pd.DataFrame(said, columns=["material_id", "id_match", "site_magmoms_muB"]).to_parquet(folder / SITES_TABLE)
    return LabelSources.of([folder])


def verdicts(found: MendedLabels) -> dict[str, str]:
    return dict(zip(found.table["material_id"], found.table["verdict"], strict=True))


ZERO = rows(("a", "ZrCo5", 0.0))


def test_two_sources_replace_a_label_and_one_makes_it_count_less(tmp_path: Path) -> None:
    both = mend_labels(ZERO, tables(tmp_path / "both", {ZRCO5: [1.1, 1.3]}))
    assert verdicts(both) == {"a": REPLACED} and both.table["learned"].tolist() == [pytest.approx(1.2)]
    assert both.weight(["a", "b"]).tolist() == [1.0, 1.0]
    one = mend_labels(ZERO, tables(tmp_path / "one", {ZRCO5: [1.1]}))
    assert verdicts(one) == {"a": ONE_SOURCE} and one.weight(["b", "a"]).tolist() == [1.0, WEIGHT]
    assert one.moment(["a"], np.array([0.0])).tolist() == [0.0], "a label that one source contradicts stays"
    assert list(one.table) == COLUMNS and one.counts() == {ONE_SOURCE: 1}


def test_two_polymorphs_of_one_set_are_one_source(tmp_path: Path) -> None:
    said = pd.DataFrame({"key": [ZRCO5] * 2, "set": ["PBEsol"] * 2, "muB_per_A3": [1.1 / VOLUME, 1.3 / VOLUME]})
    said.to_parquet(tmp_path / CALCULATED_TABLE)
    assert verdicts(mend_labels(ZERO, LabelSources.of([tmp_path]))) == {"a": ONE_SOURCE}


def test_sets_may_be_numbers_and_site_moments_absent(tmp_path: Path) -> None:
    said = pd.DataFrame({"key": [ZRCO5] * 2, "set": [1, 2], "muB_per_A3": [1.1 / VOLUME, 1.3 / VOLUME]})
    said.to_parquet(tmp_path / CALCULATED_TABLE)
    absent = pd.DataFrame({"material_id": ["a", "a"], "id_match": ["exact"] * 2, "site_magmoms_muB": [None, []]})
    absent.to_parquet(tmp_path / SITES_TABLE)
    found = mend_labels(ZERO, LabelSources.of([tmp_path]))
    assert verdicts(found) == {"a": REPLACED} and found.table["sources"].tolist() == ["1 1.10; 2 1.30"]
    assert verdicts(mend_labels(rows(("b", "ZrCo5", 0.0)), tables(tmp_path / "other", sites={"a": [6.0] * 6}))) == {}


@pytest.mark.parametrize("name", [7, 7.0])
def test_ids_of_site_moments_may_be_numbers(tmp_path: Path, name: float) -> None:
    """A snapshot has the id 7 of a user's table as text."""
    found = mend_labels(rows(("7", "ZrCo5", 0.0)), tables(tmp_path, sites={name: [1.2] * 6}))  # type: ignore[dict-item]
    assert found.table["verdict"].to_list() == [ONE_SOURCE]


def test_a_measured_moment_replaces_and_a_measured_curie_temperature_is_a_second_source(tmp_path: Path) -> None:
    measured = mend_labels(ZERO, tables(tmp_path / "measured", measured={ZRCO5: 1.38}))
    assert verdicts(measured) == {"a": REPLACED} and measured.moment(["a"], np.zeros(1)).tolist() == [1.38]
    hot = tables(tmp_path / "hot", {ZRCO5: [1.1]}, orders={ZRCO5: ("FM_or_FiM", 980.0)})
    assert verdicts(mend_labels(ZERO, hot)) == {"a": REPLACED}
    cold = tables(tmp_path / "cold", {ZRCO5: [1.1]}, orders={ZRCO5: ("FM_or_FiM", 5.0)})
    assert verdicts(mend_labels(ZERO, cold)) == {"a": ONE_SOURCE}
    alone = tables(tmp_path / "alone", {FE: [2.2]}, orders={ZRCO5: ("FM_or_FiM", 980.0)})
    assert verdicts(mend_labels(ZERO, alone)) == {}, "an order states no moment: CoB and TiCoSb have a Tc in papers"


@pytest.mark.parametrize("order", ["AFM", "mixed"])
def test_a_measured_antiferromagnet_is_never_replaced(tmp_path: Path, order: str) -> None:
    sources = tables(tmp_path, {ZRCO5: [1.1, 1.2]}, {ZRCO5: 1.3}, {ZRCO5: (order, np.nan)})
    assert verdicts(mend_labels(ZERO, sources)) == {"a": AFM}
    only = tables(tmp_path / "only", measured={ZRCO5: 1.3}, orders={ZRCO5: (order, np.nan)})
    assert verdicts(mend_labels(ZERO, only)) == {}, "what papers state for an antiferromagnet is the moment of a site"


def test_sources_that_disagree_or_agree_with_the_label(tmp_path: Path) -> None:
    assert verdicts(mend_labels(ZERO, tables(tmp_path / "a", {ZRCO5: [0.6, 1.3]}))) == {"a": DISAGREE}
    assert verdicts(mend_labels(ZERO, tables(tmp_path / "b", {ZRCO5: [0.0, 1.3]}))) == {}
    assert verdicts(mend_labels(ZERO, tables(tmp_path / "c", {ZRCO5: [1.3, 1.3]}, sites={"a": [1.0, -1.0, 0, 0, 0, 0]}))) == {}
    small = rows(("a", "ZrCo5", 0.3))
    assert verdicts(mend_labels(small, tables(tmp_path / "d", {ZRCO5: [1.3, 1.3]}))) == {}, "different is not wrong"


def test_polymorphs_are_told_apart_by_site_moments_only(tmp_path: Path) -> None:
    both = rows(("a", "ZrCo5", 0.0), ("b", "ZrCo5", 1.2))
    assert verdicts(mend_labels(both, tables(tmp_path / "a", {ZRCO5: [1.2, 1.2]}))) == {}
    orders = {ZRCO5: ("FM_or_FiM", 980.0)}
    own = tables(tmp_path / "b", {ZRCO5: [1.2, 1.2]}, orders=orders, sites={"a": SITES})
    assert verdicts(mend_labels(both, own)) == {"a": ONE_SOURCE}, "the measured one may be the other"
    found = mend_labels(ZERO, tables(tmp_path / "c", orders=orders, sites={"a": SITES}))
    assert verdicts(found) == {"a": REPLACED} and found.table["learned"].tolist() == [pytest.approx(6.8 / 6)]


def test_frozen_4f_shells_and_moments_that_no_atom_carries(tmp_path: Path) -> None:
    frozen = rows(("a", "TbCo2", 0.0))
    experiment = tables(tmp_path / "a", measured={TBCO2: 2.0}, orders={TBCO2: ("FM_or_FiM", 230.0)})
    assert verdicts(mend_labels(frozen, experiment)) == {}, "the 4f moment is no part of the label"
    assert verdicts(mend_labels(frozen, tables(tmp_path / "b", {TBCO2: [0.8, 0.9]}))) == {"a": REPLACED}
    bismuth = rows(("a", "Bi", 0.0))
    assert verdicts(mend_labels(bismuth, tables(tmp_path / "c", {"Bi1.0000": [14.8, 14.8]}))) == {}


def test_d_moments_order_where_4f_moments_alone_do_not(tmp_path: Path) -> None:
    """TbFe2 and its like: a calculation with frozen 4f shells has the moments of the iron."""
    frozen, warm = rows(("a", "TbCo2", 0.0)), {TBCO2: ("FM_or_FiM", 697.0)}
    alone = mend_labels(frozen, tables(tmp_path / "a", measured={TBCO2: 2.0}, orders=warm))
    assert verdicts(alone) == {"a": ONE_SOURCE}, "the measured moment holds that of the 4f shells"
    both = mend_labels(frozen, tables(tmp_path / "b", {TBCO2: [0.8]}, orders=warm))
    assert verdicts(both) == {"a": REPLACED} and both.table["learned"].tolist() == [pytest.approx(0.8)]
    cold = tables(tmp_path / "c", {TBCO2: [0.8]}, orders={TBCO2: ("FM_or_FiM", 230.0)})
    assert verdicts(mend_labels(frozen, cold)) == {"a": ONE_SOURCE}
    small = tables(tmp_path / "d", {TBCO2: [0.1]}, orders=warm)
    assert verdicts(mend_labels(frozen, small)) == {}, "a source that agrees with the label"


SITES = [1.4, -0.2, 1.4, 1.4, 1.4, 1.4]
IRON = {"volume_A3": 12 * 11.73, "n_sites": 12}


def test_the_handbook_and_a_calculation_replace_the_size_of_a_ferromagnet(tmp_path: Path) -> None:
    iron = rows(("mp-13", "Fe", 2.645)).assign(**IRON)
    told = {FE: [2.645 * VOLUME / 11.73, 2.25 * VOLUME / 11.73]}  # the first one is the label's own calculation
    found = mend_labels(iron, tables(tmp_path / "a", told))
    assert verdicts(found) == {"mp-13": REPLACED} and found.table["learned"].tolist() == [pytest.approx(2.25)]
    assert "handbook at 300 K 2.16" in found.table["sources"].item()
    close = rows(("mp-13", "Fe", 2.4)).assign(**IRON)
    assert verdicts(mend_labels(close, tables(tmp_path / "b", {FE: [2.25 * VOLUME / 11.73]}))) == {}
    alone = tables(tmp_path / "c", {FE: [2.645 * VOLUME / 11.73]})
    assert verdicts(mend_labels(iron, alone)) == {}, "the handbook alone replaces nothing"
    two = rows(("mp-13", "Fe", 2.645), ("hcp", "Fe", 1.0)).assign(**IRON)
    assert verdicts(mend_labels(two, tables(tmp_path / "d", told))) == {}, "a composition with two crystals"


def test_what_sources_are_looked_up_by() -> None:
    described = described_labels(rows(("a", "ZrCo5", 0.0), ("b", "Co5Zr", 0.0), ("c", "Fe3C", 1.4), ("d", "TbCo2", 0.0)))
    assert described["key"].nunique() == 3, "the order of elements is none of the composition's"
    assert described["frozen_4f"].tolist() == [False, False, False, True]
    np.testing.assert_allclose(described["magnetic_share"], [5 / 6, 5 / 6, 3 / 4, 1.0])


def test_folders_that_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of"):
        LabelSources.of([tmp_path])
    tables(tmp_path / "a", {ZRCO5: [1.0]})
    tables(tmp_path / "b", {ZRCO5: [1.0]})
    with pytest.raises(UserError, match="same name"):
        LabelSources.of([tmp_path / "a", tmp_path / "b"])
    pd.DataFrame({"key": [ZRCO5]}).to_parquet(tmp_path / "a" / CALCULATED_TABLE)
    with pytest.raises(UserError, match="columns"):
        mend_labels(ZERO, LabelSources.of([tmp_path / "a"]))
    (tmp_path / "a" / CALCULATED_TABLE).write_bytes(b"no table")
    with pytest.raises(UserError, match="cannot be read"):
        mend_labels(ZERO, LabelSources.of([tmp_path / "a"]))


def test_a_training_is_known_by_the_content_of_its_tables(tmp_path: Path) -> None:
    first, copy, other = (tables(tmp_path / name, {ZRCO5: [value]}) for name, value in (("a", 1.0), ("b", 1.0), ("c", 1.1)))
    said = [TrainSettings(label_sources=s).to_json() for s in (first, copy, other)]
    assert said[0] == said[1] != said[2] and first == copy
    assert "label_sources" not in TrainSettings().to_json(), "trainings without sources keep their identity"


@pytest.mark.parametrize("members", [("boosting",), ("cgcnn",)])
def test_a_training_learns_the_mended_labels(trained_home: Path, tmp_path: Path, members: tuple[str, ...]) -> None:
    """Zeros that two made-up sources call magnets, and the model's list of them; validation and test rows stay."""
    where = Settings(home=tmp_path, workers=1)
    snapshot = open_snapshot(trained_home / "snapshots")
    every = described_labels(snapshot.table(MENDED_FROM).to_pandas())
    sites = {row.material_id: [1.0] * row.n_sites for row in every[~every["frozen_4f"]].itertuples() if row.magnetic_share > 0}
    folder = tmp_path / "tables"
    tables(folder, orders=dict.fromkeys(every["key"].unique(), ("FM_or_FiM", 300.0)), sites=sites)
    wanted = TrainSettings(members=members, epochs=1, label_sources=LabelSources.of([folder]))
    model = train_ensemble(snapshot, wanted, where, Quiet())
    listed = pd.read_csv(model.folder / MENDED_FILE)
    zero = every[(every["moment_muB_per_atom"] <= 0.05) & every["material_id"].isin(sites)]
    assert 0 < len(listed) < len(zero), "those of validation and test rows are left alone"
    replaced = listed["verdict"] == REPLACED
    assert replaced.sum() >= 3 and (listed.loc[replaced, "learned"] == 1.0).all()
    assert set(listed["material_id"]) < set(zero["material_id"])
    assert set(listed.loc[~replaced, "verdict"]) <= {ONE_SOURCE}, "of compositions with another, magnetic crystal"
    assert "newer calculations or experiments" in (model.folder / CARD_FILE).read_text()
    assert MEND_CODE in model.manifest["code"] and model.manifest["mended_labels"] == listed["verdict"].value_counts().to_dict()
    assert model.manifest["settings"]["label_sources"] == dict(wanted.label_sources.tables if wanted.label_sources else ())
    plain = train_ensemble(snapshot, TrainSettings(members=members, epochs=1), where, Quiet())
    assert plain.id != model.id and "mended_labels" not in plain.manifest
    assert plain.held_out()["moment_dft"].equals(model.held_out()["moment_dft"])
    data = labelled_examples(snapshot, plain.graph_settings, plain.descriptor_set, plain.needs.directions, where, Quiet())
    rows = np.flatnonzero(np.isin(data.table["material_id"].to_numpy(), listed.loc[replaced, "material_id"]))
    mended, unmended = (one.predict(data.examples.take(rows)).moment.mean() for one in (model, plain))
    assert mended > unmended, "of the rows whose labels were replaced by larger ones"


def test_known_false_labels_of_the_shared_table(shared_data: Callable[[str], Path]) -> None:
    path = shared_data("mp_magnets.parquet")
    columns = ["material_id", "formula", "magnetization_muB_per_atom", "volume_A3", "n_sites"]
    table = pd.read_parquet(path, columns=columns).rename(columns={"magnetization_muB_per_atom": "moment_muB_per_atom"})
    found = mend_labels(table, LabelSources.of([path.parent / "literature", path.parent])).table.set_index("material_id")
    for name, low, high in (("mp-13", 2.1, 2.3), ("mp-5434", 1.6, 1.9), ("mp-493", 0.45, 0.7), ("mp-2831", 1.5, 1.8)):
        assert found.at[name, "verdict"] == REPLACED and low < found.at[name, "learned"] < high
    assert 100 < (found["verdict"] == REPLACED).sum() < 200, "a rule that replaces far more has become careless"
