"""Symmetry operations as they are written, groups of them, and lists that only look like one."""

from __future__ import annotations

import gemmi
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.cif.operations import Operation, OperationError, group_of, is_group, parse_operation
from data.cif.settings import operations_of_setting

SETTINGS = list(gemmi.spacegroup_table())
settings_of_groups = st.integers(0, len(SETTINGS) - 1).map(SETTINGS.__getitem__)
TWELFTHS = 12


def sorted_operations(group: gemmi.SpaceGroup) -> list[Operation]:
    return sorted(operations_of_setting(group), key=lambda op: (op.translation, op.rotation))


@pytest.mark.parametrize("start", range(20))
def test_every_tabulated_setting_is_a_group(start: int) -> None:
    assert all(is_group(operations_of_setting(group)) for group in SETTINGS[start::20])


@given(settings_of_groups, st.integers(0, 191), st.integers(1, TWELFTHS - 1), st.integers(0, 2))
def test_one_wrong_translation_is_no_group(group: gemmi.SpaceGroup, which: int, by: int, axis: int) -> None:
    right = sorted_operations(group)
    if len(right) < 3:  # with two operations many a translation makes another group
        return
    spoilt = right[which % len(right)]
    translation = [(round(t * 24) + 2 * by * (k == axis)) % 24 / 24 for k, t in enumerate(spoilt.translation)]
    wrong = Operation(spoilt.rotation, (translation[0], translation[1], translation[2]))
    if wrong not in right:
        assert not is_group(frozenset({*right, wrong} - {spoilt}))


@given(settings_of_groups, st.integers(0, 191))
def test_one_missing_operation_is_no_group(group: gemmi.SpaceGroup, which: int) -> None:
    right = sorted_operations(group)
    rest = frozenset(op for k, op in enumerate(right) if k != which % len(right))
    assert not is_group(rest) or len(right) == 2, "only the identity alone may remain"


@pytest.mark.parametrize("texts", [["-x,-y,-z"], ["x,y,z", "x+1/7,y,z"], ["x,y,z", "-y,x,z"], ["x,y,z", "-x,-x/2+y,z"]])
def test_what_is_no_group(texts: list[str]) -> None:
    assert not is_group(frozenset(map(parse_operation, texts)))


@given(settings_of_groups)
def test_operations_are_read_as_gemmi_reads_them(group: gemmi.SpaceGroup) -> None:
    for op in group.operations():
        found = parse_operation(op.triplet())
        np.testing.assert_allclose(np.reshape(found.rotation, (3, 3)), np.array(op.rot) / gemmi.Op.DEN)
        np.testing.assert_allclose(found.translation, np.array(op.tran) / gemmi.Op.DEN % 1.0)


@pytest.mark.parametrize(
    ("text", "rotation", "translation"),
    [
        ("-x,-2x+y,z", [[-1, 0, 0], [-2, 1, 0], [0, 0, 1]], [0, 0, 0]),
        ("-x, -2*x+y, z,-1", [[-1, 0, 0], [-2, 1, 0], [0, 0, 1]], [0, 0, 0]),
        ("x/2+y/2,3/2x-1/2y,z", [[0.5, 0.5, 0], [1.5, -0.5, 0], [0, 0, 1]], [0, 0, 0]),
        ("0.5*x-.5y, -1.5x-y/2, -z", [[0.5, -0.5, 0], [-1.5, -0.5, 0], [0, 0, -1]], [0, 0, 0]),
        ("1/2+X, Y-1/4, 0.333-Z", [[1, 0, 0], [0, 1, 0], [0, 0, -1]], [0.5, 0.75, 1 / 3]),
        ("x+29/40,y+1/7,z+0.6667", np.eye(3), [29 / 40, 1 / 7, 2 / 3]),
        ("+x,+y,+z+3/2", np.eye(3), [0, 0, 0.5]),
    ],
)
def test_factors_and_spellings(text: str, rotation: list[list[float]], translation: list[float]) -> None:
    found = parse_operation(text)
    np.testing.assert_allclose(np.reshape(found.rotation, (3, 3)), rotation)
    np.testing.assert_allclose(found.translation, translation)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "?",
        "x,y",
        "x y z",
        "x,y,banana",
        "x,y,z+1/0",
        "x,y,z+0.1234",
        "x,x,x",
        "2x,y,z",
        "(x-y)/2,y,z",
        "x,y,z,u",
        "h,k,l",
        "x,y,zz",
        "x,,z",
    ],
)
def test_what_cannot_be_read_is_quoted(text: str) -> None:
    with pytest.raises(OperationError) as caught:
        parse_operation(text)
    assert repr(text) in str(caught.value)


def test_half_factors_need_their_centring_translation() -> None:
    """The three-fold axis of a hexagonal lattice in an orthohexagonal cell."""
    turns = ["x,y,z", "-x/2-y/2,3/2*x-y/2,z", "-x/2+y/2,-3/2*x-y/2,z"]
    with pytest.raises(OperationError, match="no group"):
        group_of(tuple(turns))
    shifted = ["x+1/2,y+1/2,z", "-x/2-y/2+1/2,3/2*x-y/2+1/2,z", "-x/2+y/2+1/2,-3/2*x-y/2+1/2,z"]
    assert len(group_of((*turns, *shifted))) == 6
