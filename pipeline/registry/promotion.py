"""Which model is in use: a new one takes over only if it is no worse on the same held-out rows and sound in itself.

Models stay immutable artefacts; the one in use is named by a file beside them, with those before it, so that a mistake is one
command away from being undone. Until a model has been promoted, the shipped one is in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.errors import UserError
from data.labels import MAGNETIC_THRESHOLD
from data.sources import Record
from data.sources.starter import StarterSource
from data.store.artifact import write_json
from models.contract import Examples
from pipeline.evaluation.bootstrap import Gain, cluster_bootstrap
from pipeline.evaluation.metrics import coverage_by_bin
from pipeline.evaluation.shares import wilson
from pipeline.featurise import featurise
from pipeline.registry.ensemble import CURRENT_FILE, CURRENT_FORMAT, Ensemble, current_models, open_model
from pipeline.registry.shipped import ShippedRival
from pipeline.training.member_selection import VARIES

EQUAL = 0.001  # µB/atom by which a new model may be worse, with 97.5 % confidence, and still count as equal
SAME_LABEL = 1e-6  # µB/atom
BAND = (0.87, 0.93)  # coverage of the 90 % interval in each range of predicted moments
MAGNETIC_COVERAGE = 0.85
FEWEST_ROWS = 30  # of a range, to be asked
FEWEST_SYSTEMS = 5  # chemical systems that both models held out
BATCH = 1e-4  # µB/atom between a crystal alone and among others
ASKED_ALONE = 6  # crystals


@dataclass(frozen=True)
class Decision:
    """On one candidate."""

    candidate: str
    against: str | None  # the model in use before; None where none had been promoted
    reasons: tuple[str, ...]  # why not; empty where it is promoted
    gain: Gain | None  # µB/atom by which it errs less than the model in use

    @property
    def promoted(self) -> bool:
        return not self.reasons

    def to_json(self) -> dict[str, Any]:
        gain = None if self.gain is None else self.gain.to_json()
        return {
            "model": self.candidate,
            "promoted": self.promoted,
            "against": self.against,
            "why_not": list(self.reasons),
            "gain": gain,
        }


def promote(root: Path, identifier: str, rival: ShippedRival | None = None) -> Decision:
    """Put a model to use if every gate holds and the one in use is no better; otherwise say why, and change nothing.

    Args:
        rival: the shipped model, which is in use where no other has been promoted; None: nothing is.

    Raises:
        UserError: no single model of that name, or a damaged one.
    """
    candidate, before = open_model(root, identifier), current_models(root)
    current = open_model(root, before[-1]) if before else None if rival is None else rival.ensemble
    if current is not None and current.id == candidate.id:
        return Decision(candidate.id, current.id, (), None)
    reasons = [*gates(candidate)]
    gain = None
    if current is not None:
        theirs = _errors(current) if before or rival is None else rival.errors(candidate)
        gain, fault = compare(_errors(candidate), theirs, current.id)
        reasons += [fault] if fault else []
    if not reasons:
        write_json(root / CURRENT_FILE, {"format": CURRENT_FORMAT, "promoted": [*before, candidate.id]})
    return Decision(candidate.id, None if current is None else current.id, tuple(reasons), gain)


def rollback(root: Path, shipped: Ensemble | None = None) -> tuple[str, str]:
    """Take up the model before the one in use, which is `shipped` before the first; (the one given up, the one taken up).

    Raises:
        UserError: there is none before it.
    """
    before = current_models(root)
    if not before or (len(before) == 1 and shipped is None):
        raise UserError("there is no model to go back to: `ferroscreen promote` has replaced none")
    taken = open_model(root, before[-2]) if len(before) > 1 else shipped
    write_json(root / CURRENT_FILE, {"format": CURRENT_FORMAT, "promoted": before[:-1]})
    return before[-1], taken.id if taken is not None else ""


def gates(model: Ensemble) -> list[str]:
    """What is wrong with a model as such, in words."""
    held_out = model.held_out()
    said = held_out[["moment_muB_per_atom", "moment_low", "moment_high", "moment_std", "p_magnetic"]].to_numpy(np.float64)
    if not np.isfinite(said).all():
        return ["predictions of its test rows are not finite"]
    faults = []
    if np.ptp(said[:, 0]) < VARIES:
        faults.append("it says the same of every test row")
    if not model.manifest.get("gate_passed", True):
        faults.append("none of its members is better than a constant with confidence")
    return [*faults, *_coverage_faults(held_out), *_batch_faults(model)]


def compare(mine: pd.DataFrame, theirs: pd.DataFrame, current: str) -> tuple[Gain | None, str]:
    """The gain over the rows that two models both held out, and what speaks against the first; empty where nothing does.

    Args:
        mine, theirs: absolute error, truth (µB/atom) and chemical system, by id.
        current: id of the second model.
    """
    common = mine.join(theirs, how="inner", rsuffix="_current")
    common = common[(common["truth"] - common["truth_current"]).abs() < SAME_LABEL]
    if common["system"].nunique() < FEWEST_SYSTEMS:
        return None, f"it and {current} have held out too few rows in common ({len(common)}) to be compared"
    gain = cluster_bootstrap((common["error_current"] - common["error"]).to_numpy(np.float64), common["system"].to_list())
    if gain.low < -EQUAL:
        return gain, f"on {len(common)} common test rows it may be worse than {current}: gains {gain.text()} µB/atom"
    return gain, ""


def _errors(model: Ensemble) -> pd.DataFrame:
    """Absolute error, truth and chemical system of its test rows, by id."""
    rows = model.held_out().drop_duplicates("material_id").set_index("material_id")
    systems = rows["chemsys"] if "chemsys" in rows else rows["formula"].map(_system)
    error = (rows["moment_muB_per_atom"] - rows["moment_dft"]).abs()
    return pd.DataFrame({"error": error, "truth": rows["moment_dft"], "system": systems})


def _system(formula: str) -> str:
    from pymatgen.core import Composition

    return str(Composition(formula).chemical_system)


def _coverage_faults(held_out: pd.DataFrame) -> list[str]:
    """Ranges whose coverage is out of the band beyond what chance explains."""
    truth, moment, low, high = (
        held_out[name].to_numpy(np.float64) for name in ("moment_dft", "moment_muB_per_atom", "moment_low", "moment_high")
    )
    faults = []
    for row in coverage_by_bin(truth, moment, low, high):
        if row["n"] < FEWEST_ROWS:
            continue
        least, most = (float(x[0]) for x in wilson(np.array([row["coverage"]]), np.array([row["n"]])))
        if least > BAND[1] or most < BAND[0]:
            faults.append(
                f"its 90 % interval holds {row['coverage']:.1%} of {row['n']} test rows predicted from {row['low']:g} µB/atom on"
            )
    magnetic = truth > MAGNETIC_THRESHOLD
    if magnetic.sum() >= FEWEST_ROWS:
        share = float(((truth >= low) & (truth <= high))[magnetic].mean())
        if float(wilson(np.array([share]), np.array([magnetic.sum()]))[1][0]) < MAGNETIC_COVERAGE:
            faults.append(f"its 90 % interval holds {share:.1%} of the magnetic test rows only")
    return faults


def _batch_faults(model: Ensemble) -> list[str]:
    """Whether crystals of the starter set are told the same alone and together."""
    examples = starter_examples(model)
    together = model.judge(examples).moment
    alone = np.array([model.judge(examples.take(np.array([k]))).moment[0] for k in range(len(examples))])
    worst = float(np.abs(together - alone).max())
    return [] if worst <= BATCH else [f"a crystal alone and among others differ by {worst:.2g} µB/atom"]


def starter_examples(model: Ensemble) -> Examples:
    source = StarterSource()
    crystals = [item.crystal for shard in source.shards() for item in source.read(shard) if isinstance(item, Record)]
    some = crystals[:: max(len(crystals) // ASKED_ALONE, 1)]
    return featurise(some, model.needs).examples  # without slow descriptors, which are allowed to be absent
