"""Magnetic orderings of crystals: what no equivariant network can say, and what the model says of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data.crystal import make_crystal
from models.contract import FitControl, ModelError
from models.graphs.site_graphs import SiteBatch
from models.networks.layers import pick
from models.networks.training import TrainingSettings
from models.ordering.ising import SignField
from models.ordering.site_examples import ORDERINGS, OrderingPrediction, Pattern
from models.ordering.site_loss import LossWeights, ordering_loss, restricted, spins
from models.ordering.site_model import OrderingModel
from models.ordering.site_network import OrderingNetwork, OrderingSettings
from models.ordering.site_predict import ordering_of
from pipeline.evaluation.ordering_metrics import (
    chance_of_pattern,
    equivariant_ceiling,
    equivariant_site_share,
    f1_scores,
    known_spin_shares,
    likeliest,
    pattern_hits,
    site_share_of_chance,
    site_shares,
)
from pipeline.magnetism.magnetic_cell import symmetries
from pipeline.magnetism.ordering_forecasts import forecast, roomy
from pipeline.magnetism.site_graphs import build_site_graphs
from pipeline.magnetism.site_moments import build_table, non_magnetic_rows, site_moment_rows
from tests.pipeline.training.magnets import as_crystal, doubled, rock_salt, rutile, type_one

SAME, APART, EXACT = 1e-6, 0.1, 1e-9
SMALL = OrderingSettings(width=16, layers=2, pair_width=16, dropout=0.0)
QUICK = TrainingSettings(epochs=60, batch_size=4, learning_rate=1e-2, weight_decay=0.0, averaging=0.5, patience=60)
AFM = ORDERINGS.index("AFM")


def antiferromagnetic(batch: SiteBatch) -> torch.Tensor:
    """(pairs,) couplings of one sign, falling off with distance."""
    return -torch.exp(-batch.pair_distance / 2.0) * (1.0 - batch.pair_induced)


@pytest.mark.parametrize("crystal", [rock_salt(), rutile()], ids=["MnO", "MnF2"])
def test_only_a_probe_gives_equivalent_sites_different_signs(crystal: object) -> None:
    """Curie's principle, as a theorem about the network: from an invariant start it cannot, from a probe it does."""
    torch.manual_seed(0)
    placement = doubled(crystal)  # type: ignore[arg-type]
    graphs, _ = build_site_graphs([placement])
    batch = SiteBatch.collate(graphs, np.array([0]), torch.float64)
    network = OrderingNetwork(SMALL).double().eval()
    with torch.no_grad():
        said = network(batch)
        size = pick(said.size[:, None], batch.site_node)[:, 0]
        metal = placement.cell.numbers[placement.site] == 25
        assert len({int(k) for k in batch.site_node[torch.from_numpy(metal)]}) == 1  # all of them are equivalent
        group = next(spins(batch, antiferromagnetic(batch), metal))
        start = size[torch.from_numpy(group.site)][:, None]
        equivariant = SignField(12).double()(group.coupling, start)[0, 0]
        probe = torch.randn(1, 4, int(metal.sum()), dtype=torch.float64)
        broken = SignField(12).double()(group.coupling, probe)[0]
    assert float(equivariant.max() - equivariant.min()) < SAME
    assert float((broken.amax(dim=1) - broken.amin(dim=1)).min()) > APART


def test_couplings_and_sizes_are_invariant_under_the_group() -> None:
    torch.manual_seed(0)
    placement = doubled(rutile())
    graphs, _ = build_site_graphs([placement])
    batch = SiteBatch.collate(graphs, np.array([0]), torch.float64)
    network = OrderingNetwork(SMALL).double().eval()
    metal = placement.cell.numbers[placement.site] == 25
    with torch.no_grad():
        group = next(spins(batch, network(batch).coupling, metal))
    matrix = group.coupling[0]
    assert float((matrix - matrix.T).abs().max()) < EXACT
    assert float(matrix.std()) > 1e-3
    for row in restricted(symmetries(placement).permutations, group.site[0]):
        assert float((matrix[row][:, row] - matrix).abs().max()) < EXACT


