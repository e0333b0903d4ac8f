from __future__ import annotations

import dataclasses
import itertools
import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from data.errors import UserError
from pipeline.report.selectionplot import selection_trajectory
from pipeline.training.descriptor_selection import STATE_FILE, Selection, SelectionSettings, select

COLUMNS, PLANTED, FOUND = 200, 10, 9
SETTINGS = SelectionSettings(wanted=20, rounds=50, rows=700, test_rows=300, trees=12, patience=15)


@lru_cache(maxsize=4)
def planted(seed: int) -> tuple[np.ndarray, np.ndarray, list[str], set[int]]:
    """(rows, moment, systems, the ten columns that decide the moment), nine of ten columns being noise of their like."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(1500, COLUMNS)).astype(np.float32)
    true = rng.choice(COLUMNS, PLANTED, replace=False)
    weights = rng.uniform(0.6, 1.0, PLANTED) * rng.choice([-1, 1], PLANTED)
    moment = np.abs(rows[:, true] @ weights / 2 + 3 + 0.1 * rng.normal(size=1500))
    return rows, moment, [f"S{k // 3}" for k in range(1500)], set(true.tolist())


@lru_cache(maxsize=4)
def searched(seed: int) -> Selection:
    rows, moment, systems, _ = planted(seed)
    return select(rows, moment, systems, dataclasses.replace(SETTINGS, seed=seed))


@pytest.mark.parametrize("seed", [0, 1])
def test_planted_columns_are_found(seed: int) -> None:
    selection = searched(seed)
    assert len(selection.columns) == len(set(selection.columns)) == SETTINGS.wanted
    assert len(set(selection.columns) & planted(seed)[3]) >= FOUND


def test_a_lucky_draw_would_not_find_them() -> None:
    """The test above can fail: a tenth of the columns holds one planted column on average."""
    rng = np.random.default_rng(0)
    hits = [len(set(rng.choice(COLUMNS, SETTINGS.wanted, replace=False).tolist()) & planted(0)[3]) for _ in range(1000)]
    assert max(hits) < FOUND


class Stopped(Exception):
    """The plug is pulled."""


def test_an_interrupted_search_ends_like_any_other(tmp_path: Path) -> None:
    rows, moment, systems, _ = planted(0)
    few = dataclasses.replace(SETTINGS, rounds=5)
    whole = select(rows, moment, systems, few)
    left = 2

    def tick(n: int) -> None:
        nonlocal left
        left -= n
        if left == 0:
            raise Stopped

    with pytest.raises(Stopped):
        select(rows, moment, systems, few, tmp_path, tick)
    assert len(json.loads((tmp_path / STATE_FILE).read_text())["trajectory"]) == 2
    ticks: list[int] = []
    assert select(rows, moment, systems, few, tmp_path, ticks.append) == whole
    assert ticks == [2, 1, 1, 1], "finished rounds were made again"
    assert select(rows, moment, systems, dataclasses.replace(few, seed=9)) != whole


def test_few_columns_are_all_taken() -> None:
    rows, moment, systems, _ = planted(0)
    assert select(rows[:, :5], moment, systems, SETTINGS) == Selection((0, 1, 2, 3, 4), ())


def test_the_error_that_is_called_best_never_rises() -> None:
    trajectory = searched(0).trajectory
    best = [found.best for found in trajectory]
    assert all(later <= earlier for earlier, later in itertools.pairwise(best))
    assert all(later.pool >= earlier.pool for earlier, later in itertools.pairwise(trajectory))
    assert any(not found.accepted for found in trajectory)


def test_the_trajectory_is_drawn_alike_each_time() -> None:
    content = searched(0).to_json([f"column {k}" for k in range(COLUMNS)])
    drawing = selection_trajectory(json.loads(json.dumps(content)))
    assert drawing is not None and drawing == selection_trajectory(content)
    assert drawing.startswith("<svg") and "best so far" in drawing


def test_one_chemical_system_is_refused() -> None:
    """No forest can be tested on another one."""
    rows, moment, _, _ = planted(0)
    with pytest.raises(UserError, match="all training rows are of one"):
        select(rows, moment, ["Fe"] * len(rows), SETTINGS)
