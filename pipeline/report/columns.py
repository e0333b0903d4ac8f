"""The numbers of a candidate that the page knows: what they are called, and to how many digits they are shown and sent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of numbers in the ranking."""

    key: str
    label: str
    unit: str = ""
    shown: int = 2  # digits after the point on the page
    sent: int = 4  # digits after the point in the page's data
    low_is_good: bool = False  # what the first click on its heading puts on top
    format: str = "number"  # a filter of pipeline.report.text, and a function of the page's script
    needed: bool = False  # a place in the table even where no row has a value


RANK = Column("rank", "Rank", shown=0, sent=0, low_is_good=True, format="count", needed=True)
TABLE = (
    Column("score", "Score"),
    Column("order", "Order", shown=0, sent=0, low_is_good=True, format="order"),
    Column("tc_K", "Tc", "K", shown=0, sent=0, format="count"),
    Column("saturation_T", "µ0·Ms", "T", needed=True),
    Column("saturation_T_low", "at least", "T", needed=True),
    Column("saturation_300K_T", "at 300 K", "T", sent=3),
    Column("moment_muB_per_atom", "Moment", "µB/atom", needed=True),
    Column("dft", "Known DFT", "µB/atom"),
    Column("p_fm_or_fim", "P(FM or FiM)", sent=3),
    Column("p_magnetic", "P(magn.)", needed=True),
    Column("p_ferromagnetic", "P(FM)"),
    Column("afm_risk", "AFM risk", low_is_good=True),
    Column("ood_score", "OOD score", low_is_good=True),
    Column("e_above_hull", "Above hull", "eV/atom", shown=3, low_is_good=True),
    Column("price_USD_per_kg", "Price", "USD/kg", sent=2, low_is_good=True, format="price"),
    Column("space_group", "Space group", shown=0, sent=0, low_is_good=True, format="count"),
)
PANEL = (
    Column("hhi_production", "Supply risk", "HHI", shown=0, sent=0, low_is_good=True, format="count"),
    Column("n_sites", "Sites", shown=0, sent=0, low_is_good=True, format="count"),
    Column("moment_low", "at least", "µB/atom", needed=True),
    Column("moment_high", "at most", "µB/atom", needed=True),
    Column("moment_std", "Stated error", "µB/atom", shown=3),
    Column("saturation_T_high", "at most", "T", needed=True),
    Column("saturation_if_fm_or_fim_T", "if FM or FiM", "T"),
    Column("saturation_sure_T", "µ0·Ms, sure part", "T"),
    Column("saturation_dft_T_low", "µ0·Ms of DFT, at least", "T"),
    Column("moment_net", "Net moment", "µB/atom"),
    Column("moment_net_low", "Net moment at least", "µB/atom"),
    Column("moment_net_high", "Net moment at most", "µB/atom"),
    Column("hhi_reserve", "Concentration of reserves", "HHI", shown=0, sent=0, format="count"),
    Column("known_moment", "Moment in the labelled data", "µB/atom"),
    Column("moment_dft", "Moment in the source", "µB/atom"),
    Column("basis", "Order from", shown=0, sent=0, format="count"),  # codes of pipeline.report.experiment
    Column("tc_from", "Tc from", shown=0, sent=0, format="count"),
    Column("tc_low_K", "at least", "K", shown=0, sent=0, format="count"),
    Column("tc_high_K", "at most", "K", shown=0, sent=0, format="count"),
    Column("tn_K", "Néel temperature", "K", shown=0, sent=0, format="count"),
    Column("tn_low_K", "at least", "K", shown=0, sent=0, format="count"),
    Column("tn_high_K", "at most", "K", shown=0, sent=0, format="count"),
    Column("saturation_300K_T_low", "at least", "T", sent=2),
    Column("saturation_300K_T_high", "at most", "T", sent=2),
    Column("p_tc_above_300", "P(Tc > 300 K)", sent=2),
    Column("p_tc_above_450", "P(Tc > 450 K)", sent=3),
    Column("p_tc_above_600", "P(Tc > 600 K)", sent=2),
    Column("p_tc_in_window", "P(Tc in the window)", sent=4),
    Column("uniaxial_possible", "Single easy axis", shown=0, sent=0, format="count"),
    Column("known_tc_K", "Measured Tc", "K", shown=0, sent=0, format="count"),
    Column("known_tn_K", "Measured TN", "K", shown=0, sent=0, format="count"),
    Column("known_references", "References", shown=0, sent=0, format="count"),
    Column("known_spread_K", "Largest minus smallest measured temperature", "K", shown=0, sent=0, format="count"),
    Column("n_approximants", "Ordered approximants", shown=0, sent=0, format="count"),
    Column("approximant_spread", "Spread over approximants", "µB/atom", shown=3),
    Column("tesla", "µ0·Ms of each µB/atom", "T", sent=6, needed=True),
)
TEXTS = (
    "candidate_id", "formula", "source_file", "note", "exclusion_reason", "duplicate_of", "known_id", "label_provenance",
    "known_order", "known_dois", "known_elsewhere", "moment_explained", "occupancies",
)  # fmt: skip
NO_ORDERING = (  # probabilities of something else
    "p_magnetic", "p_moment_above_1", "p_fm_or_fim", "p_fm_or_fim_predicted", "p_tc_above_300", "p_tc_above_450",
    "p_tc_above_600", "p_tc_260_to_340", "p_tc_in_window",
)  # fmt: skip
ORDERING_PREFIX = "p_"  # p_ferromagnetic, p_antiferromagnetic ...: how probable each order of the moments is


def ordering_column(key: str) -> Column:
    """A probability of an order of the moments that TABLE does not know."""
    return Column(key, key.removeprefix(ORDERING_PREFIX).replace("_", " "))
