"""What every model family must pass. A family of your own: subclass ModelContract (and networks.NetworkContract where it has a
torch module as `network`) in a test file, and give the fixture `kind` that returns your class, as tests/contract/test_models.py
does.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from data.crystal import Crystal
from data.symmetry import SymmetricCell, symmetrise
from models.contract import Examples, FitControl, Model, ModelError, Prediction
from tests.contract import crystals as made

INVARIANCE = 1e-4  # µB/atom, float32: another way to write the same crystal
SAME_GRAPH = 1e-5  # µB/atom, float32: asymmetric unit against full cell
BATCH = 1e-6  # µB/atom, float32: alone against among others
FLOAT64 = 1e-9  # µB/atom: all of these in float64
EPOCHS = 8
LEARNED_R2 = 0.6  # on the rows it was trained on; any constant reaches 0
VARIES = 0.2  # µB/atom between the hand-built crystals; less would make the comparisons hollow
WEIGHTS, HEADER = "model.safetensors", "model.json"

TRANSFORMATIONS: dict[str, Callable[[Crystal], Crystal]] = {
    "rotation": lambda c: made.rotated(c, made.random_rotation(1)),
    "reflection": lambda c: made.rotated(c, made.random_rotation(2, handedness=-1)),
    "translation": lambda c: made.translated(c, (0.1234, -0.377, 1.91)),
    "site permutation": lambda c: made.permuted(c, 3),
    "skewed basis": lambda c: made.rebased(c, [[1, 2, 0], [0, 1, -1], [0, 0, 1]]),
    "left-handed basis": lambda c: made.rebased(c, [[0, 1, 0], [1, 0, 0], [1, 0, 1]]),
    "primitive cell": lambda c: made.standard_cells(c)["primitive"],
    "conventional cell": lambda c: made.standard_cells(c)["conventional"],
    "2x1x1 supercell": lambda c: made.supercell(c, (2, 1, 1)),
    "1x2x2 supercell": lambda c: made.supercell(c, (1, 2, 2)),
    "all at once": lambda c: all_at_once(c),
}


def all_at_once(crystal: Crystal) -> Crystal:
    skewed = made.rebased(made.supercell(crystal, (2, 1, 1)), [[1, 0, 0], [1, 1, 0], [0, -1, 1]])
    return made.rotated(made.permuted(made.translated(skewed, (0.4, 0.3, 0.2)), 5), made.random_rotation(4, handedness=-1))


@cache  # every family once: a cache of a few would train each of them again for each test
def trained(kind: type[Model]) -> tuple[Model, list[dict[str, float]]]:
    """A model of the family trained on the starter set, and the history of its training; every fifth row also chooses."""
    examples = made.starter_examples()
    model = kind()
    return model, model.fit(examples, examples.take(np.arange(0, len(examples), 5)), FitControl(seed=0, epochs=EPOCHS))


def bytes_of_a_training(kind: type[Model], seed: int, folder: Path) -> dict[str, bytes]:
    """The files of a model that learned from a fifth of the starter set for two epochs."""
    examples = made.starter_examples()
    few = examples.take(np.arange(0, len(examples), 5))
    model = kind()
    model.fit(few, few, FitControl(seed=seed, epochs=2))
    return saved_bytes(model, folder)


@cache
def hand_built_examples() -> Examples:
    return made.examples_of(list(made.hand_built().values()))


@cache  # for all families: graphs by brute force take longer than a prediction
def changed_cells(name: str) -> list[SymmetricCell]:
    """The hand-built crystals, described differently."""
    return [symmetrise(TRANSFORMATIONS[name](crystal)) for crystal in made.hand_built().values()]


@cache
def changed_examples(name: str, exact: bool) -> Examples:
    return made.examples_of_cells(changed_cells(name), exact=exact)


@cache
def exact_examples() -> Examples:
    return made.examples_of_cells([symmetrise(c) for c in made.hand_built().values()], exact=True)


@cache
def folded_and_unfolded(exact: bool) -> tuple[Examples, Examples]:
    """The hand-built crystals and a supercell of each, as asymmetric units and as full cells."""
    cells = [symmetrise(c) for c in made.hand_built().values()]
    cells += [symmetrise(made.supercell(c, (2, 1, 1))) for c in made.hand_built().values()]
    whole = [made.without_orbits(cell) for cell in cells]
    return made.examples_of_cells(cells, exact=exact), made.examples_of_cells(whole, exact=exact)


def assert_same(one: Prediction, other: Prediction, tolerance: float, what: str = "") -> None:
    np.testing.assert_allclose(one.moment, other.moment, rtol=0, atol=tolerance, err_msg=f"moment, {what}")
    np.testing.assert_allclose(one.p_magnetic, other.p_magnetic, rtol=0, atol=tolerance, err_msg=f"p_magnetic, {what}")


def saved_bytes(model: Model, folder: Path) -> dict[str, bytes]:
    folder.mkdir()
    model.save(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def all_arrays(examples: Examples) -> dict[str, np.ndarray]:
    vectors = {} if examples.vectors is None else {f"vectors.{k}": v for k, v in examples.vectors.arrays().items()}
    return {**examples.graphs.arrays(), **vectors, "descriptors": examples.descriptors, "moment": examples.targets()}


class ModelContract:
    """For every family. Give it a fixture `kind`."""

    @pytest.fixture
    def model(self, kind: type[Model]) -> Model:
        return trained(kind)[0]

    def test_learns_a_small_real_set(self, kind: type[Model]) -> None:
        model, history = trained(kind)
        examples = made.starter_examples()
        truth = examples.targets()
        left = ((model.predict(examples).moment - truth) ** 2).sum() / ((truth - truth.mean()) ** 2).sum()
        assert 1 - left > LEARNED_R2
        assert history and all(np.isfinite(row["validation_mae"]) and "epoch" in row for row in history)
        best = min(row["validation_mae"] for row in history)
        said = model.predict(examples.take(np.arange(0, len(examples), 5))).moment
        assert np.abs(said - truth[::5]).mean() == pytest.approx(best, abs=1e-5), "the model is not the one its history speaks of"

    @pytest.mark.parametrize("name", TRANSFORMATIONS)
    def test_same_crystal_same_prediction(self, model: Model, name: str) -> None:
        plain = model.predict(hand_built_examples())
        assert np.ptp(plain.moment) > VARIES
        other = model.predict(changed_examples(name, exact=False))
        assert_same(other, plain, INVARIANCE, f"{name}; crystals {', '.join(made.hand_built())}")

    def test_no_row_depends_on_its_batch(self, model: Model) -> None:
        examples = made.starter_examples()
        together = model.predict(examples)
        order = np.random.default_rng(0).permutation(len(examples))
        shuffled = model.predict(examples.take(order))
        assert_same(shuffled, Prediction(together.moment[order], together.p_magnetic[order]), BATCH, "shuffled")
        for k in range(0, len(examples), 29):
            alone = model.predict(examples.take(np.array([k])))
            assert_same(alone, Prediction(together.moment[k : k + 1], together.p_magnetic[k : k + 1]), BATCH, f"row {k} alone")

    def test_one_atom_cell_and_its_elements_matter(self, model: Model) -> None:
        nickel = made.hand_built()["Ni"]
        assert nickel.n_sites == 1
        lead = Crystal("Pb", nickel.lattice * 1.4, nickel.frac, np.array([82]))
        said = model.predict(made.examples_of([nickel, lead])).moment
        assert np.isfinite(said).all()
        assert abs(said[0] - said[1]) > 1e-3

    def test_predictions_are_moments_and_probabilities(self, model: Model) -> None:
        for examples in (made.starter_examples(), hand_built_examples()):
            said = model.predict(examples)
            assert said.moment.shape == said.p_magnetic.shape == (len(examples),)
            assert said.moment.dtype == said.p_magnetic.dtype == np.float64
            assert np.isfinite(said.moment).all() and (said.moment >= 0).all()
            assert ((said.p_magnetic >= 0) & (said.p_magnetic <= 1)).all()

    def test_empty_set(self, model: Model) -> None:
        said = model.predict(hand_built_examples().take(np.array([], dtype=np.int64)))
        assert said.moment.shape == said.p_magnetic.shape == (0,)

    def test_inputs_stay_as_they_are(self, kind: type[Model]) -> None:
        examples = made.starter_examples().take(np.arange(40))
        before = {name: array.copy() for name, array in all_arrays(examples).items()}
        model = kind()
        model.fit(examples, examples, FitControl(epochs=1))
        model.predict(examples)
        for name, array in all_arrays(examples).items():
            np.testing.assert_array_equal(array, before[name], err_msg=name)

    def test_training_needs_finite_moments(self, kind: type[Model]) -> None:
        examples = made.starter_examples().take(np.arange(20))
        for moment in (None, np.where(np.arange(20) == 7, np.nan, examples.targets())):
            with pytest.raises(ModelError, match="finite moment"):
                kind().fit(replace(examples, moment=moment), examples, FitControl(epochs=1))

    def test_saved_and_loaded_predicts_the_same_bits(self, kind: type[Model], model: Model, tmp_path: Path) -> None:
        first = saved_bytes(model, tmp_path / "first")
        assert sorted(first) == sorted([HEADER, WEIGHTS])
        loaded = kind.load(tmp_path / "first")
        for examples in (made.starter_examples(), hand_built_examples()):
            assert_same(loaded.predict(examples), model.predict(examples), 0.0)
        assert saved_bytes(loaded, tmp_path / "second") == first

    def test_seed_decides_the_bytes(self, kind: type[Model], tmp_path: Path) -> None:
        one = bytes_of_a_training(kind, 1, tmp_path / "one")
        torch.rand(7), np.random.random(7)  # whatever came before must not matter
        assert one == bytes_of_a_training(kind, 1, tmp_path / "again")
        assert one != bytes_of_a_training(kind, 2, tmp_path / "two")

    # ---- files that are not this model's ----

    def test_damaged_folders_are_refused(self, kind: type[Model], model: Model, tmp_path: Path) -> None:
        whole = saved_bytes(model, tmp_path / "whole")
        header = json.loads(whole[HEADER])
        other = "cgcnn" if kind.family == "forest" else "forest"
        damaged: dict[str, dict[str, bytes]] = {
            "nothing": {}, "no weights": {HEADER: whole[HEADER]}, "no header": {WEIGHTS: whole[WEIGHTS]},
            "cut weights": whole | {WEIGHTS: whole[WEIGHTS][:-40]}, "empty weights": whole | {WEIGHTS: b""},
            "torn header": whole | {HEADER: whole[HEADER][:-20]}, "binary header": whole | {HEADER: b"\xff\xfe\x00"},
        }  # fmt: skip
        strange: dict[str, Any] = {
            "list": [], "null": None, "other family": header | {"family": other}, "later format": header | {"format": 99},
            "no settings": {k: v for k, v in header.items() if k != "settings"}, "settings a list": header | {"settings": [1]},
            "unknown setting": header | {"settings": header["settings"] | {"surprise": 1}},
        }  # fmt: skip
        damaged |= {f"header: {name}": whole | {HEADER: json.dumps(content).encode()} for name, content in strange.items()}
        for name, files in damaged.items():
            folder = tmp_path / name.replace(":", "")
            folder.mkdir()
            for file, content in files.items():
                (folder / file).write_bytes(content)
            self.assert_refused(kind, folder, name)

    def test_pickle_under_a_false_name_never_runs(self, kind: type[Model], model: Model, tmp_path: Path) -> None:
        marker = tmp_path / "it ran"
        for name, poison in (("pickle", pickle.dumps(_Poison(marker))), ("torch", _torch_poison(marker, tmp_path))):
            folder = tmp_path / name
            saved_bytes(model, folder)
            (folder / WEIGHTS).write_bytes(poison)
            self.assert_refused(kind, folder, name)
            saved_bytes(model, folder / "header")
            (folder / "header" / HEADER).write_bytes(poison)
            self.assert_refused(kind, folder / "header", f"{name} as header")
        assert not marker.exists()

    def test_weights_that_are_not_numbers_are_refused(self, kind: type[Model], model: Model, tmp_path: Path) -> None:
        saved_bytes(model, tmp_path / "whole")
        weights = load_file(tmp_path / "whole" / WEIGHTS)
        floats = [name for name, w in weights.items() if w.is_floating_point() and w.ndim > 1]
        assert floats
        for k, name in enumerate(floats):
            folder = tmp_path / str(k)
            saved_bytes(model, folder)
            poisoned = weights | {name: weights[name].clone()}
            poisoned[name].view(-1)[-1] = (torch.nan, torch.inf)[k % 2]
            save_file(poisoned, folder / WEIGHTS)
            self.assert_refused(kind, folder, name)

    @staticmethod
    def assert_refused(kind: type[Model], folder: Path, what: str) -> None:
        try:
            kind.load(folder)
        except ModelError:
            return
        except Exception as fault:
            pytest.fail(f"{what}: {type(fault).__name__} ({fault}) where a ModelError is promised")
        pytest.fail(f"{what}: loaded without a word")


class _Poison:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def _torch_poison(marker: Path, folder: Path) -> bytes:
    torch.save({"weights": _Poison(marker)}, folder / "poison.pt")
    return (folder / "poison.pt").read_bytes()
