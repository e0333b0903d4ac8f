"""Whether a scheduled screen still looks like the one before it: signs of broken input or of a model out of its depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr

from pipeline.comparison.pairs import common_key
from pipeline.screening.screened import Screened

BINS = (0.05, 0.25, 0.5, 1.0, 1.5)  # µB/atom, between classes of predicted moments
MOST_REJECTED = 0.05  # rise of the share of rejected files
MOST_WITHOUT_SLOW_DESCRIPTORS = 0.02  # rise of the share of candidates whose slow descriptors could not be computed
PROMISED = 0.9  # of the intervals
LEAST_LIKELY = 1e-3  # chance of so few intervals that hold, if they are as good as promised
MOST_SHIFT = (
    0.25  # population stability index; above 0.25 a distribution counts as another one (Siddiqi, Credit Risk Scorecards, 2006)
)
MOST_WIDENING = 1.25  # of the median interval
TOP = 100  # places in which a candidate's disappearance matters
_FEW = 0.5  # added to each count, so that an empty class does not make the index infinite


@dataclass(frozen=True)
class Sign:
    """One quantity that is watched; `alarm` where it passed its limit."""

    name: str
    before: float
    after: float
    limit: str
    alarm: bool


@dataclass(frozen=True)
class Drift:
    """What is watched; shares and widths are numbers, the index is in `after`."""

    signs: list[Sign]
    gone: pd.DataFrame  # rows of the earlier run's first places whose ids the later one no longer ranks

    @property
    def alarms(self) -> list[Sign]:
        return [sign for sign in self.signs if sign.alarm]


def drift(before: Screened, after: Screened) -> Drift:
    """What is watched from one screen to the next."""
    old, new = before.ranking(), after.ranking()
    refused, refuses = _rejected(before.manifest), _rejected(after.manifest)
    lacked, lacks = (run.manifest.get("without_slow_descriptors", 0) / max(run.manifest["ranked"], 1) for run in (before, after))
    shift = stability_index(old["moment_muB_per_atom"].to_numpy(), new["moment_muB_per_atom"].to_numpy())
    width, widens = (float((table["moment_high"] - table["moment_low"]).median()) for table in (old, new))
    first = old.head(TOP)
    keys = common_key(old, new)
    gone = first[~keys[0].loc[first.index].isin(keys[1])]
    signs = [
        Sign("share of rejected crystals", refused, refuses, f"+{MOST_REJECTED:g}", refuses - refused > MOST_REJECTED),
        Sign("shift of predicted moments (stability index)", 0.0, shift, f"{MOST_SHIFT:g}", shift > MOST_SHIFT),
        Sign("median 90 % interval, µB/atom", width, widens, f"x {MOST_WIDENING:g}", widens > MOST_WIDENING * max(width, 1e-9)),
        Sign(
            "share without slow descriptors",
            lacked,
            lacks,
            f"+{MOST_WITHOUT_SLOW_DESCRIPTORS:g}",
            lacks - lacked > MOST_WITHOUT_SLOW_DESCRIPTORS,
        ),
        *_held(old, new),
        Sign(f"of the first {TOP}, gone from the candidates", 0.0, float(len(gone)), "0", len(gone) > 0),
    ]
    return Drift(signs, gone)


def _held(old: pd.DataFrame, new: pd.DataFrame) -> list[Sign]:
    """How many intervals of the earlier run held for newly labelled crystals; none if there are no such crystals."""
    inside, fresh = intervals_that_held(old, new)
    if not fresh:
        return []
    alarm = float(bdtr(inside, fresh, PROMISED)) < LEAST_LIKELY
    name = f"90 % intervals that held for {fresh} newly labelled crystals"
    return [Sign(name, PROMISED, inside / fresh, f"chance below {LEAST_LIKELY:g}", alarm)]


def intervals_that_held(old: pd.DataFrame, new: pd.DataFrame) -> tuple[int, int]:
    """Of the crystals whose moment was unknown in an earlier ranking and is known in a later one: for how many the earlier
    interval holds the moment, and how many there are."""
    both = _moments(old).merge(_moments(new), on="candidate_id", suffixes=("", "_new"))
    known, unknown = _known(both, "_new"), _known(both, "").isna()
    fresh = both[unknown & known.notna()]
    return int(known[fresh.index].between(fresh["moment_low"], fresh["moment_high"]).sum()), len(fresh)


def _known(table: pd.DataFrame, suffix: str) -> pd.Series[float]:
    """The candidate's own moment or the one of the same crystal in the training data, µB/atom; NaN where neither is known."""
    return table[f"moment_dft{suffix}"].fillna(table[f"known_moment{suffix}"])


def _moments(ranking: pd.DataFrame) -> pd.DataFrame:
    """What `_held` reads of a ranking. A ranking has `moment_dft` only where its source states some moment."""
    wanted = ["candidate_id", "moment_low", "moment_high", "moment_dft", "known_moment"]
    return ranking.reindex(columns=wanted).astype({"moment_dft": "float64", "known_moment": "float64"})


def stability_index(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Population stability index of two samples of moments over BINS: sum (p - q) ln(p / q); 0 for equal distributions."""
    p, q = (_shares(sample) for sample in (before, after))
    return float(((p - q) * np.log(p / q)).sum())


def _shares(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    counts = np.bincount(np.digitize(moments, BINS), minlength=len(BINS) + 1) + _FEW
    shares: NDArray[np.float64] = counts / counts.sum()
    return shares


def _rejected(manifest: dict[str, Any]) -> float:
    return float(manifest["rejected"] / max(manifest["rejected"] + manifest["ranked"], 1))
