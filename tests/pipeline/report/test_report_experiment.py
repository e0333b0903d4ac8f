"""Order, Curie temperature and their sources on the page: codes, sentences, plots, and where DFT and experiments disagree."""

from __future__ import annotations

import math
from typing import Any

import lxml.html
import numpy as np
import pandas as pd
import pytest
from report_samples import content, ranking

from data.known_magnets import known_magnets
from pipeline.evaluation.experiment_metrics import parity_counts, reliability_bins
from pipeline.report.contradicted import dft_calls_ferromagnets
from pipeline.report.experiment import basis_codes, order_codes, sentence
from pipeline.report.experimentplots import order_reliability, temperature_parity
from pipeline.report.page import render_report
from pipeline.report.scores import experiment_scores
from pipeline.report.text import ORDERS
from pipeline.report.workingplot import LANDMARKS, landmarks, likely_magnets, saturation_against_tc

FE = {
    "order": 0.0, "basis": 1.0, "known_references": 12.0, "tc_K": 1043.0, "tc_low_K": 990.0, "tc_high_K": 1095.0, "tc_from": 1.0,
    "known_spread_K": math.nan, "saturation_T": 2.2, "saturation_T_low": 2.0, "saturation_300K_T": 2.1, "p_fm_or_fim": 0.98,
    "p_magnetic": 1.0, "tn_K": 300.0, "tn_low_K": 100.0, "tn_high_K": 500.0,
}  # fmt: skip
SENTENCES: list[tuple[dict[str, Any], str]] = [
    ({}, "Ferromagnet, measured (12 references); Tc 1,043 K, measured; µ0·Ms 2.20 T at 0 K (DFT), 2.10 T at 300 K."),
    ({"known_references": 1.0, "known_spread_K": 80.0}, "Ferromagnet, measured (1 reference); Tc 1,043 K, measured (spread 80"),
    ({"basis": 0.0, "tc_from": 0.0}, "Predicted ferromagnet (P(FM or FiM) 0.98); Tc 1,043 K, predicted (90 % interval 990 to"),
    ({"basis": 2.0, "tc_from": 0.0}, "References disagree on the order (12 references), predicted ferromagnet (P(FM or FiM) 0"),
    (
        {"basis": 3.0, "tc_from": 0.0, "known_elsewhere": "FM, Tc 1044 K (bcc)"},
        "Predicted ferromagnet (P(FM or FiM) 0.98), measured in another structure: FM, Tc 1044 K (bcc); Tc 1,043 K, predicted",
    ),
    ({"saturation_if_fm_or_fim_T": 2.3}, "µ0·Ms if FM or FiM 2.30 T at 0 K (DFT), 2.10 T at 300 K."),
    ({"order": 4.0, "saturation_if_fm_or_fim_T": 2.3}, "µ0·Ms 2.20 T at 0 K (DFT)."),
    ({"order": 1.0}, "µ0·Ms 2.20 T at 0 K (DFT, which may keep its moments parallel), 2.10 T at 300 K."),
    ({"order": 3.0, "known_tn_K": 523.0}, "Antiferromagnet, measured (12 references); TN 523 K, measured; µ0·Ms 2.20 T at 0 K"),
    ({"order": 3.0, "basis": 0.0, "known_tn_K": 523.0}, "TN 300 K, predicted (90 % interval 100 to 500 K)"),
    ({"order": 4.0, "basis": 0.0, "p_magnetic": 0.03}, "Predicted non-magnetic (P(magnetic) 0.03); µ0·Ms 2.20 T at 0 K (DFT)."),
    ({"order": math.nan, "saturation_T": math.nan}, ""),
]


@pytest.mark.parametrize(("changed", "said"), SENTENCES)
def test_a_sentence_names_order_temperature_and_moment_with_sources(changed: dict[str, Any], said: str) -> None:
    found = sentence({**FE, **changed})
    assert said in found if said else found == ""


def test_an_old_ranking_has_no_temperatures() -> None:
    old = {"order": 0.0, "saturation_T": 2.2, "saturation_T_low": 2.0}
    assert sentence(old) == "Predicted ferromagnet; µ0·Ms 2.20 T at 0 K (DFT)."


def test_a_net_moment_is_called_so() -> None:
    assert "µ0·Ms 2.20 T at 0 K (net moment), 2.10 T at 300 K." in sentence({**FE, "order": 1.0, "saturation_dft_T_low": 2.5})


def test_the_page_says_of_which_moment_the_magnetisation_is() -> None:
    old = ranking(5)
    new = old.assign(moment_net=old["moment_muB_per_atom"], moment_net_low=0.0, moment_net_high=old["moment_high"])
    said = "The saturation magnetisation of the net moment, which is the mean over the magnetic orders"
    assert said in render_report(content(ranking=new)) and said not in render_report(content(ranking=old))


