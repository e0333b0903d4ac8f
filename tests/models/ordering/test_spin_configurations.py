"""All configurations of a few spins."""

import pytest

from models.ordering.spin_configurations import spin_configurations


@pytest.mark.parametrize("n", [2, 5, 8])
def test_configurations_come_once_up_to_time_reversal(n: int) -> None:
    rows = {tuple(row) for row in spin_configurations(n).tolist()}
    assert len(rows) == 2 ** (n - 1) and all(row[0] == 1 for row in rows)
    assert spin_configurations(n)[0].tolist() == [1] * n


def test_a_single_spin_has_one() -> None:
    assert spin_configurations(1).tolist() == [[1]]
