"""What a result of DFT does to a ranking, and which result is expected to change it most.

One function, `with_moments`, puts the moments of lowest orderings into rows of a ranking. It serves the real results and the
possible ones, so that a campaign asks first what its report will show to have changed most.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from data.known_magnets import NO_ORDER
from data.labels import MAGNETIC_THRESHOLD, saturation_T
from pipeline.export.chosen import Chosen
from pipeline.magnetism.known_orders import ANTIFERROMAGNETIC_ORDERS
from pipeline.magnetism.working_temperature import ROOM_TEMPERATURE_K, magnetisation_at
from pipeline.screening.profiles import Profile

Floats = NDArray[np.float64]
# A normal distribution by three points, exact up to its fifth moment (Gauss and Hermite).
STEPS, SHARES = np.array([-np.sqrt(3.0), 0.0, np.sqrt(3.0)]), np.array([1.0, 4.0, 1.0]) / 6.0
_SATURATIONS = ("saturation_T", "saturation_T_low", "saturation_T_high", "saturation_if_fm_or_fim_T", "saturation_sure_T",
                "saturation_dft_T", "saturation_dft_T_low")  # fmt: skip
_ROOM = ("saturation_300K_T", "saturation_300K_T_low", "saturation_300K_T_high")
_CURIE = ("tc_K", "tc_low_K", "tc_high_K")


def tesla_per_moment(chosen: Sequence[Chosen]) -> Floats:
    """(chosen,) µ0·Ms (T) of a moment of 1 µB/atom in each crystal."""
    return np.array([saturation_T(1.0, one.crystal.volume / one.crystal.n_sites) for one in chosen])


def outweighed(rows: pd.DataFrame, moments: Floats) -> NDArray[np.bool_]:
    """(rows,) where a measured order counts more than a calculation: one without a net moment, or one of a crystal that was
    measured as an antiferromagnet or without order.

    Args:
        rows: of a ranking.
        moments: (rows,) µB/atom of the lowest ordering.
    """
    if "order_basis" not in rows:
        return np.zeros(len(rows), dtype=bool)
    without_net = rows["known_order"].isin((*ANTIFERROMAGNETIC_ORDERS, NO_ORDER))
    contradicted = without_net | (moments <= MAGNETIC_THRESHOLD)
    found: NDArray[np.bool_] = ((rows["order_basis"] == "measured") & contradicted).to_numpy(dtype=bool)
    return found


def with_moments(rows: pd.DataFrame, moments: Floats, tesla: Floats) -> pd.DataFrame:
    """Rows of a ranking as they are when the lowest ordering of each is known.

    µ0·Ms at 0 K is that of the moment, without an interval; its value at 300 K follows by the predicted Curie temperature; the
    order is certain. Where a measured order counts more (`outweighed`), the row stays as it is.

    Args:
        rows: of the ranking.
        moments: (rows,) µB/atom of the lowest ordering.
        tesla: (rows,) T of 1 µB/atom in each crystal.
    """
    ordered = moments > MAGNETIC_THRESHOLD
    saturation = moments * tesla
    changed = rows.assign(**{name: saturation for name in _SATURATIONS if name in rows})
    if set(_ROOM + _CURIE) <= set(rows.columns):
        curie = (rows[name].to_numpy(dtype=np.float64) for name in _CURIE)
        room = magnetisation_at(ROOM_TEMPERATURE_K, saturation, saturation, saturation, *curie)
        for name, values in zip(_ROOM, (room.value, room.low, room.high), strict=True):
            changed[name] = values
    if "p_fm_or_fim" in rows:
        changed["p_fm_or_fim"] = ordered.astype(np.float64)
    stay = outweighed(rows, moments)
    changed.loc[stay] = rows.loc[stay]
    return changed


def expected_change(ranking: pd.DataFrame, profile: Profile, chosen: Sequence[int], tesla: Floats) -> Floats:
    """(chosen,) how much a calculation of each row is expected to change the ranking.

    The change is that of 1 / log2(1 + rank), the usual discount of a ranked list (Järvelin and Kekäläinen, ACM Trans. Inf. Syst.
    20, 422, 2002): 1 for the loss of the first place, little for moves far below. It is averaged over what the calculation may
    find: no net moment with probability 1 - P(FM or FiM), otherwise the predicted moment with its stated error.

    Args:
        ranking: the whole ranking.
        profile: whose score ranks it.
        chosen: positions of rows in it.
        tesla: (chosen,) T of 1 µB/atom.
    """
    rows = ranking.iloc[list(chosen)].reset_index(drop=True)
    with_net = net_probability(rows)
    moment, error = (rows[name].to_numpy(dtype=np.float64) for name in ("moment_muB_per_atom", "moment_std"))
    outcomes = [(np.zeros(len(rows)), 1.0 - with_net)]
    outcomes += [(np.maximum(moment + step * error, 0.0), share * with_net) for step, share in zip(STEPS, SHARES, strict=True)]
    competing = ranking.loc[ranking["exclusion_reason"] == "", "score"].to_numpy(dtype=np.float64)
    ordered, now = np.sort(competing), rows["score"].to_numpy(dtype=np.float64)
    before = _discount(_places(ordered, now, now))
    change = np.zeros(len(rows))
    for moments, probability in outcomes:
        score = profile.score(profile.with_own_column(with_moments(rows, moments, tesla))).to_numpy(dtype=np.float64)
        change += probability * np.abs(_discount(_places(ordered, np.nan_to_num(score), now)) - before)
    return change


def net_probability(rows: pd.DataFrame) -> Floats:
    """P(FM or FiM); of rankings without models of experiments that of the order classifier. Measured order is certain."""
    found = rows["p_fm_or_fim"] if "p_fm_or_fim" in rows else rows["p_ferromagnetic"] + rows["p_ferrimagnetic"]
    clipped: Floats = found.fillna(0.5).clip(0.0, 1.0).to_numpy(dtype=np.float64)
    return clipped


def _places(ordered: Floats, score: Floats, own: Floats) -> Floats:
    """1 + the number of other rows with a higher score."""
    above = len(ordered) - np.searchsorted(ordered, score, side="right")
    return np.asarray(1 + above - (own > score), dtype=np.float64)


def _discount(places: Floats) -> Floats:
    found: Floats = 1.0 / np.log2(1.0 + places)
    return found
