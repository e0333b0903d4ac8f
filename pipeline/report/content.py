"""What a report shows, handed over in one piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pipeline.report.neighbours import Learned
from pipeline.report.structures import PackedCells


@dataclass(frozen=True)
class Changes:
    """What is different since an earlier run, ready to show.

    `rows` has the columns change (a key of `counts`), candidate_id, formula, rank_before, rank_after, moved,
    saturation_T_low_before, saturation_T_low_after (T) and why, those near the top of either ranking first.
    """

    before: str  # id of the earlier run
    counts: Mapping[str, int]  # by kind of change
    differences: tuple[tuple[str, str], ...]  # cause and what differs between the two runs as wholes
    rows: pd.DataFrame
    profiles: tuple[str, str] = ("", "")  # of the earlier and of this run
    by_profile: str = ""  # what the other profile alone did, in words

    @property
    def heading(self) -> str:
        """What the section is called: a run by another profile is not the same screen some time ago."""
        before, after = self.profiles
        return "Since the run before" if before == after else f"Against the profile {before}"


@dataclass(frozen=True)
class SecondOpinion:
    """Another model's predictions for the same candidates, where the DFT moment is known.

    `rows` has the columns candidate_id, formula, moment_dft, moment_muB_per_atom, moment_low, moment_high (µB/atom) and the last
    three again with `_other`, the largest DFT moments first.
    """

    first: str  # ids of the two models
    other: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class ReportContent:
    """Everything on the page. No date is among it, so the same content gives the same bytes.

    Units of the columns in `ranking` and `evaluation`:

    =====================  =========  ==============================================================
    column                 unit       meaning
    =====================  =========  ==============================================================
    rank                   1          place in the ranking, 1 is the best
    candidate_id           -          the crystal's id in its source
    material_id            -          the test row's id in the training data (`evaluation` only)
    formula                -          reduced formula, plain text
    n_sites                1          atoms in the primitive cell
    space_group            1          international number (optional)
    moment_muB_per_atom    µB/atom    the ensemble's predicted moment
    moment_low, _high      µB/atom    90 % interval, calibrated
    moment_std             µB/atom    one standard deviation, calibrated
    saturation_T           T          µ0·Ms of the net moment
    saturation_T_low       T          µ0·Ms of `moment_net_low`
    p_magnetic             1          probability that the moment is above 0.05 µB/atom
    p_moment_above_1                1          probability that the moment is above 1 µB/atom (optional)
    ood_score             1          distance from what the model learned; above 1 the interval is widened (optional)
    moment_dft             µB/atom    the known DFT moment, NaN if unknown (optional in `ranking`)
    member_<name>          µB/atom    one ensemble member's prediction (one column a member)
    source_file            -          the file that the crystal came from
    p_ferromagnetic, ...   1          probability of an order of the moments: any other column that starts with p_ (optional)
    =====================  =========  ==============================================================

    Everything else of pipeline.screening.ranking.COLUMNS is shown where it is there.

    `rejected` has the columns candidate_id, source_file, block, reason, detail, all text.

    `metrics` has the keys "ensemble" (name to number: mae, rmse and mae_magnetic in µB/atom; r2, auroc, precision_at_k
    and coverage_90 without unit; n in rows), "members" (member to the same names) and "coverage_by_bin" (a list of low
    and high in µB/atom of the predicted moment, n in rows, coverage as a share) and "reliability" ("magnetic" and "large"
    to brier, calibration_error and bins of n rows with stated probability and found share) and
    "selection" (the manifest's search for descriptors). Each key may be missing.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    ranking: pd.DataFrame
    rejected: pd.DataFrame
    evaluation: pd.DataFrame | None
    metrics: Mapping[str, Any]
    warnings: tuple[str, ...]
    order: str = "µ0·Ms at the lower end of the 90 % interval, so that certain magnets come first"  # of the rows
    run: str = ""  # id
    formula: str = ""  # of the score, in words
    working: str = ""  # the same as arithmetic over columns of the ranking
    cells: PackedCells = field(default_factory=PackedCells)  # of the best candidates
    withheld: bool = False  # structures may not be shown
    licensed: bool = False  # structures may be shown to who has the licence, but not be passed on
    second: SecondOpinion | None = None
    experiment: Mapping[str, Any] = field(default_factory=dict)  # facts of the models of order and Curie temperature
    known: Learned = field(default_factory=Learned)  # what the model learned from
    changes: Changes | None = None  # since the run before

    def member_columns(self) -> list[str]:
        """The ranking's columns with one ensemble member's prediction each (µB/atom)."""
        return [str(column) for column in self.ranking.columns if str(column).startswith("member_")]
