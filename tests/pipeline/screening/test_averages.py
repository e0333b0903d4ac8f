"""Rounds of approximants: how many a crystal gets, and what becomes of each crystal of a batch."""

from __future__ import annotations

import numpy as np
import pytest

from data.crystal import Crystal
from data.disordered import DisorderedCrystal, Species
from data.rejection import Reason
from data.sources import Record
from data.symmetry import symmetrise
from models.ordering.order_classifier import CLASSES
from pipeline.disorder.approximants import ACCEPTED
from pipeline.disorder.averaging import NUMBERS, ApproximantRows
from pipeline.magnetism.ferrimagnet import compensation
from pipeline.screening.averages import Averaged, predict_averages

IRON_MUB, COBALT_MUB = 2.2, 1.7
BCC = np.array([[0.0] * 3, [0.5] * 3])


def alloy(name: str, *shares: tuple[int, float], a: float = 2.87) -> Record:
    """A body-centred alloy of these elements."""
    species = tuple(Species(z, share, None) for z, share in sorted(shares))
    crystal = DisorderedCrystal(name, a * np.eye(3), BCC, np.zeros(2, dtype=np.int64), (species,))
    return Record(crystal, f"{name}.cif", licensed=True)


class Said:
    """A model that says of an ordered crystal what a formula gives, and remembers what it was asked of.

    Args:
        scatter: µB/atom by which decorations of one composition differ: that of the odd numbers of orbits is larger.
        isolated: ids of the crystals that have an atom without a neighbour.
    """

    def __init__(self, scatter: float = 0.0, isolated: tuple[str, ...] = ()) -> None:
        self.scatter, self.isolated, self.rounds = scatter, isolated, list[list[str]]()

    def __call__(self, crystals: list[Crystal]) -> tuple[ApproximantRows, np.ndarray]:
        self.rounds.append([crystal.id for crystal in crystals])
        kept = np.array([k for k, crystal in enumerate(crystals) if crystal.id not in self.isolated], dtype=np.int64)
        moments = np.array([self.moment(crystals[k]) for k in kept.tolist()])
        columns = {name: np.zeros(len(kept)) for name in (*NUMBERS, *(f"order_{name}" for name in CLASSES))}
        return ApproximantRows.of(columns | {"moment": moments, "p_magnetic": (moments > 0).astype(float)}), kept

    def moment(self, crystal: Crystal) -> float:
        share = {z: float((crystal.numbers == z).mean()) for z in (26, 27)}
        odd = len(symmetrise(crystal).multiplicities) % 2
        return IRON_MUB * share[26] + COBALT_MUB * share[27] + self.scatter * odd * (share[26] > 0)


def averaged(records: list[Record], said: Said) -> dict[str, Averaged]:
    done, rejected = predict_averages(records, 0.01, said, "alone")
    assert not rejected
    return {one.crystal.id: one for one in done}


@pytest.mark.parametrize(("iron", "number"), [(0.5, 2), (0.7, None), (0.93, None)])
def test_what_only_the_composition_decides_is_exact_and_soon_settled(iron: float, number: int | None) -> None:
    """Two approximants at least; where one has the composition, both have the same moment, and the mean is settled."""
    one = averaged([alloy("x", (26, iron), (27, 1 - iron))], Said())["x"]
    assert one.mean()[0].predicted.moment[0] == pytest.approx(IRON_MUB * iron + COBALT_MUB * (1 - iron), abs=ACCEPTED)
    assert one.number >= one.approximants.fewest >= 2 and one.number == (number or one.number)


def test_more_are_made_two_at_a_time_until_the_mean_is_settled_or_no_more_are_allowed() -> None:
    restless = Said(scatter=3.0)
    one = averaged([alloy("x", (26, 0.5), (27, 0.5))], restless)["x"]
    each = [restless.moment(crystal) for crystal in one.approximants.crystals]
    assert len(set(np.round(each, 6).tolist())) > 1, "the decorations differ"
    assert one.number == one.approximants.most == 8
    assert one.approximants.first == 1 and np.cumsum([len(names) for names in restless.rounds]).tolist() == [1, 2, 4, 6, 8]
    assert sorted(name for names in restless.rounds for name in names) == [f"x~{k}" for k in range(1, 9)], "each once"


def test_what_the_numbers_of_atoms_decide_is_no_error_of_the_mean() -> None:
    """Mn0.03Fe0.97: of two approximants, one has no manganese. Those of equal numbers agree, so four are enough."""

    class Opposed(Said):
        def moment(self, crystal: Crystal) -> float:
            return IRON_MUB - 5.0 * float((crystal.numbers == 25).mean())

    one = averaged([alloy("x", (26, 0.97), (25, 0.03))], Opposed())["x"]
    assert len(set(one.approximants.strata(one.number).tolist())) == 2
    mean, away = one.mean()
    assert mean.predicted.moment[0] == pytest.approx(IRON_MUB - 5.0 * 0.03, abs=ACCEPTED)
    assert away == pytest.approx(0.0, abs=1e-9) and one.number == 4 < one.approximants.most


