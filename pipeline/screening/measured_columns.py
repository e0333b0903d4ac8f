"""The columns of a ranking that say what experiments find, measured or predicted (`pipeline.magnetism.experiment`)."""

from __future__ import annotations

from pipeline.screening.columns import RankingColumn

FROM_EXPERIMENT = (
    RankingColumn("p_fm_or_fim", "", "Probability that the crystal is a ferro- or ferrimagnet, by experiment and DFT."),
    RankingColumn("order_basis", "", "`measured`, `predicted` or `contradictory references`: what the order rests on."),
    RankingColumn("tc_K", "K", "Curie temperature, if the crystal is a ferro- or ferrimagnet."),
    RankingColumn("tc_low_K", "K", "Lower end of its 90 % interval."),
    RankingColumn("tc_high_K", "K", "Upper end of its 90 % interval."),
    RankingColumn("tc_basis", "", "`measured` or `predicted`."),
    RankingColumn("p_tc_above_300", "", "Probability that the Curie temperature is above 300 K."),
    RankingColumn("p_tc_above_450", "", "The same above 450 K."),
    RankingColumn("p_tc_above_600", "", "The same above 600 K."),
    RankingColumn("p_tc_260_to_340", "", "Probability that the Curie temperature is between 260 and 340 K."),
    RankingColumn("tn_K", "K", "Predicted Néel temperature, if the crystal is an antiferromagnet."),
    RankingColumn("tn_low_K", "K", "Lower end of its 90 % interval."),
    RankingColumn("tn_high_K", "K", "Upper end of its 90 % interval."),
    RankingColumn("saturation_300K_T", "T", "µ0·Ms at 300 K by Kuz'min's shape (Phys. Rev. Lett. 94, 107204, 2005)."),
    RankingColumn("saturation_300K_T_low", "T", "Lower end of its 90 % interval, from those of the moment and of Tc."),
    RankingColumn("saturation_300K_T_high", "T", "Upper end of its 90 % interval."),
    RankingColumn("bh_max_kJ_m3", "kJ/m³", "Upper bound of the energy product at 300 K, (µ0·Ms)²/(4 µ0)."),
    RankingColumn("bh_max_MGOe", "MGOe", "The same."),
    RankingColumn("k1_for_hardness_1_MJ_m3", "MJ/m³", "Anisotropy that a hardness of 1 would need."),
    RankingColumn("uniaxial_possible", "", "Whether the lattice is tetragonal, trigonal or hexagonal."),
    RankingColumn("known_order", "", "Measured order: FM, FiM, AFM, `FM or FiM` or `contradictory`; empty where none is known."),
    RankingColumn("known_tc_K", "K", "Measured Curie temperature."),
    RankingColumn("known_tn_K", "K", "Measured Néel temperature."),
    RankingColumn("known_references", "", "Number of references."),
    RankingColumn("known_dois", "", "The first of them."),
    RankingColumn("known_spread_K", "K", "Largest less smallest of the measured temperatures."),
    RankingColumn("p_fm_or_fim_predicted", "", "P(FM or FiM) of the model of experiments, given order, without any look-up."),
)