@pytest.mark.parametrize("seed", range(3))
def test_the_loss_does_not_change_under_the_group_and_time_reversal(seed: int) -> None:
    placement = doubled(rock_salt())
    graphs, _ = build_site_graphs([placement])
    batch = SiteBatch.collate(graphs, np.array([0]), torch.float64)
    torch.manual_seed(seed)
    network = OrderingNetwork(SMALL).double().eval()
    rows = symmetries(placement).permutations
    moment = torch.from_numpy(type_one(4.44, 25).moments)
    wave = rows[len(rows) // 2 + seed]

    def loss(moments: torch.Tensor) -> float:
        torch.manual_seed(7)
        with torch.no_grad():
            return float(ordering_loss(network(batch), batch, network.field, moments, torch.tensor([AFM]), LossWeights()))

    for image in (moment[torch.from_numpy(wave)], -moment):
        assert abs(loss(image) - loss(moment)) < EXACT
    assert abs(loss(torch.where(moment != 0, moment.abs(), moment)) - loss(moment)) > 1e-3


@pytest.fixture(scope="module")
def trained() -> OrderingModel:
    """Taught that oxides with the structure of rock salt order in sheets."""
    rows = [type_one(edge, metal) for edge in (4.3, 4.4, 4.5, 4.6) for metal in (25, 27)]
    model = OrderingModel(SMALL, QUICK)
    table = build_table(rows).examples
    model.fit(table, table, FitControl(seed=0))
    return model


def test_a_trained_model_says_the_pattern_that_it_was_taught(trained: OrderingModel) -> None:
    asked = build_table([type_one(4.47, 25)]).examples
    said = trained.predict(asked.graphs)
    assert pattern_hits(asked, said).all()
    assert not equivariant_ceiling(asked).any()
    best = likeliest(said[0])
    assert best.ordering == "AFM" and best.probability > 0.5
    metal = said[0].size > 1.0
    assert np.abs(best.moments[metal]).std() < SAME and np.abs(best.moments[metal]).mean() == pytest.approx(4.5, abs=0.5)
    assert sum(p.probability for p in said[0].patterns) == pytest.approx(1.0, abs=SAME)
    assert said[0].moment_per_atom < 0.3 * said[0].size.mean()
    assert chance_of_pattern(asked)[0] < 0.5


def test_shares_of_right_signs(trained: OrderingModel) -> None:
    """Equivalent sites that must agree are right by half; one spin of eight turned round makes seven of eight, in every image."""
    asked = build_table([type_one(4.47, 25)]).examples
    said = trained.predict(asked.graphs)
    assert site_shares(asked, said).tolist() == [1.0] and equivariant_site_share(asked).tolist() == [0.5]
    assert 0.5 < site_share_of_chance(asked)[0] < 1.0
    assert trained.trees is not None and known_spin_shares(asked, trained.trees).tolist() == [1.0]
    moments = asked.moments(0).copy()
    moments[np.flatnonzero(moments)[0]] *= -1
    for row in asked.graphs.permutations(0)[::30]:
        other = OrderingPrediction(said[0].p_ordering, said[0].size, [Pattern(-moments[row], 1.0, "FiM")])
        assert site_shares(asked, [other]).tolist() == [7 / 8]


def test_a_saved_model_says_the_same(trained: OrderingModel, tmp_path: Path) -> None:
    asked = build_table([type_one(4.47, 25)]).examples.graphs
    trained.save(tmp_path)
    again = OrderingModel.load(tmp_path)
    for one, other in zip(trained.predict(asked), again.predict(asked), strict=True):
        assert np.array_equal(one.p_ordering, other.p_ordering)
        assert all(np.array_equal(a.moments, b.moments) for a, b in zip(one.patterns, other.patterns, strict=True))
    weights = load_file(tmp_path / "model.safetensors")
    weights["forest.crystals.left"][0] = -1
    save_file(weights, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match="trees"):
        OrderingModel.load(tmp_path)
    (tmp_path / "model.json").write_text('{"family": "cgcnn", "format": 1}')
    with pytest.raises(ModelError, match="not ordering"):
        OrderingModel.load(tmp_path)


def test_forecasts_do_not_depend_on_the_cell_that_comes(trained: OrderingModel) -> None:
    small = rock_salt(4.47)
    rng = np.random.default_rng(3)
    large = as_crystal(doubled(small))
    order, turn = rng.permutation(large.n_sites), np.linalg.qr(rng.normal(size=(3, 3)))[0]
    turned = make_crystal("turned", large.lattice @ turn, (large.frac + 0.3)[order], large.numbers[order])
    one, other = forecast(trained, [small, turned])
    assert one is not None and other is not None
    assert one.crystal.n_sites == other.crystal.n_sites == 16
    assert np.abs(one.said.p_ordering - other.said.p_ordering).max() < 1e-4
    assert one.said.moment_per_atom == pytest.approx(other.said.moment_per_atom, abs=1e-3)
    assert likeliest(one.said).ordering == likeliest(other.said).ordering == "AFM"
    assert one.p_ordering["AFM"] == max(one.p_ordering.values())


def test_a_fit_can_be_interrupted(tmp_path: Path) -> None:
    rows = build_table([type_one(edge, 25) for edge in (4.3, 4.4, 4.5, 4.6)]).examples
    whole, parts = OrderingModel(SMALL, QUICK), OrderingModel(SMALL, QUICK)
    history = whole.fit(rows, rows, FitControl(seed=1, epochs=4))
    stopped: list[float] = []

    def stop(row: dict[str, float]) -> None:
        stopped.append(row["epoch"])
        if row["epoch"] == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.fit(rows, rows, FitControl(seed=1, epochs=4, checkpoint=tmp_path, report=stop))
    resumed = parts.fit(rows, rows, FitControl(seed=1, epochs=4, checkpoint=tmp_path))
    assert stopped == [1, 2, 3] and len(resumed) == 4
    assert resumed[-1]["validation_loss"] == pytest.approx(history[-1]["validation_loss"], rel=1e-5)


def test_large_primitive_cells_are_not_enlarged() -> None:
    rng = np.random.default_rng(0)
    odd = make_crystal("odd", 9 * np.eye(3), rng.random((24, 3)), [26] * 24)
    assert roomy(odd).copies == 1 and roomy(rock_salt()).copies == 8


@pytest.mark.parametrize(
    ("moments", "word"),
    [([0.05, 0.0], "NM"), ([2.0, 1.0, -0.05], "FM"), ([2.0, -2.0], "AFM"), ([4.0, -1.0], "FiM"), ([-3.0, -2.0], "FM")],
)
def test_classes_of_moments(moments: list[float], word: str) -> None:
    assert ordering_of(np.array(moments)) == word


def test_f1_scores() -> None:
    truth, said = np.array([1, 1, 2, 2, 3]), np.array([1, 2, 2, 2, 1])
    assert f1_scores(truth, said, [1, 2, 3]) == pytest.approx({"FM": 0.5, "FiM": 0.8, "AFM": 0.0})


def test_real_rows_become_examples(shared_data: Callable[[str], Path]) -> None:
    rows = list(islice(site_moment_rows(shared_data("mp_site_moments.parquet")), 100))
    table = build_table(rows)
    assert len(table.examples) == len(rows)
    for k, row in enumerate(rows):
        assert np.array_equal(table.examples.moments(k), row.moments)  # sites in the row's own order
        graphs = table.examples.graphs
        nodes = graphs.site_node[graphs.site_ptr[k] : graphs.site_ptr[k + 1]]
        numbers = graphs.trunk.numbers[graphs.trunk.node_ptr[k] : graphs.trunk.node_ptr[k + 1]]
        assert np.array_equal(numbers[nodes], row.crystal.numbers)


def test_rows_without_a_moment(shared_data: Callable[[str], Path]) -> None:
    rows = list(islice(non_magnetic_rows(shared_data("mp_magnets.parquet"), 0.05, 0), 20))
    assert len(rows) == 20 and all(row.ordering == "NM" and not row.moments.any() for row in rows)