def test_a_salt_has_the_sublattices_of_its_average() -> None:
    """SrCoO2.85: cobalt beside missing oxygen is no sublattice of its own, as it is in each of the approximants."""

    class Ruled(Said):
        def __call__(self, crystals: list[Crystal]) -> tuple[ApproximantRows, np.ndarray]:
            rows, kept = super().__call__(crystals)
            found = [compensation(symmetrise(crystal)) for crystal in crystals]
            share = np.array([np.nan if one is None else one.share for one in found])
            words = np.array(["" if one is None else one.words for one in found], dtype=object)
            facts = {"salt": np.ones(len(kept)), "fim_share": share, "fim_words": words}
            return ApproximantRows.of(rows.columns() | facts), kept

    kinds = tuple((Species(z, x, None),) for z, x in ((38, 1.0), (27, 1.0), (8, 0.95)))
    frac = np.array([[0.0] * 3, [0.5] * 3, [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    salt = DisorderedCrystal("x", 3.83 * np.eye(3), frac, np.array([0, 1, 2, 2, 2]), kinds)
    one = averaged([Record(salt, "x.cif")], Ruled())["x"]
    assert any(words for rows in one.rows for words in rows.facts["fim_words"]), "an approximant alone seems to be a ferrimagnet"
    facts = one.mean()[0].facts
    assert np.isnan(facts["fim_share"][0]) and facts["fim_words"][0] == ""


def test_without_a_moment_as_many_are_enough_as_have_the_composition() -> None:
    one = averaged([alloy("x", (24, 0.5), (23, 0.5))], Said(scatter=3.0))["x"]
    assert one.number == one.approximants.first


def test_a_crystal_is_what_it_is_by_itself_and_the_order_stays() -> None:
    records = [alloy(f"{iron:g}", (26, iron), (27, 1 - iron)) for iron in (0.9, 0.5, 0.25)]
    records.append(alloy("dead", (24, 0.5), (23, 0.5)))
    together = averaged(records, Said(scatter=0.5))
    assert list(together) == ["0.9", "0.5", "0.25", "dead"]
    assert len({one.number for one in together.values()}) > 1, "they end in different rounds"
    for record in records:
        alone = averaged([record], Said(scatter=0.5))[record.crystal.id]
        assert alone.number == together[record.crystal.id].number
        (mean, away), (expected, spread) = alone.mean(), together[record.crystal.id].mean()
        assert mean.predicted.moment[0] == expected.predicted.moment[0]
        assert away == spread or np.isnan([away, spread]).all()


@pytest.mark.parametrize("isolated", ["b~1", "b~2", "b~4"])
def test_a_crystal_with_an_isolated_atom_is_rejected_and_the_others_are_not(isolated: str) -> None:
    """In its first round or in a later one, and in the middle of a batch."""
    records = [alloy(name, (26, 0.5), (27, 0.5), a=a) for name, a in (("a", 2.87), ("b", 2.9), ("c", 2.95))]
    done, rejected = predict_averages(records, 0.01, Said(3.0, (isolated,)), "alone")
    assert [one.crystal.id for one in done] == ["a", "c"]
    expected = averaged([records[0], records[2]], Said(3.0))
    for one in done:
        assert one.mean()[0].predicted.moment[0] == expected[one.crystal.id].mean()[0].predicted.moment[0]
    (told,) = rejected
    assert (told.candidate_id, told.source_file, told.reason, told.detail, told.licensed) == (
        "b", "b.cif", Reason.NO_NEIGHBOURS, "alone", True
    )  # fmt: skip


def test_places_that_cannot_be_filled_as_stated_are_rejected_with_the_reason() -> None:
    """Two places 0.4 Å apart, both of them nearly always filled."""
    frac = np.array([[0, 0, 0], [0.5, 0.5, 0.45], [0.5, 0.5, 0.55]])
    kinds = ((Species(26, 1.0, None),), (Species(29, 0.9, None),))
    strange = Record(DisorderedCrystal("strange", 4.0 * np.eye(3), frac, np.array([0, 1, 1]), kinds), "s.cif")
    said = Said()
    done, rejected = predict_averages([strange, alloy("x", (26, 0.5), (27, 0.5))], 0.01, said, "alone")
    assert [one.crystal.id for one in done] == ["x"]
    (told,) = rejected
    assert told.reason is Reason.PARTIAL_OCCUPANCY and "cannot be filled as stated" in told.detail and not told.licensed
    assert not any("strange" in name for names in said.rounds for name in names)
    assert predict_averages([], 0.01, said, "alone") == ([], [])
