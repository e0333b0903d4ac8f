"""Which CIF texts count as entries of ICSD: by whole tags, whatever stands around them."""

from __future__ import annotations

from pathlib import Path

import pytest

from data.cif.licence import is_icsd_text
from data.rejection import Rejection
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from tests.data.cif_texts import cif_text


@pytest.mark.parametrize(
    "line",
    [
        "_database_code_ICSD 12345", "_database_code_ICSD    '12345'", "_DATABASE_CODE_icsd 12345", "_database_code_ICSD\n12345",
        "  _database_code_ICSD 12345", "_database_code.ICSD 12345", "loop_\n_database_code_ICSD\n12345",
        "_database_code_ICSD 'ICSD 12345'",
    ],
)  # fmt: skip
def test_entries_of_icsd(line: str) -> None:
    assert is_icsd_text(cif_text(extra=f"{line}\n"))


def test_its_block_names_are_enough() -> None:
    assert is_icsd_text(cif_text("12345-ICSD"))


@pytest.mark.parametrize(
    "line",
    [
        "_atomic_positions_source_database_code_ICSD 12345", "_cod_database_code_ICSD 12345", "_database_code_ICSD ?",
        "_database_code_ICSD .", "_database_code_ICSD_note 12345", "_database_code_COD 12345", "# _database_code_ICSD 12345",
        "_publ_section_comment 'see _database_code_ICSD 12345'",
    ],
)  # fmt: skip
def test_others(line: str) -> None:
    assert not is_icsd_text(cif_text(extra=f"{line}\n"))


def test_each_crystal_for_itself(tmp_path: Path) -> None:
    (tmp_path / "mine.cif").write_text(cif_text(extra="_atomic_positions_source_database_code_ICSD 5258\n"))
    (tmp_path / "theirs.cif").write_text(cif_text(extra="_database_code_ICSD 5258\n"))
    (tmp_path / "broken.cif").write_text(cif_text(cell=""))
    (tmp_path / "broken_theirs.cif").write_text(cif_text(extra="_database_code_ICSD 5259\n", cell=""))
    source = candidate_source([tmp_path], Columns())
    items = [item for shard in source.shards() for item in source.read(shard)]
    names = [item.candidate_id if isinstance(item, Rejection) else item.crystal.id for item in items]
    assert dict(zip(names, (item.licensed for item in items), strict=True)) == {
        "mine": False, "5258": True, "broken": False, "5259": True,
    }  # fmt: skip
