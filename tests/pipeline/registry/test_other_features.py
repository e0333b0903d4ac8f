"""A model that learned from features which this release computes otherwise predicts nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from data.errors import UserError
from pipeline.features.descriptors import DESCRIPTOR_CODE
from pipeline.features.graphs import GRAPH_CODE
from pipeline.features.magnetic_composition import COMPOSITION_CODE
from pipeline.features.vectorstore import VECTOR_CODE
from pipeline.magnetism.order_descriptors import ORDER_DESCRIPTOR_CODE
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.ensemble_gates import starter_examples
from pipeline.registry.experiment_model import PublishedExperimentModel
from pipeline.registry.order_classifier import OrderClassifier
from pipeline.registry.promotion import promote
from pipeline.registry.published import MANIFEST_FILE, PublishedModel, current_models, put_to_use
from pipeline.registry.shipped import shipped_of
from pipeline.settings import Settings
from tests.servers.commands import call


def of_code(model: PublishedModel, folder: Path, now: str, then: str) -> Path:
    """A copy of a model whose manifest says what an older release would have said."""
    shutil.copytree(model.folder, folder / model.id)
    manifest = json.loads((folder / model.id / MANIFEST_FILE).read_text())
    manifest["code"] = [then if code == now else code for code in manifest["code"]]
    assert then in manifest["code"]
    (folder / model.id / MANIFEST_FILE).write_text(json.dumps(manifest))
    return folder / model.id


@pytest.mark.parametrize(("now", "then"), [(GRAPH_CODE, "graphs-0"), (DESCRIPTOR_CODE, "descriptors-0")])
def test_an_ensemble_of_other_features_is_refused(trained_home: Path, tmp_path: Path, now: str, then: str) -> None:
    mine = open_model(trained_home / "models")
    other, examples = Ensemble(of_code(mine, tmp_path, now, then)), starter_examples(mine)
    words = re.escape(f"learned from features ({then}) that this release computes otherwise ({now}); train again")
    with pytest.raises(UserError, match=words):
        other.predict(examples)
    with pytest.raises(UserError, match=words):
        _ = other.error_model
    other.verify()  # it can be copied to where a release of its own reads it


def test_directions_count_only_where_a_member_reads_them(trained_home: Path, tmp_path: Path) -> None:
    mine = open_model(trained_home / "models")
    other, examples = Ensemble(of_code(mine, tmp_path, VECTOR_CODE, "vectors-0")), starter_examples(mine)
    assert other.predict(examples).moment.tolist() == mine.predict(examples).moment.tolist()


def test_a_model_of_experiments_of_other_features_is_refused(tmp_path: Path) -> None:
    shipped = shipped_of(PublishedExperimentModel)
    assert shipped is not None
    other = PublishedExperimentModel(of_code(shipped, tmp_path, COMPOSITION_CODE, "composition-0"))
    with pytest.raises(UserError, match=r"learned from features \(composition-0\)"):
        _ = other.model


def test_an_order_classifier_of_exact_symmetry_is_refused(tmp_path: Path) -> None:
    """It stated the code of the descriptors alone."""
    shipped = shipped_of(OrderClassifier)
    assert shipped is not None
    other = OrderClassifier(of_code(shipped, tmp_path, ORDER_DESCRIPTOR_CODE, DESCRIPTOR_CODE))
    words = re.escape(f"learned from features ({DESCRIPTOR_CODE}) that this release computes otherwise ({ORDER_DESCRIPTOR_CODE})")
    with pytest.raises(UserError, match=words):
        _ = other.classes
    with pytest.raises(UserError, match=words):
        promote(tmp_path, other.id, kind=OrderClassifier)
    assert current_models(tmp_path) == []


def test_a_refresh_asks_the_shipped_classifier_not_one_that_the_home_promoted(tmp_path: Path) -> None:
    """Or none would come through between an upgrade and the next training."""
    shipped, where = shipped_of(OrderClassifier), Settings(home=tmp_path)
    assert shipped is not None
    other = of_code(shipped, where.order_classifiers, ORDER_DESCRIPTOR_CODE, DESCRIPTOR_CODE)
    put_to_use(where.order_classifiers, [other.name], given_up=[])
    done = call("refresh", env={**os.environ, "FERROSCREEN_HOME": str(tmp_path), "FERROSCREEN_WORKERS": "1"})
    assert done.returncode == 0, done.stderr
