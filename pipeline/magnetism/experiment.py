"""Order, Curie temperature and working magnetisation of candidates as experiments would find them: the columns of a ranking.

The rule for order: whether a crystal is magnetic, and which of FM and FiM it is, DFT says; whether its moments add up or cancel,
experiments say. With m = P(magnetic), e = P(FM or FiM | ordered, experiment) and shares f and i of FM and FiM, which DFT gives
unless the sublattice rules oppose two sublattices (`ferrimagnets_by_structure`):

    P(NM) = 1 - m      P(AFM) = m (1 - e)      P(FM) = m e f / (f + i)      P(FiM) = m e i / (f + i)

What has been measured takes the place of m, e and the Curie temperature, and the column `order_basis` says so. Where the
handbook has the composition in another structure, the models, which read compositions, answer for that one. Then e is the share
of structures with a net moment among those whose other structure has that order (E_BY_OTHER), and Tc is that of the other
structure with an interval that reaches LARGEST_HALF of it to either side.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr

from data.known_magnets import NO_ORDER
from models.experiment.model import ExperimentModel, ExperimentPrediction
from models.graphs.filler import ROWS
from pipeline.features.elements import Compositions
from pipeline.features.formulas import described_mix
from pipeline.magnetism.known_orders import (
    ANTIFERROMAGNETIC_ORDERS,
    FERROMAGNETIC_ORDERS,
    HANDBOOK,
    KNOWN_COLUMNS,
    MIXED,
    OTHER_ORDER,
    OTHER_TC,
    is_contradictory,
)
from pipeline.magnetism.moment_columns import MEASURED as MEASURED
from pipeline.magnetism.moment_columns import (
    ferrimagnets_by_structure,
    has_4f_moment,
    heavy_against_d,
    label_alone,
    moment_columns,
    p_4f,
    p_d_magnetic,
)
from pipeline.magnetism.moment_constants import FITTED, MomentConstants
from pipeline.magnetism.moment_facts import with_facts
from pipeline.magnetism.working_temperature import (
    ROOM_TEMPERATURE_K,
    SIGMAS_OF_90,
    anisotropy_needed,
    largest_energy_product,
    magnetisation_at,
    uniaxial_possible,
)

Floats = NDArray[np.float64]
THRESHOLDS_K = (300, 450, 600)
NEAR_ROOM, NEAR_ROOM_K = "p_tc_260_to_340", (260.0, 340.0)  # where a magnetocaloric material is wanted
SURE = 0.98  # of a measured order: references are wrong now and then, and so is the match by composition
MEASURED_SHARE, MEASURED_LEAST_K = 0.05, 5.0  # half width of a measured temperature's 90 % interval where references agree
LARGEST_HALF = 0.5  # of the value; a wider spread is a wrong reference, not a wider interval
# P(FM or FiM) by another structure's order (benchmarks/polymorph_orders.py); between both where other structures disagree
E_BY_OTHER = {"FM": 0.77, "FiM": 0.77, "AFM": 0.40, MIXED: 0.58}
OOD_SCORE = "experiment_ood_score"
PREDICTED_COLUMNS = (
    "p_fm_or_fim_predicted", "tc_K", "tc_low_K", "tc_high_K", "tn_K", "tn_low_K", "tn_high_K", NEAR_ROOM,
    *(f"p_tc_above_{t}" for t in THRESHOLDS_K), OOD_SCORE,
)  # fmt: skip
PREDICTED, DISPUTED, ELSEWHERE = "predicted", "contradictory references", "another structure measured"


def predicted_columns(model: ExperimentModel, mix: Compositions) -> dict[str, Floats]:
    """What the models say of each composition, PREDICTED_COLUMNS: `p_fm_or_fim_predicted`, OOD_SCORE, for "tc" and "tn" the
    temperature and its 90 % interval (K), and the probabilities that the Curie temperature is above THRESHOLDS_K.

    The rows are filled up to a multiple of ROWS, so that a composition gets the same bits in every batch
    (models/graphs/filler.py).
    """
    number = len(mix.start)
    if not number:
        return {name: np.zeros(0) for name in PREDICTED_COLUMNS}
    given = described_mix(mix.take(np.minimum(np.arange(-(-number // ROWS) * ROWS), number - 1)))
    columns = prediction_columns(model.predict(given)) | {OOD_SCORE: model.ood_score(given)}
    return {name: columns[name][:number] for name in PREDICTED_COLUMNS}


def with_experiment(
    predictions: pd.DataFrame, known: pd.DataFrame, tesla_per_muB: pd.Series[float], constants: MomentConstants = FITTED
) -> pd.DataFrame:
    """The predictions with their order, Curie temperature and working magnetisation, measured ones where `known` has them.

    Args:
        predictions: columns of `predicted_columns` and of `moment_facts` (without them no 4f moments are known), p_magnetic,
            p_ferromagnetic, p_ferrimagnetic (DFT), space_group and the moment with its interval.
        known: `known_from_experiment` of the same rows.
        tesla_per_muB: T per µB/atom of each crystal.
        constants: the fitted numbers of the net moment.

    The magnetisation at work is that of the moment given FM or FiM, and 4f moments count in the probabilities of order.
    """
    predictions = with_facts(predictions)
    predictions = predictions.assign(**ferrimagnets_by_structure(predictions, constants))
    order = known["known_order"]
    up, down, none = order.isin(FERROMAGNETIC_ORDERS), order.isin(ANTIFERROMAGNETIC_ORDERS), order.eq(NO_ORDER)
    disputed = is_contradictory(order)
    elsewhere = known["known_elsewhere"].ne("") & ~(up | down | none | disputed)
    e = predictions["p_fm_or_fim_predicted"].mask(elsewhere, known[OTHER_ORDER].map(E_BY_OTHER))
    e = e.mask(up, SURE).mask(down, 1.0 - SURE)
    # what has been seen to order is magnetic, and what does not is not
    magnetic = predictions["p_magnetic"].mask(up | down, np.maximum(predictions["p_magnetic"], SURE))
    magnetic = magnetic.mask(none, np.minimum(magnetic, 1.0 - SURE))
    basis = np.select([up | down | none, disputed, elsewhere], [MEASURED, DISPUTED, ELSEWHERE], PREDICTED)
    out = predictions.assign(order_basis=basis, **known[list(KNOWN_COLUMNS)])
    out = out.assign(**_curie(out, up, known[OTHER_TC].where(elsewhere)))
    of_d = order_columns(magnetic, e, predictions["p_ferromagnetic"], predictions["p_ferrimagnetic"], order)
    with_4f = _or_4f(out, magnetic, up | down)
    orders = order_columns(with_4f, e, *_with_4f(out, magnetic), order)
    moments = moment_columns(out.assign(**of_d), predictions["p_magnetic"], magnetic, orders["p_fm_or_fim"], constants)
    return _at_work(out.assign(**orders, **moments, p_magnetic=with_4f), tesla_per_muB)


def _or_4f(table: pd.DataFrame, magnetic: pd.Series[float], ordered: pd.Series[bool]) -> pd.Series[float]:
    """P(moments) of the d atoms or of the 4f shells, of which DFT knows nothing where it freezes them. A calculation gives Eu 3+,
    which has J = 0, the moment of its spin; where there is no other, P(moments) is that of Eu 2+ unless order was measured."""
    four_f = p_4f(table)
    alone = label_alone(table) & ~ordered
    others = magnetic.where(~alone, magnetic * four_f)
    return others.where(others >= SURE * four_f, SURE * four_f)


def _with_4f(table: pd.DataFrame, magnetic: pd.Series[float]) -> tuple[pd.Series[float], pd.Series[float]]:
    """Shares of FM and FiM: heavy rare earths beside d moments make ferrimagnets, 4f moments alone ferromagnets."""
    fm, fim = table["p_ferromagnetic"], table["p_ferrimagnetic"]
    both = fm + fim
    share = (fm / both.where(both > 0)).fillna(0.5)
    p_d = p_d_magnetic(table, magnetic)
    heavy, four_f = heavy_against_d(table), has_4f_moment(table)
    share = share.mask(four_f, p_d * share.mask(heavy, 1.0 - SURE) + (1.0 - p_d) * SURE)
    return share, 1.0 - share


def order_columns(
    magnetic: pd.Series[float], e: pd.Series[float], fm: pd.Series[float], fim: pd.Series[float], known: pd.Series[str]
) -> dict[str, Any]:
    """The probabilities of the rule above, by column of the ranking; a measured FM or FiM settles which of both it is."""
    share = (fm / (fm + fim).where(fm + fim > 0)).fillna(0.5)
    share = share.mask(known == "FM", SURE).mask(known == "FiM", 1.0 - SURE)
    every = {
        "NM": 1.0 - magnetic, "FM": magnetic * e * share, "FiM": magnetic * e * (1.0 - share), "AFM": magnetic * (1.0 - e)
    }  # fmt: skip
    names = np.array(list(every))
    likely = names[np.argmax(np.stack([v.to_numpy() for v in every.values()]), axis=0)]
    return {
        "p_ferromagnetic": every["FM"], "p_ferrimagnetic": every["FiM"], "p_antiferromagnetic": every["AFM"], "afm_risk": 1.0 - e,
        "p_fm_or_fim": magnetic * e, "ordering_most_likely": likely,
    }  # fmt: skip


def _curie(table: pd.DataFrame, up: pd.Series[bool], other: pd.Series[float]) -> dict[str, Any]:
    """The Curie temperature's columns with measured values in their places: this structure's, or another one's with a wide
    interval (`other`, NaN for most)."""
    measured = up & table["known_tc_K"].notna()
    decided = measured | other.notna()
    value = table["tc_K"].mask(other.notna(), other).mask(measured, table["known_tc_K"])
    least = np.maximum(MEASURED_SHARE * value, MEASURED_LEAST_K)
    # one wrong value among many references widens their range without end: where a handbook decides, the range says nothing
    spread = table["known_spread_K"].mask(table["known_dois"].str.startswith(HANDBOOK), 0.0).fillna(0.0)
    most = np.maximum(LARGEST_HALF * value, least)
    half = np.clip(spread / 2.0, least, most).where(measured, most)
    out = {
        "tc_K": value, "tc_low_K": table["tc_low_K"].mask(decided, np.maximum(value - half, 0.0)),
        "tc_high_K": table["tc_high_K"].mask(decided, value + half), "tc_basis": np.where(measured, MEASURED, PREDICTED),
    }  # fmt: skip
    for threshold in THRESHOLDS_K:
        name = f"p_tc_above_{threshold}"
        out[name] = table[name].mask(decided, ndtr((value - threshold) / (half / SIGMAS_OF_90)))
    low, high = NEAR_ROOM_K
    near = ndtr((high - value) / (half / SIGMAS_OF_90)) - ndtr((low - value) / (half / SIGMAS_OF_90))
    out[NEAR_ROOM] = table[NEAR_ROOM].mask(decided, near)
    return out


def _at_work(table: pd.DataFrame, tesla: pd.Series[float]) -> pd.DataFrame:
    """With µ0·Ms at room temperature, given FM or FiM, and what follows from it.

    A Curie temperature is that of a ferro- or ferrimagnet, so the moment must be as well: times P(FM or FiM) the value is an
    expected one, whereas the net moment already counts antiferromagnets as zero.
    """

    def values(name: str) -> Floats:
        return table[name].to_numpy(dtype=np.float64)

    per_muB = tesla.to_numpy(dtype=np.float64)
    moments = (values(name) * per_muB for name in ("moment_if_fm_or_fim", "moment_if_fm_or_fim_low", "moment_if_fm_or_fim_high"))
    curie = (values(name) for name in ("tc_K", "tc_low_K", "tc_high_K"))
    there = magnetisation_at(ROOM_TEMPERATURE_K, *moments, *curie)
    energy, mgoe = largest_energy_product(there.value)
    return table.assign(
        saturation_300K_T=there.value, saturation_300K_T_low=there.low, saturation_300K_T_high=there.high, bh_max_kJ_m3=energy,
        bh_max_MGOe=mgoe, k1_for_hardness_1_MJ_m3=anisotropy_needed(there.value),
        uniaxial_possible=uniaxial_possible(table["space_group"].to_numpy(dtype=np.int64)),
    )  # fmt: skip


def prediction_columns(predicted: ExperimentPrediction) -> dict[str, Floats]:
    """The columns of `predicted_columns`, one row a composition."""
    out = {"p_fm_or_fim_predicted": predicted.p_fm_or_fim}
    for name, transition in (("tc", predicted.tc), ("tn", predicted.tn)):
        low, high = transition.interval()
        out |= {f"{name}_K": transition.value_K, f"{name}_low_K": low, f"{name}_high_K": high}
    out[NEAR_ROOM] = np.maximum(predicted.tc.p_above(NEAR_ROOM_K[0]) - predicted.tc.p_above(NEAR_ROOM_K[1]), 0.0)
    return out | {f"p_tc_above_{t}": predicted.tc.p_above(float(t)) for t in THRESHOLDS_K}


def unique_compositions(mix: Compositions) -> tuple[Compositions, NDArray[np.int64]]:
    """Each composition once, and for each crystal its place among them."""
    place: dict[tuple[bytes, bytes], int] = {}
    names = ((mix.number[a:b].tobytes(), mix.fraction[a:b].tobytes()) for a, b in mix.spans())
    row = np.array([place.setdefault(name, len(place)) for name in names], dtype=np.int64)
    return mix.take(np.unique(row, return_index=True)[1]), row
