"""Training an ensemble: members one after the other, each resumable; weights and calibration from validation rows."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from safetensors.numpy import load_file, save

from data.errors import UserError
from data.snapshot import Snapshot, open_snapshot
from data.store.artifact import make_folder, make_newest, text_hash, write_bytes, write_json
from models.contract import Examples, FitControl, Model
from models.families import can_pretrain, family
from models.graphs.crystal_graphs import CrystalGraphs
from models.trees.forest import filled, medians
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.features.descriptors import descriptor_names
from pipeline.features.graphs import GRAPH_CODE
from pipeline.features.slow_descriptors import slow_descriptor_names
from pipeline.features.vectorstore import VECTOR_CODE
from pipeline.featurise import Needs
from pipeline.ops.ledger import Ledger, Run
from pipeline.ops.progress import Reporter
from pipeline.registry.ensemble import Ensemble, open_model
from pipeline.registry.published import sound
from pipeline.settings import Settings
from pipeline.training.dataset import Labelled, check_labels, labelled_examples
from pipeline.training.descriptor_selection import SELECTION_CODE, Selection, SelectionSettings, select
from pipeline.training.label_noise import FOLDS as LABEL_NOISE_FOLDS
from pipeline.training.label_noise import LABEL_NOISE_CODE, LabelNoise, find_label_noise
from pipeline.training.members import DONE_FILE, Deadlines, pretrained_member, trained_member
from pipeline.training.mended_labels import MEND_CODE, MendedLabels, mend_labels
from pipeline.training.publish import Trained, publish_ensemble
from pipeline.training.settings import TrainSettings as TrainSettings
from pipeline.training.site_moment_rows import site_moment_rows
from pipeline.training.splits import Split, split_apart

TRAIN_CODE = "train-11"  # raise it whenever the same data and settings would train another model
LABEL_NOISE_FILE, MENDED_FILE = "label_noise.csv", "mended_labels.csv"
MENDED_FROM = ["material_id", "formula", "moment_muB_per_atom", "volume_A3", "n_sites"]
SNAPSHOT_FILE = "snapshot.json"
CROSS_VALIDATED_FILE = "label_noise.safetensors"


def train_ensemble(snapshot: Snapshot, wanted: TrainSettings, where: Settings, reporter: Reporter) -> Ensemble:
    """Train what is not trained yet, and publish the ensemble; one that this home holds already is not trained again.

    Args:
        snapshot: crystals with labels.
        wanted: what decides the trained model.
        where: the home.
        reporter: receives the progress.

    Raises:
        UserError: unusable settings or data, the time limit ended before a network had learned for one epoch, or no member's
            predictions vary.
        Busy: another process is training the same.
        ModelError: a member diverged.
    """
    wanted.check()
    pretrained = {name: _pretrained(name, snapshot, wanted, where) for name in wanted.families}
    key = f"train-{text_hash(*_code(wanted), snapshot.id, json.dumps(wanted.to_json(), sort_keys=True))[:16]}"
    inputs = {"snapshot": snapshot.id, "members": list(wanted.members), "seeds": wanted.seeds}
    ledger = Ledger(where.home)
    with ledger.run("train", key, inputs) as run:
        if (known := _published(ledger, key, where)) is not None:
            reporter.say(f"model {known.id} was trained from this snapshot with these settings already")
            shutil.rmtree(where.work / key, ignore_errors=True)  # of a run that was killed when all was done
            return known
        return _train(snapshot, wanted, where, reporter, make_folder(where.work / key), pretrained, run)


def _published(ledger: Ledger, key: str, where: Settings) -> Ensemble | None:
    """What an earlier run of the same work has published, if it is still there and whole."""
    for name in [name for step, name, _ in reversed(ledger.parts(key)) if step == "publish"]:
        found = Ensemble(where.models / name)
        if sound(found):
            make_newest(found.folder, where.models.iterdir())
            return found
    return None


def _code(wanted: TrainSettings) -> tuple[str, ...]:
    """Versions of all that decides the model beside data and settings."""
    chosen = (
        (SELECTION_CODE, wanted.selected is not None), (LABEL_NOISE_CODE, wanted.weigh_label_noise),
        (MEND_CODE, wanted.label_sources is not None),
    )  # fmt: skip
    return (TRAIN_CODE, GRAPH_CODE, VECTOR_CODE, *wanted.descriptor_set.code, *(code for code, used in chosen if used))


def _train(
    snapshot: Snapshot, wanted: TrainSettings, where: Settings, reporter: Reporter, work: Path,
    pretrained: dict[str, Path | None], run: Run,
) -> Ensemble:  # fmt: skip
    further = None if wanted.site_moments is None else open_snapshot(where.snapshots, wanted.site_moments)
    read = {"snapshot": snapshot.id} | ({} if further is None else {"site_moments": further.id})
    write_json(work / SNAPSHOT_FILE, read)  # what is read here must not be pruned
    needs = Needs.of_families(wanted.families, wanted.graph, wanted.descriptor_set)
    data = labelled_examples(snapshot, needs.graph, needs.descriptor_set, needs.directions, where, reporter)
    split = split_apart(data.table, reporter)
    train, validation = data.examples.take(split.train), data.examples.take(split.validation)
    check_labels(train.targets())
    systems = data.table.column("chemsys").take(split.train).to_pylist()
    ids = [str(name) for name in data.table.column("material_id").take(split.train).to_pylist()]
    mended = _mended(snapshot, ids, wanted, reporter)
    if mended is not None:
        train = replace(train, moment=mended.moment(ids, train.targets()), weight=mended.weight(ids))
    label_noise = _label_noise(train, systems, wanted, where, work, reporter)
    selection = _selection(train, systems, wanted, work, reporter)
    train = train if label_noise is None else _weighed(train, label_noise)
    with_sites = train if further is None else train.followed_by(_site_moments(further, data, split, needs, reporter))
    unlabelled = _unlabelled(with_sites, wanted, data, split, where, reporter)
    deadlines = Deadlines(wanted, work)
    members: dict[str, Model] = {}
    for name, kind, seed in wanted.names():
        control = FitControl(
            seed=seed, epochs=wanted.epochs, deadline=deadlines.of(name), checkpoint=work / name, pretrained=pretrained[kind],
            columns=selection.columns if selection else (), workers=where.workers,
        )  # fmt: skip
        if unlabelled is not None and can_pretrain(kind):
            start = pretrained_member(kind, unlabelled, control, work / f"{name}-pretrained", reporter, run)
            control = replace(control, pretrained=start)
        examples = with_sites if family(kind).reads_site_moments else train
        members[name] = trained_member(kind, examples, validation, control, work / name, reporter, run)
        deadlines.finished(name)
    reporter.say("Weights and calibration from the validation rows")
    trained = [
        Trained(name, kind, seed, members[name], json.loads((work / name / DONE_FILE).read_text())["history"])
        for name, kind, seed in wanted.names()
    ]
    facts = {
        "snapshot": snapshot.id, "code": list(_code(wanted)), "data": snapshot.manifest["source"], "seed": wanted.first_seed,
        "settings": wanted.to_json(), "graph_settings": asdict(wanted.graph),
        "selection": selection.to_json(_names(wanted.descriptor_set)) if selection else None,
    }  # fmt: skip
    if mended is not None:
        facts["mended_labels"] = mended.counts()
    if unlabelled is not None:
        facts["unlabelled_crystals"] = len(unlabelled) - len(with_sites)
    listed = {} if label_noise is None else {LABEL_NOISE_FILE: _listed(label_noise, data, split)}
    listed |= {} if mended is None else {MENDED_FILE: mended.table}
    ensemble = publish_ensemble(where.models, trained, data, split, train, facts, reporter, listed)
    run.finished("publish", ensemble.id)
    shutil.rmtree(work, ignore_errors=True)
    return ensemble


def _mended(snapshot: Snapshot, ids: list[str], wanted: TrainSettings, reporter: Reporter) -> MendedLabels | None:
    """The labels of some crystals that other sources contradict; None where no sources are given."""
    if wanted.label_sources is None:
        return None
    found = mend_labels(snapshot.table(MENDED_FROM).to_pandas(), wanted.label_sources).only(ids)
    said = ", ".join(f"{n} {verdict}" for verdict, n in found.counts().items())
    reporter.say(f"Training labels that other sources contradict: {said or 'none'}")
    return found


def _weighed(train: Examples, label_noise: LabelNoise) -> Examples:
    """The training rows, with the smaller of two weights where cross-validation and other sources contradict a label."""
    before = np.ones(len(train)) if train.weight is None else train.weight
    return replace(train, weight=np.minimum(before, label_noise.weight))


def _label_noise(
    train: Examples, systems: list[str], wanted: TrainSettings, where: Settings, work: Path, reporter: Reporter
) -> LabelNoise | None:  # fmt: skip
    """The label noise among the training rows, from an earlier run if it found them; None where all are to count alike."""
    if not wanted.weigh_label_noise:
        return None
    path = work / CROSS_VALIDATED_FILE
    if not path.is_file():
        with reporter.bar("Finding label noise", LABEL_NOISE_FOLDS) as tick:
            asked = find_label_noise(train, systems, wanted.first_seed, where.workers, tick)
        write_bytes(path, save({"moment": asked.moment, "p_magnetic": asked.p_magnetic}))
    found = LabelNoise(train.targets(), **load_file(path))
    reporter.say(f"{int((found.weight < 1).sum())} training labels count as label noise")
    return found


def _site_moments(snapshot: Snapshot, data: Labelled, split: Split, needs: Needs, reporter: Reporter) -> Examples:
    """Further training rows, none of which is of the chemical system of a validation or test row."""
    rows = site_moment_rows(snapshot, _closed(data, split), needs, reporter)
    reporter.say(f"{len(rows)} crystals with site moments are learned from, too")
    return rows


def _unlabelled(
    train: Examples, wanted: TrainSettings, data: Labelled, split: Split, where: Settings, reporter: Reporter
) -> CrystalGraphs | None:  # fmt: skip
    """The training rows and the crystals of `pretrain_on`, for what members learn before moments; None where none are given."""
    if wanted.pretrain_on is None:
        return None
    further = wanted.pretrain_on.graphs(_closed(data, split), wanted.graph, where.workers, reporter)
    return CrystalGraphs.join([train.graphs, further])


def _closed(data: Labelled, split: Split) -> set[str]:
    """The chemical systems of validation and test rows."""
    return set(data.table["chemsys"].take(pa.array(np.concatenate([split.validation, split.test]))).to_pylist())


def _listed(label_noise: LabelNoise, data: Labelled, split: Split) -> pd.DataFrame:
    rows = data.table.take(pa.array(split.train))
    return label_noise.table(rows["material_id"].to_pylist(), rows["formula"].to_pylist())


def _selection(train: Examples, systems: list[str], wanted: TrainSettings, work: Path, reporter: Reporter) -> Selection | None:
    """The descriptors for the families that read them, searched for among the training rows; None where all are wanted."""
    if wanted.selected is None:
        return None
    settings = SelectionSettings(wanted=wanted.selected, seed=wanted.first_seed)
    known = filled(train.descriptors, medians(train.descriptors))
    with reporter.bar("Selecting descriptors", settings.rounds) as tick:
        return select(known, train.targets(), systems, settings, make_folder(work / "selection"), tick)


def _names(descriptor_set: DescriptorSet) -> list[str]:
    return [*descriptor_names(), *(slow_descriptor_names() if descriptor_set is DescriptorSet.FULL else ())]


def _pretrained(kind: str, snapshot: Snapshot, wanted: TrainSettings, where: Settings) -> Path | None:
    """The saved member that a family is to start from, if any.

    Raises:
        UserError: the model has no such member, or has learned from other rows (these test rows among them, perhaps).
    """
    if wanted.adapt is None or (inner := family(kind).adapts) is None:
        return None
    model = open_model(where.models, wanted.adapt)
    if model.manifest["snapshot"] != snapshot.id:
        raise UserError(
            f"model {model.id} was trained on snapshot {model.manifest['snapshot']}; adapt it on that one (--snapshot)"
        )
    return model.member_folder(inner)
