"""Groups of symmetry operations, and lists that only look like one."""

from __future__ import annotations

import gemmi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cif.operations import is_group

SETTINGS = list(gemmi.spacegroup_table())
settings_of_groups = st.integers(0, len(SETTINGS) - 1).map(SETTINGS.__getitem__)


def operations(group: gemmi.SpaceGroup) -> list[gemmi.Op]:
    return list(group.operations())


@pytest.mark.parametrize("start", range(20))
def test_every_tabulated_setting_is_a_group(start: int) -> None:
    assert all(is_group(set(operations(group))) for group in SETTINGS[start::20])


@given(settings_of_groups, st.integers(0, 191), st.integers(1, gemmi.Op.DEN - 1), st.integers(0, 2))
def test_one_wrong_translation_is_no_group(group: gemmi.SpaceGroup, which: int, by: int, axis: int) -> None:
    right = operations(group)
    if len(right) < 3:  # with two operations many a translation makes another group
        return
    wrong = gemmi.Op(right[which % len(right)].triplet())
    wrong.tran = [(t + by * (k == axis)) % gemmi.Op.DEN for k, t in enumerate(wrong.tran)]
    if wrong not in right:
        assert not is_group({*right[: which % len(right)], wrong, *right[which % len(right) + 1 :]})


@given(settings_of_groups, st.integers(0, 191))
def test_one_missing_operation_is_no_group(group: gemmi.SpaceGroup, which: int) -> None:
    right = operations(group)
    rest = {op for k, op in enumerate(right) if k != which % len(right)}
    assert not is_group(rest) or len(right) == 2, "only the identity alone may remain"


@pytest.mark.parametrize("texts", [["-x,-y,-z"], ["x,y,z", "x,x,x"], ["x,y,z", "x/2,y,z"], ["x,y,z", "2*x,y,z"]])
def test_what_is_no_group(texts: list[str]) -> None:
    assert not is_group({gemmi.Op(text) for text in texts})
