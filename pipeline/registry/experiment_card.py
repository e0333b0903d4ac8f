"""The model card of the models of experiments."""

from __future__ import annotations

from typing import Any


def experiment_card(manifest: dict[str, Any]) -> str:
    """CARD.md of models of experiments, from their manifest."""
    facts = manifest["scores"]
    order, tc, tn, rows = facts["order"], facts["tc"], facts["tn"], facts["rows"]
    order_line = (
        f"AUROC {order['auroc']:.3f}, macro-F1 {order['macro_f1']:.3f}, Brier {order['brier']:.3f}, "
        f"calibration error {order['calibration_error']:.3f}"
    )
    tc_line = (
        f"mean error {tc['mae_K']:.1f} K, median {tc['median_error_K']:.1f} K, R² {tc['r2']:.3f}, "
        f"precision above 600 K {_share(tc['precision_above_600'])}, recall {_share(tc['recall_above_600'])}"
    )
    free = facts["tc_without_rare_earths"]
    free_line = f"mean error {free['mae_K']:.1f} K" if free["rows"] else "none"
    coverage = ", ".join(f"{name} {row['coverage']:.1%}" for name, row in facts["tc_coverage"]["bins"].items())
    return f"""# Model card: magnetic order and transition temperatures as experiments find them

From a composition: the probability that an ordered magnet is a ferro- or ferrimagnet rather than an antiferromagnet, its Curie
temperature and its Néel temperature, each with a 90 % interval. Extremely randomised trees and small attention networks on
composition descriptors, and for the order the mean of families of two formulas or more (RCo2Si2, say); weights only, no row of
the data is among them.

## How well it does

On {facts["systems"]:,} chemical systems, each predicted by members that had not seen it (five folds),
calibrated on the other folds:

| | rows | |
|---|---|---|
| FM or FiM against AFM | {rows["order"]:,} | {order_line} |
| Curie temperature | {rows["tc"]:,} | {tc_line} |
| of them without rare earths | {free["rows"]:,} | {free_line} |
| Néel temperature | {rows["tn"]:,} | mean error {tn["mae_K"]:.1f} K, R² {tn["r2"]:.3f} |

90 % intervals of the Curie temperature hold, by predicted value: {coverage}.

## What the labels are worth

Two handbooks agree to 11 K; most values rest on one paper, and some are wrong by hundreds of kelvin (a temperature in °C, an
impurity phase, a Néel temperature called Curie temperature). Where two papers report an order of one composition, 7 % of the
pairs disagree. Text-mined orders and contradictory compositions were left out.

## Known failures

- Composition cannot tell polymorphs apart: ordered FePt (750 K) and disordered FePt (386 K) get one answer.
- Ferrimagnets and ferromagnets share their label; which of both a crystal is, DFT says.
- Compounds without rare earths are twice as hard, dilute and oxide hosts worst.
- High temperatures are said too low rather than too high.

## Data

Nelson and Sanvito 2019 and the data of Taufour (msg-byu/ML-for-CurieTemp-Predictions, MIT); BERT-PSIE
(StefanoSanvitoGroup/BERT-PSIE-TC, MIT); NEMAD as distributed in MaMMoS-project/ML-models (MIT; NEMAD itself states no licence);
MaMMoS tables (MIT); magnetic structures from MAGNDATA (Gallego et al., J. Appl. Cryst. 49, 1750, 2016).
"""


def _share(value: float | None) -> str:
    return "of no rows" if value is None else f"{value:.2f}"
