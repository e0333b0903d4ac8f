"""The columns of a ranking: name, unit and meaning of each, in the order of the table. The documentation is generated from it."""

from __future__ import annotations

from dataclasses import dataclass

MEMBER_PREFIX = "member_"


@dataclass(frozen=True, slots=True)
class RankingColumn:
    """One column of `ranking.csv` and `ranking.parquet`."""

    name: str
    unit: str  # empty: a text, a count or a number without a unit
    meaning: str
    detail: str = ""  # label under which the report shows it among a candidate's details; empty: not shown there


_CRYSTAL = (
    RankingColumn("rank", "", "Place in the ranking. The best candidate has rank 1."),
    RankingColumn("candidate_id", "", "Id of the crystal in its source."),
    RankingColumn("formula", "", "Reduced chemical formula."),
    RankingColumn(
        "n_sites", "", "Number of atoms in the primitive cell; of a disordered crystal, of places that atoms may occupy."
    ),
)
_MOMENT = (
    RankingColumn(
        "moment_muB_per_atom",
        "µB/atom",
        "Predicted size of the total DFT moment per atom: the weighted mean or the median of the ensemble's members, with what "
        "these left of similar training crystals added, and moved towards an integer moment of the primitive cell where a gap "
        "is likely. So it may lie outside the members' predictions.",
    ),
    RankingColumn(
        "moment_low",
        "µB/atom",
        "Lower end of the 90 % conformal interval. It is calibrated separately for each range of predicted moments, on chemical "
        "systems that no member learned from.",
    ),
    RankingColumn("moment_high", "µB/atom", "Upper end of the same interval."),
    RankingColumn("moment_std", "µB/atom", "One standard deviation of the prediction, calibrated the same way."),
    RankingColumn(
        "saturation_T",
        "T",
        "Saturation magnetisation µ0·Ms = 11.654 T × (`moment_net` in µB per Å³). Iron has 2.2 T.",
    ),
    RankingColumn("saturation_T_low", "T", "µ0·Ms at the lower end of the net moment's interval: 0 where moments may cancel."),
    RankingColumn(
        "p_magnetic",
        "",
        "Calibrated probability that the DFT moment is above 0.05 µB/atom; near 1 where order was measured, and with 4f moments, "
        "which DFT often leaves out; near 0 where experiments found no order, and where the only moments are those that DFT "
        "gives to Eu 3+, which has J = 0.",
    ),
)
_SOURCE = (
    RankingColumn("source_file", "", "File that the crystal was read from, relative to the path on the command line."),
    RankingColumn("space_group", "", "Number of the space group, 1 to 230; empty where no symmetry was found."),
    RankingColumn(
        "note",
        "",
        "What the reader had to change, descriptors that could not be computed, elements that the model never saw, and layers of "
        "more than 9 Å without atoms.",
    ),
)
_RANKING = (
    RankingColumn("score", "", "Number that the ranking is sorted by. The profile defines its formula and unit."),
    RankingColumn("exclusion_reason", "", "Why the profile ranks the crystal after all others. Empty: it competes."),
    RankingColumn("saturation_T_high", "T", "µ0·Ms at the upper end of the net moment's interval."),
    RankingColumn(
        "saturation_if_fm_or_fim_T",
        "T",
        "µ0·Ms if the crystal is a ferro- or ferrimagnet (`moment_if_fm_or_fim`); the profiles multiply it by P(FM or FiM).",
    ),
    RankingColumn(
        "saturation_sure_T",
        "T",
        "µ0·Ms at the lower end of each order's interval, weighted with the order's probability (antiferromagnets count as 0).",
    ),
    RankingColumn("saturation_dft_T", "T", "µ0·Ms of the predicted DFT moment, however nature orders it."),
    RankingColumn("saturation_dft_T_low", "T", "The same at the lower end of the DFT moment's interval."),
    RankingColumn(
        "duplicate_of",
        "",
        "Id of the same crystal among the candidates. Of several equal crystals, the first in alphabetical order has none.",
    ),
    RankingColumn(
        "known_id",
        "",
        "Id of the same crystal in the labelled data that the model was made with: training, validation or test rows; `in the "
        "training data` for a model that keeps only fingerprints of these, as the shipped one does. Empty: it is not among them.",
    ),
    RankingColumn("known_moment", "µB/atom", "DFT moment of `known_id` in the same data."),
    RankingColumn("e_above_hull", "eV/atom", "Energy above the convex hull, as the source states it. Empty: unknown, not zero."),
    RankingColumn("stability", "", "`known` where `e_above_hull` has a value, else `unknown`."),
)
_SUPPLY = (
    RankingColumn(
        "hhi_production",
        "",
        "Herfindahl-Hirschman index of the elements' production by country, weighted by mass, 0 to 10,000. "
        "Above 2,500 the supply is concentrated (Gaultois et al., Chem. Mater. 25, 2911, 2013).",
    ),
    RankingColumn("hhi_reserve", "", "The same index of the elements' reserves."),
    RankingColumn(
        "price_USD_per_kg",
        "USD/kg",
        "Price of the elements, 2013 to 2019. It separates iron from platinum; the prices of La, Ce and F are far too high.",
    ),
    RankingColumn("rare_earths", "", "Rare-earth elements (Sc, Y, La to Lu) in the crystal."),
    RankingColumn("radioactive", "", "Radioactive elements in the crystal."),
)
_DOMAIN = (
    RankingColumn("p_moment_above_1", "", "Probability that the DFT moment is above 1 µB/atom, whatever was measured."),
    RankingColumn(
        "ood_score",
        "",
        "Out-of-domain score. Above 1 the crystal is unlike the training data, and its interval is widened in proportion.",
    ),
)
_ORDER = (
    RankingColumn(
        "p_ferromagnetic",
        "",
        "P(FM): probability that the crystal has site moments whose sum is at least 80 % of the sum of their sizes.",
    ),
    RankingColumn("p_ferrimagnetic", "", "P(FiM): the same for a sum between 10 % and 80 %."),
    RankingColumn("p_antiferromagnetic", "", "P(AFM): the same for a sum of at most 10 %."),
    RankingColumn("afm_risk", "", "Probability of antiferromagnetic order, given that the crystal has site moments."),
    RankingColumn("ordering_most_likely", "", "`FM`, `FiM`, `AFM` or `NM` (non-magnetic), the most probable of the four."),
    RankingColumn("label_provenance", "", "Calculation or table that the known moment comes from."),
)
RANKING: tuple[RankingColumn, ...] = _CRYSTAL + _MOMENT + _SOURCE + _RANKING + _SUPPLY + _DOMAIN + _ORDER
_NET_MOMENT = (  # of pipeline.magnetism.net_moment
    RankingColumn(
        "moment_3d",
        "µB/atom",
        "Moment of all but the 4f shells in the likeliest order with a net moment: the predicted DFT moment without what the "
        "calculation counts of 4f shells, given that it is magnetic; of a ferrimagnet what its sublattices leave.",
    ),
    RankingColumn("moment_3d_low", "µB/atom", "Lower end of its interval over all possible orders."),
    RankingColumn("moment_3d_high", "µB/atom", "Upper end of its interval over all possible orders."),
    RankingColumn(
        "moment_4f",
        "µB/atom",
        "Moment of the 4f shells: g_J·J, reduced by a typical crystal field. Beside d moments it is above zero where it is "
        "parallel to them (light rare earths) and below zero where it is antiparallel (Gd to Yb, and Eu 2+).",
    ),
    RankingColumn("moment_4f_low", "µB/atom", "Lower end of its interval, by crystal field and valence."),
    RankingColumn("moment_4f_high", "µB/atom", "Upper end of its interval, by crystal field and valence."),
    RankingColumn(
        "moment_net",
        "µB/atom",
        "Expected net moment of the crystal: the mean over ferro-, ferri- and antiferromagnetic orders and over being "
        "non-magnetic. 4f moments without d moments count as aligned unless antiferromagnetism was measured, because a field "
        "of some tesla aligns them.",
    ),
    RankingColumn(
        "moment_net_low",
        "µB/atom",
        "Lower end of the 90 % interval of the net moment. It contains every possible order, so it is 0 where the crystal may "
        "be an antiferromagnet.",
    ),
    RankingColumn("moment_net_high", "µB/atom", "Upper end of the same interval: the parallel sum where nothing decides."),
    RankingColumn(
        "moment_if_fm_or_fim",
        "µB/atom",
        "The same mean over the orders with a net moment alone: the moment if the crystal is a ferro- or ferrimagnet. This, not "
        "`moment_net`, may be multiplied by `p_fm_or_fim`.",
    ),
    RankingColumn("moment_if_fm_or_fim_low", "µB/atom", "Lower end of its 90 % interval."),
    RankingColumn("moment_if_fm_or_fim_high", "µB/atom", "Upper end of its 90 % interval."),
    RankingColumn("moment_explained", "", "How the net moment comes about, in one sentence."),
)
EXPERIMENT: tuple[RankingColumn, ...] = (  # of pipeline.magnetism.experiment; rankings of older releases have none
    *_NET_MOMENT,
    RankingColumn(
        "p_fm_or_fim",
        "",
        "Probability of magnetic order with a net moment (FM or FiM): measured where it was measured, else predicted. 4f moments "
        "count, of which DFT often knows nothing.",
    ),
    RankingColumn(
        "order_basis",
        "",
        "Where the order comes from: `measured`, `predicted`, `contradictory references`, or `another structure measured`: "
        "from what the handbook has of this composition in another structure, with little confidence.",
    ),
    RankingColumn(
        "tc_K",
        "K",
        "Curie temperature: measured where it was measured, that of another structure where only this one was, else predicted "
        "from the composition.",
    ),
    RankingColumn("tc_low_K", "K", "Lower end of its 90 % interval."),
    RankingColumn("tc_high_K", "K", "Upper end of its 90 % interval."),
    RankingColumn("tc_basis", "", "`measured` or `predicted`."),
    RankingColumn(
        "p_tc_above_300",
        "",
        "Probability of a Curie temperature above 300 K, if the crystal is a ferro- or ferrimagnet.",
    ),
    RankingColumn("p_tc_above_450", "", "The same above 450 K."),
    RankingColumn("p_tc_above_600", "", "The same above 600 K."),
    RankingColumn("p_tc_260_to_340", "", "The same between 260 and 340 K."),
    RankingColumn("tn_K", "K", "Predicted Néel temperature, if the crystal is an antiferromagnet."),
    RankingColumn("tn_low_K", "K", "Lower end of its 90 % interval."),
    RankingColumn("tn_high_K", "K", "Upper end of its 90 % interval."),
    RankingColumn(
        "saturation_300K_T",
        "T",
        "µ0·Ms at 300 K if the crystal is a ferro- or ferrimagnet: from `saturation_if_fm_or_fim_T` and the Curie temperature "
        "(Kuz'min, Phys. Rev. Lett. 94, 107204). It can be above `saturation_T`, which is the mean over all orders, "
        "antiferromagnets included.",
    ),
    RankingColumn("saturation_300K_T_low", "T", "Lower end of its 90 % interval, which contains the uncertainty of both."),
    RankingColumn("saturation_300K_T_high", "T", "Upper end of its 90 % interval."),
    RankingColumn(
        "bh_max_kJ_m3",
        "kJ/m³",
        "Upper bound of the energy product at 300 K if the crystal is a ferro- or ferrimagnet: (µ0·Ms)² / (4 µ0).",
        "Energy product at 300 K if FM or FiM, at most",
    ),
    RankingColumn("bh_max_MGOe", "MGOe", "The same in MGOe."),
    RankingColumn(
        "k1_for_hardness_1_MJ_m3",
        "MJ/m³",
        "Anisotropy constant K1 that a hardness of 1 would need. No column says what K1 the crystal has.",
        "K1 that a hardness of 1 would need",
    ),
    RankingColumn(
        "uniaxial_possible",
        "",
        "Whether the crystal system allows a single easy axis (tetragonal, trigonal, hexagonal). Of crystals that may be magnets "
        "at 300 K, the crystal system is that to 0.1 Å, so that small strains and shifts change nothing.",
    ),
    RankingColumn(
        "known_order",
        "",
        "Order that experiments report for this composition: `FM`, `FiM`, `FM or FiM`, `AFM` or `NM` (they found none); "
        "`contradictory` where references disagree.",
    ),
    RankingColumn("known_tc_K", "K", "Measured Curie temperature (median)."),
    RankingColumn("known_tn_K", "K", "Measured Néel temperature (median)."),
    RankingColumn("known_references", "", "Number of references behind the measured values."),
    RankingColumn("known_dois", "", "The first of these references."),
    RankingColumn("known_spread_K", "K", "Largest minus smallest measured temperature, the handbook's included."),
    RankingColumn("known_elsewhere", "", "What the handbook has of this composition in other structures that order."),
    RankingColumn(
        "p_fm_or_fim_predicted",
        "",
        "P(FM or FiM), given magnetic order, of the model that learned from experiments, without a look-up.",
    ),
    RankingColumn(
        "experiment_ood_score",
        "",
        "Out-of-domain score of the models of order, Tc and TN. Above 1 the composition is unlike the measured compounds: "
        "their errors are about three times those near 0. The intervals are not widened.",
    ),
)
IN_WINDOW = RankingColumn(
    "p_tc_in_window",
    "",
    "Probability of a Curie temperature in the window of the profile, from `tc_K` and its interval. The column exists only with "
    "the profiles `magnetocaloric` and `low-temperature-refrigerant`.",
)
KNOWN_MOMENT = RankingColumn(
    "moment_dft", "µB/atom",
    "Known DFT moment, of crystals of the Materials Project and of the starter set. The column exists only where one is known.",
)  # fmt: skip
LICENSED = RankingColumn(
    "licensed", "", "Whether the crystal is licensed, so that its details are withheld. The column exists only where one is."
)
DISORDER: tuple[RankingColumn, ...] = (  # exist only where a crystal is disordered, and are empty for ordered ones
    RankingColumn(
        "occupancies",
        "",
        "Places of the source's cell that one species does not fill, and what shares them: `Co 0.3 Fe 0.7 (2 sites)`.",
    ),
    RankingColumn("n_approximants", "", "Ordered approximants that the prediction is the mean of."),
    RankingColumn(
        "approximant_spread",
        "µB/atom",
        "Standard deviation of the predicted moment over the approximants. It widens the interval. Empty: a single approximant.",
    ),
)
MEMBER = RankingColumn(f"{MEMBER_PREFIX}NAME", "µB/atom", "Prediction of the member NAME of the ensemble. One column per member.")
FAMILY_DISAGREEMENT = RankingColumn(
    "family_disagreement",
    "µB/atom",
    "Standard deviation of the predictions of the model families. A family's prediction is the plain mean of its members, "
    "whatever their weight in the ensemble. The column exists only where there are two families or more.",
)
EXPLAINED = (*RANKING, *EXPERIMENT, IN_WINDOW, KNOWN_MOMENT, LICENSED, *DISORDER, FAMILY_DISAGREEMENT, MEMBER)  # every column
COLUMNS = [column.name for column in RANKING]
