"""Columns and keys of older releases, read by this one."""

from __future__ import annotations

import pandas as pd
import pytest

from pipeline.old_names import COLUMNS, METRICS, RUN_KEYS, TRAINING_SETTINGS, with_current_columns, with_current_keys


def test_an_old_table_gets_the_columns_of_this_release_and_keeps_its_values() -> None:
    old = pd.DataFrame({"formula": ["Fe", "O2"], "set_aside": ["", "rare"], "p_large": [0.9, 0.1], "unfamiliar": [0.2, 1.4]})
    new = with_current_columns(old)
    assert list(new) == ["formula", "exclusion_reason", "p_moment_above_1", "ood_score"]
    assert new.to_numpy().tolist() == old.to_numpy().tolist()
    pd.testing.assert_frame_equal(with_current_columns(new), new)


def test_a_column_of_this_release_is_never_doubled() -> None:
    both = pd.DataFrame({"unfamiliar": ["of the user"], "ood_score": [0.5]})
    assert list(with_current_columns(both)) == ["unfamiliar", "ood_score"]


@pytest.mark.parametrize("names", [RUN_KEYS, TRAINING_SETTINGS, METRICS])
def test_old_keys_become_those_of_this_release(names: dict[str, str]) -> None:
    found = with_current_keys({**dict.fromkeys(names, 3), "id": "x"}, names)
    assert found == {**dict.fromkeys(names.values(), 3), "id": "x"}
    assert with_current_keys(found, names) == found


def test_no_old_name_is_a_current_one() -> None:
    for names in (COLUMNS, RUN_KEYS, TRAINING_SETTINGS):
        assert not set(names) & set(names.values())
