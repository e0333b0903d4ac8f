"""Space-group symbols with signs of typesetting: none of these may turn a group into a smaller one."""

from __future__ import annotations

import re
from collections.abc import Callable

import gemmi
import pytest

from data.cif.reader import read_cif
from data.cif.settings import settings_of_symbol
from data.crystal import Crystal
from data.rejection import Rejection
from tests.data.cif_texts import cell_text, cif_text

INVERSION, SCREW = re.compile(r"-(\d)"), re.compile(r"(?<= )([2346])([12345])(?=$|/| )")
SPELLINGS: list[Callable[[str], str]] = [
    lambda symbol: INVERSION.sub("\\1\u0305", symbol), lambda symbol: INVERSION.sub("\\1\u0304", symbol),
    lambda symbol: INVERSION.sub("\u00af\\1", symbol), lambda symbol: INVERSION.sub("\u203e\\1", symbol),
    lambda symbol: INVERSION.sub(r"\\bar{\1}", symbol), lambda symbol: SCREW.sub(r"\1_{\2}", symbol),
    lambda symbol: SCREW.sub(r"\1<sub>\2</sub>", symbol),
]  # fmt: skip


@pytest.mark.parametrize("spelt", SPELLINGS)
@pytest.mark.parametrize("blanks", [True, False])
def test_every_setting_with_overlines_and_subscripts(spelt: Callable[[str], str], blanks: bool) -> None:
    for group in gemmi.spacegroup_table():
        written = spelt(group.hm) if blanks else spelt(group.hm).replace(" ", "")
        plain = group.hm if blanks else group.hm.replace(" ", "")
        assert settings_of_symbol(written) == settings_of_symbol(plain), written


@pytest.mark.parametrize("symbol", ["R3\u0305m", "R 3\u0304 m", "R\u00af3m", "R\\bar{3}m (166)", "R-3m", "R -3 m (166)"])
def test_a_bare_or_quoted_symbol_of_a_file(symbol: str) -> None:
    cell = cell_text(3, 3, 12, gamma=120)
    for name in {f"'{symbol}'", symbol if " " not in symbol else f'"{symbol}"'}:
        text = cif_text(cell=cell, symmetry=f"_symmetry_space_group_name_H-M {name}\n", sites="Fe1 Fe 0 0 0.2 1\n")
        (found,) = read_cif(text, "f", "f")
        assert isinstance(found, Crystal) and found.n_sites == 6, found


def test_a_number_in_brackets_is_no_origin() -> None:
    for group in gemmi.spacegroup_table_itb():
        if group.number > 9:
            assert settings_of_symbol(f"{group.hm} ({group.number})")[1] == settings_of_symbol(group.hm)[1]
    assert [g.ext for g in settings_of_symbol("F d -3 m (2)")[0]] == ["2"]


def test_other_brackets_are_not_understood() -> None:
    (found,) = read_cif(cif_text(symmetry="_symmetry_space_group_name_H-M 'P m -3 m {2}_{3}'\n"), "f", "f")
    assert isinstance(found, Rejection)
