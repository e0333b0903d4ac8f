"""Which descriptors a forest should see: a stochastic search for about a hundred among several hundred.

The paper (Kaba et al., arXiv 2111.14712) says that its descriptors were picked by a stochastic method; this one is ours. Each
round draws a set, those that helped before more often, fits a small forest to some rows and asks how much its error on other
chemical systems grows when a column is shuffled (Breiman 2001). The mass of the drawn columns moves towards those that matter;
a set is accepted as in simulated annealing (Metropolis, a falling temperature). The search ends when the best of all accepted
sets are enough, every column has been asked often enough and the error stalls; the largest mean importances remain.

Only training rows take part, so that validation and test rows stay unseen. A round depends on the seed, its number and the state
that the last one left, so an interrupted search goes on to the same result.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.errors import UserError
from data.store.artifact import write_json

Floats = NDArray[np.float64]
ASKED = 2  # rounds that must have drawn a column before the search may stop early
STATE_FILE = "selection.json"
SELECTION_CODE = "selection-1"  # raise it whenever the same rows and settings would give another selection


@dataclass(frozen=True)
class SelectionSettings:
    """Of the search; its result is a pure function of these and the rows."""

    wanted: int = 100  # columns in the end
    drawn: int = 30  # columns a round
    rounds: int = 60  # at most
    patience: int = 12  # rounds without a better set after which a full pool is enough
    rows: int = 5000  # of the training rows, for each small forest
    test_rows: int = 2000  # rows of other chemical systems that test it
    trees: int = 40
    learning_rate: float = 0.3  # how fast the mass of the drawn columns moves
    temperature: float = 0.02  # of the error, at the start; zero at the end
    seed: int = 0


@dataclass(frozen=True)
class Round:
    """What one round found."""

    error: float  # µB/atom, of the small forest on other chemical systems
    best: float  # the lowest so far
    accepted: bool
    pool: int  # columns kept so far


@dataclass
class SearchState:
    """What the next round needs; JSON."""

    mass: list[float]  # (columns,) probability of being drawn
    worth: list[float]  # (columns,) importance, summed over the rounds: µB/atom that the error grows by
    times: list[int]  # (columns,) rounds in which it was drawn
    pool: list[int] = field(default_factory=list)  # columns of accepted sets, sorted
    current: float | None = None  # error of the set accepted last
    trajectory: list[Round] = field(default_factory=list)


@dataclass(frozen=True)
class Selection:
    """The columns to look at, ascending, and how they were found."""

    columns: tuple[int, ...]
    trajectory: tuple[Round, ...]

    def to_json(self, names: Sequence[str]) -> dict[str, Any]:
        return {
            "code": SELECTION_CODE, "columns": [names[k] for k in self.columns],
            "trajectory": [asdict(found) for found in self.trajectory],
        }  # fmt: skip


def select(
    rows: NDArray[np.float32], moment: Floats, systems: Sequence[str], settings: SelectionSettings, folder: Path | None = None,
    tick: Callable[[int], None] = lambda n: None,
) -> Selection:  # fmt: skip
    """Search among the columns of `rows` (crystals, columns), which hold no NaN; `moment` (crystals,) in µB/atom.

    With a folder the state is kept there after each round, and a search that was interrupted goes on.

    Args:
        rows: (crystals, columns) descriptors without gaps.
        moment: (crystals,) µB/atom.
        systems: (crystals,) chemical systems.
        settings: rounds and size of the search.
        folder: of the rounds that are done; a later search continues there.
        tick: called with the number of rounds done since its last call.

    Raises:
        UserError: all rows are of one chemical system.
    """
    count = rows.shape[1]
    if count <= settings.wanted:
        return Selection(tuple(range(count)), ())
    if len(set(systems)) < 2:
        raise UserError("descriptors are selected by what they tell of other chemical systems; all training rows are of one")
    state = _restored(folder, count) or SearchState([1 / count] * count, [0.0] * count, [0] * count)
    tick(len(state.trajectory))
    names = np.asarray(systems, dtype=str)
    while not _finished(state, settings):
        _round(state, rows, moment, names, settings)
        if folder is not None:
            write_json(folder / STATE_FILE, asdict(state))
        tick(1)
    return Selection(_chosen(state, settings), tuple(state.trajectory))


def _round(
    state: SearchState, rows: NDArray[np.float32], moment: Floats, names: NDArray[np.str_], settings: SelectionSettings
) -> None:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    number = len(state.trajectory)
    rng = np.random.default_rng([settings.seed, number])
    mass = np.array(state.mass)
    drawn = np.sort(rng.choice(len(mass), min(settings.drawn, len(mass)), replace=False, p=mass / mass.sum()))
    learned, tested = _apart(names, settings, rng)
    forest = RandomForestRegressor(settings.trees, min_samples_leaf=3, max_features=0.33, random_state=number, n_jobs=1)
    forest.fit(rows[np.ix_(learned, drawn)], moment[learned])
    seen = rows[np.ix_(tested, drawn)]
    error = float(np.abs(forest.predict(seen) - moment[tested]).mean())
    importance = permutation_importance(
        forest, seen, moment[tested], scoring="neg_mean_absolute_error", n_repeats=1, random_state=number, n_jobs=1
    ).importances_mean
    _move(state, drawn, importance, settings)
    cooling = settings.temperature * (state.current or error) * (1 - number / settings.rounds)
    better = state.current is None or error <= state.current
    accepted = bool(better or rng.random() < np.exp(-(error - (state.current or 0.0)) / max(cooling, 1e-12)))
    if accepted:
        state.current = error
        best = drawn[np.argsort(-importance, kind="stable")[: max(len(drawn) // 2, 1)]]
        useful = [int(k) for k in best if state.worth[k] > 0]
        state.pool = sorted({*state.pool, *useful})
    lowest = min([error, *(found.best for found in state.trajectory[-1:])])
    state.trajectory.append(Round(error, lowest, accepted, len(state.pool)))


def _apart(names: NDArray[np.str_], settings: SelectionSettings, rng: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """(rows to learn from, rows to test by): a fifth of the chemical systems test."""
    systems, of_row = np.unique(names, return_inverse=True)
    tests = rng.permutation(len(systems)) < max(len(systems) // 5, 1)
    order = rng.permutation(len(names))
    tested, learned = order[tests[of_row[order]]], order[~tests[of_row[order]]]
    return learned[: settings.rows], tested[: settings.test_rows]


def _move(state: SearchState, drawn: NDArray[np.int64], importance: Floats, settings: SelectionSettings) -> None:
    """The drawn columns share their mass anew, by the rank of their importance; the others keep theirs, or columns that were
    never drawn would be forgotten without having been asked."""
    rank = np.argsort(np.argsort(importance, kind="stable"), kind="stable") + 1.0
    rank[importance <= 0] = 0.1
    share = rank / rank.sum()
    mass = np.array(state.mass)
    mass[drawn] = (1 - settings.learning_rate) * mass[drawn] + settings.learning_rate * mass[drawn].sum() * share
    state.mass = (mass / mass.sum()).tolist()
    for k, gain in zip(drawn.tolist(), importance.tolist(), strict=True):
        state.worth[k] += gain
        state.times[k] += 1


def _finished(state: SearchState, settings: SelectionSettings) -> bool:
    done = len(state.trajectory)
    if done >= settings.rounds:
        return True
    stalled = done > settings.patience and state.trajectory[-1].best >= state.trajectory[-1 - settings.patience].best
    return stalled and len(state.pool) >= settings.wanted and min(state.times) >= ASKED


def _chosen(state: SearchState, settings: SelectionSettings) -> tuple[int, ...]:
    """The columns with the largest mean importance over the rounds that drew them."""
    mean = np.array(state.worth) / np.maximum(state.times, 1)
    return tuple(sorted(np.argsort(-mean, kind="stable")[: settings.wanted].tolist()))


def _restored(folder: Path | None, count: int) -> SearchState | None:
    """The state that an interrupted search left, if there is one of as many columns."""
    if folder is None or not (folder / STATE_FILE).is_file():
        return None
    content = json.loads((folder / STATE_FILE).read_text())
    trajectory = [Round(**found) for found in content.pop("trajectory")]
    return SearchState(**content, trajectory=trajectory) if len(content["mass"]) == count else None
