"""Learning from crystals without labels: what is disturbed and hidden, what is taken over, a killed run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models.contract import FitControl, ModelError
from models.graphs.crystal_graphs import GraphBatch
from models.networks.mpnn import HEADS, MPNN, MPNNNetwork, MPNNSettings
from models.networks.pretext import Pretext, PretextSettings, edge_noise
from tests.contract.crystals import starter_examples

SMALL = MPNNSettings(width=8, layers=2)


def few() -> GraphBatch:
    return GraphBatch.collate(starter_examples().graphs, np.arange(0, 60, 4))


def small() -> MPNN:
    model = MPNN(SMALL)
    model.pretraining = replace(model.pretraining, epochs=3)
    return model


def weights(model: MPNN, heads: bool) -> dict[str, torch.Tensor]:
    return {k: v for k, v in model.network.state_dict().items() if k.startswith(HEADS) == heads}


def test_an_edge_and_its_reverse_are_disturbed_alike() -> None:
    batch = few()
    torch.manual_seed(0)
    noise = edge_noise(batch)
    seen: dict[tuple[int, int, float], float] = {}
    edges = zip(batch.edge_source.tolist(), batch.edge_target.tolist(), batch.edge_distance.tolist(), noise.tolist(), strict=True)
    for a, b, length, said in edges:
        assert seen.setdefault((min(a, b), max(a, b), round(length, 4)), said) == said
    assert len(set(seen.values())) == len(seen) > 50
    assert abs(float(noise.mean())) < 0.2 and 0.8 < float(noise.std()) < 1.2


def test_the_loss_leaves_the_batch_and_reaches_all_but_the_heads() -> None:
    torch.manual_seed(0)
    batch = few()
    numbers, lengths = batch.numbers.clone(), batch.edge_distance.clone()
    network = Pretext(MPNNNetwork(SMALL), PretextSettings())
    torch.autograd.backward(network.loss(batch))
    assert torch.equal(batch.numbers, numbers) and torch.equal(batch.edge_distance, lengths)
    touched = {name for name, value in network.trunk.named_parameters() if value.grad is not None}
    assert touched == {name for name, _ in network.trunk.named_parameters() if not name.startswith(HEADS)}


def test_hidden_elements_and_lengths_are_learned() -> None:
    model = small()
    model.pretraining = replace(model.pretraining, epochs=15)
    history = model.pretrain(starter_examples().graphs, FitControl(seed=0))
    chance = np.log(len(set(starter_examples().graphs.numbers.tolist()))) + 1.0  # any element alike; noise of variance 1
    assert history[-1]["pretext_loss"] < history[0]["pretext_loss"] < 2 * chance
    assert history[-1]["pretext_loss"] < chance


@pytest.mark.parametrize("crystals", [2, 9])
def test_few_crystals_hold_one_out(crystals: int) -> None:
    graphs = starter_examples().graphs.take(np.arange(crystals))
    assert np.isfinite([row["pretext_loss"] for row in small().pretrain(graphs, FitControl(seed=0))]).all()


def test_all_but_the_heads_is_taken_over(tmp_path: Path) -> None:
    taught, fresh = small(), MPNN(SMALL)
    taught.pretrain(starter_examples().graphs, FitControl(seed=0))
    taught.save(tmp_path)
    heads = {k: v.clone() for k, v in weights(fresh, heads=True).items()}
    fresh.start_from(tmp_path)
    for heads_too, expected in ((False, weights(taught, heads=False)), (True, heads)):
        found = weights(fresh, heads_too)
        assert found.keys() == expected.keys() and all(torch.equal(found[k], expected[k]) for k in found)
    with pytest.raises(ModelError, match="holds a network of"):
        MPNN().start_from(tmp_path)


def test_a_fit_depends_on_what_it_starts_from(tmp_path: Path) -> None:
    examples = starter_examples().take(np.arange(0, 60, 2))
    taught = small()
    taught.pretrain(examples.graphs, FitControl(seed=0))
    taught.save(tmp_path)
    ends = []
    for start in (None, tmp_path):
        model = MPNN(SMALL)
        model.fit(examples, examples, FitControl(seed=0, epochs=1, pretrained=start))
        ends.append(weights(model, heads=False))
    assert not torch.equal(ends[0]["embedding.weight"], ends[1]["embedding.weight"])


def test_a_killed_pretraining_ends_as_one_that_was_not(tmp_path: Path) -> None:
    graphs, whole, killed = starter_examples().graphs, small(), small()
    whole.pretrain(graphs, FitControl(seed=1))

    class Killed(Exception):
        pass

    def kill(row: dict[str, float]) -> None:
        if row["epoch"] == 2:
            raise Killed

    with pytest.raises(Killed):
        killed.pretrain(graphs, FitControl(seed=1, checkpoint=tmp_path, report=kill))
    resumed = small()
    history = resumed.pretrain(graphs, FitControl(seed=1, checkpoint=tmp_path))
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert all(torch.equal(v, weights(resumed, False)[k]) for k, v in weights(whole, False).items())