def test_what_is_measured_stands_before_what_is_predicted() -> None:
    frame = pd.DataFrame(
        {
            "ordering_most_likely": ["FM", "FM", "NM", "FiM"], "known_order": ["AFM", "contradictory", "", "FM or FiM"],
            "order_basis": ["measured", "contradictory references", "predicted", "measured"],
        }
    )  # fmt: skip
    assert [ORDERS[int(code)] for code in order_codes(frame)] == ["AFM", "FM", "NM", "FM or FiM"]
    assert basis_codes(frame).tolist() == [1.0, 2.0, 0.0, 1.0]
    assert order_codes(frame[[]]).isna().all()


def measured(rows: int = 12) -> pd.DataFrame:
    frame = ranking(rows)
    afm = np.arange(rows) % 2 == 0
    return frame.assign(
        ordering_most_likely="FM", order_basis=np.where(afm, "measured", "predicted"), known_order=np.where(afm, "AFM", ""),
        tc_basis="predicted", tc_K=600.0, tc_low_K=400.0, tc_high_K=900.0, saturation_300K_T=0.8 * frame["saturation_T"],
        p_fm_or_fim=np.where(afm, 0.02, 0.9), known_tn_K=np.where(afm, 300.0, np.nan), known_references=afm * 3, duplicate_of="",
        exclusion_reason=np.where(afm, "measured antiferromagnet", ""), known_dois="<script>alert(1)</script>; 10.1/x",
        known_moment=np.nan,
    )  # fmt: skip


def test_measured_antiferromagnets_with_a_net_dft_moment_are_listed() -> None:
    frame = measured().assign(moment_dft=np.nan)
    frame.loc[2, "moment_dft"] = 0.0  # DFT itself finds no net moment
    frame.loc[4, "duplicate_of"] = frame.loc[6, "candidate_id"]
    frame.loc[8, ["moment_dft", "moment_low"]] = [1.5, 0.0]
    found = dft_calls_ferromagnets(frame)
    assert found["candidate_id"].tolist() == frame.loc[[0, 6, 8, 10], "candidate_id"].tolist()
    assert found["dft_basis"].tolist() == ["predicted", "predicted", "calculated", "predicted"]
    assert found.set_index("candidate_id").loc[frame.loc[8, "candidate_id"], "dft_moment"] == 1.5
    assert dft_calls_ferromagnets(ranking(5)).empty, "an older ranking"
    section = lxml.html.document_fromstring(render_report(content(ranking=frame)).encode()).get_element_by_id("contradicted")
    assert len(section.xpath(".//tbody/tr")) == 4 and "4 candidates without duplicates" in section.text_content()


def test_only_likely_magnets_that_compete_are_drawn() -> None:
    frame = measured()
    assert likely_magnets(frame).index.tolist() == [k for k in range(1, 12, 2) if frame.loc[k, "saturation_300K_T"] > 0.005]
    svg = saturation_against_tc(frame)
    assert svg is not None and "Nd2Fe14B" in svg and "SmCo5" in svg
    assert saturation_against_tc(ranking(20)) is None, "an older ranking"


def test_landmarks_are_rows_of_the_embedded_table() -> None:
    table = known_magnets().drop_duplicates("formula").set_index("formula")
    assert len(landmarks()) >= 12 and set(landmarks()["formula"]) <= set(LANDMARKS)
    for row in landmarks().itertuples():
        assert row.tc_K == table.loc[row.formula, "tc_K"]


def test_counts_are_all_that_is_kept_of_measured_values() -> None:
    random = np.random.default_rng(1)
    truth = np.concatenate([random.uniform(0, 1300, 400), [5000.0]])
    found = parity_counts(truth, truth + random.normal(0, 60, 401))
    assert np.sum(found["counts"]) == 401 and found["counts"][-1][-1] >= 1, "what is hotter stands in the last cell"
    assert np.trace(np.array(found["counts"])) > 80
    assert (temperature_parity(found) or "").count("<path") > 30 and temperature_parity({}) is None
    order = (random.random(500) < 0.7).astype(float)
    bins = reliability_bins(order, np.full(500, 0.72))
    assert len(bins) == 1 and bins[0]["rows"] == 500 and bins[0]["found"] == pytest.approx(order.mean())
    assert order_reliability(bins) and order_reliability([]) is None


def test_scores_of_the_models_of_experiments_stand_on_the_page() -> None:
    bins = {"600 to inf K": {"rows": 7, "coverage": 0.9}}
    facts = {"order": {"rows": 15929, "auroc": 0.9416}, "tc": {"rows": 100, "mae_K": 67.2}, "tc_coverage": {"bins": bins}}
    table = experiment_scores(facts)
    assert [name for name, _ in table.rows] == [
        "Ferro- or ferrimagnet against antiferromagnet", "Curie temperature", "Curie temperature predicted at 600 K and more",
    ]  # fmt: skip
    assert table.rows[0][1][:2] == ("15,929", "0.942") and table.rows[1][1][4] == "67" and table.rows[2][1][-1] == "0.900"
    assert experiment_scores({}).rows == ()
    assert "0.942" in render_report(content(experiment=facts))
