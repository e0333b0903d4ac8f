"""The table of columns, from which the documentation is generated, holds for a real ranking."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from pipeline.ops.progress import Quiet
from pipeline.registry.ensemble import Ensemble
from pipeline.report.columns import PANEL, TABLE
from pipeline.screening.columns import (
    COLUMNS,
    EXPERIMENT,
    EXPLAINED,
    FAMILY_DISAGREEMENT,
    KNOWN_MOMENT,
    MEMBER_PREFIX,
    RANKING,
)
from pipeline.screening.screen import screen
from pipeline.settings import Settings


@pytest.fixture
def ranking(cif_folder: Path, where: Settings, ensemble: Ensemble, tmp_path: Path) -> pd.DataFrame:
    done = screen(candidate_source([cif_folder], Columns()), ensemble, tmp_path / "out", where, Quiet())
    return pd.read_parquet(done.folder / "ranking.parquet")


def test_a_ranking_has_these_columns_and_no_others(ranking: pd.DataFrame, ensemble: Ensemble) -> None:
    members = [MEMBER_PREFIX + name for name in (x["name"] for x in ensemble.manifest["members"])]
    families = {x["family"] for x in ensemble.manifest["members"]}
    assert [c for c in ranking.columns if not c.startswith(MEMBER_PREFIX) and c != KNOWN_MOMENT.name] == [
        *COLUMNS,
        *(column.name for column in EXPERIMENT),
        *([FAMILY_DISAGREEMENT.name] if len(families) > 1 else []),
    ]
    assert sorted(c for c in ranking.columns if c.startswith(MEMBER_PREFIX)) == sorted(members)


def test_each_column_is_explained_once() -> None:
    assert len({column.name for column in EXPLAINED}) == len(EXPLAINED)
    assert all(column.meaning.endswith(".") for column in EXPLAINED)


def test_numbers_with_a_unit_are_numbers(ranking: pd.DataFrame) -> None:
    for column in RANKING:
        if column.unit:
            assert pd.api.types.is_float_dtype(ranking[column.name]), column.name


def test_the_report_states_the_same_units() -> None:
    units = {column.name: column.unit for column in EXPLAINED}
    shown = [column for column in (*TABLE, *PANEL) if column.key in units and column.unit != "HHI"]
    assert shown
    assert [(c.key, c.unit) for c in shown] == [(c.key, units[c.key]) for c in shown]
