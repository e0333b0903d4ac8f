"""Files made to cost time or memory: each ends within seconds, and nothing endless gets into a table."""

from __future__ import annotations

import time
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from data.cif.reader import MAX_NAME, read_cif
from data.crystal import Crystal
from data.rejection import Reason, Rejection
from data.sources import Record
from data.sources.cif_folder import CifFolder
from tests.data.cif_texts import cif_text

SECONDS = 20.0  # ten times what they take on one slow core
MANY = 300_000
SHORT = 30_000_000  # bytes of Python's own memory for a file of some MB that is turned away

BAIT = f"T{'1' * 3_000_000} T{'1' * 3_000_000}x 0 0 0 1\n"
SITES = "".join(f"Mn{k} Mn {k % 997 / 997:.3f} {k % 991 / 991:.3f} 0 1\n" for k in range(MANY))
HOSTILE: dict[str, tuple[str, Reason | None]] = {
    "atom rows": (cif_text(sites=SITES), Reason.TOO_LARGE),
    "equal operations": (cif_text(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\n" + "x,y,z\n" * MANY), None),
    "different operations": (
        cif_text(symmetry="loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"x+{k}/24,y,z\n" for k in range(MANY))),
        Reason.UNKNOWN_SYMMETRY,
    ),
    "one long line": (cif_text() + "# " + "x" * 5_000_000, None),
    "one long value": (cif_text() + "_x '" + "y" * 5_000_000 + "'\n", None),
    "a long formula": (cif_text(extra="_chemical_formula_sum '" + "Mn1 " * 1_000_000 + "'\n"), None),
    "a formula of one word": (cif_text(extra="_chemical_formula_sum '" + "A" * 5_000_000 + "'\n"), None),
    "bait for the pattern of tritium": (
        cif_text(sites=f"T{'1' * 3_000_000} T{'1' * 3_000_000}x 0 0 0 1\n"),
        Reason.UNKNOWN_ELEMENT,
    ),
    "a symbol of blanks": (
        cif_text(symmetry=f"_symmetry_space_group_name_H-M 'F m 3{' ' * 200_000}m'\n"),
        None,
    ),
    "a formula of blanks": (cif_text(extra=f"_chemical_formula_sum 'Mn1{' ' * 200_000}O1'\n"), None),
    "a block's name without end": ("data_" * 1_000_000, Reason.NO_SITES),
    "a code without end": (cif_text(extra=f"_database_code_ICSD '{'4' * 1_000_000}'\n"), None),
    "NUL": (cif_text().replace("Mn", "M\0n"), Reason.NOT_CIF),
    "white space": (cif_text() + " " * 5_000_000 + "\n" * 3_000_000, None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_ends_soon_and_says_little(name: str) -> None:
    text, reason = HOSTILE[name]
    start = time.monotonic()
    (item,) = read_cif(text, "file.cif", "file")
    assert time.monotonic() - start < SECONDS
    if reason is None:
        assert isinstance(item, Crystal)
        assert len(item.id) <= MAX_NAME
    else:
        assert isinstance(item, Rejection) and item.reason is reason
        assert all(len(word) <= 2 * MAX_NAME for word in (item.candidate_id, item.block, item.detail))


@pytest.mark.parametrize("broken", ["", "_a\n"], ids=["sound", "broken"])
def test_many_blocks_take_time_in_proportion(broken: str) -> None:
    """A reader that looks through the whole file for each block would take minutes."""
    start = time.monotonic()
    items = list(read_cif("".join(f"data_{k}\n{broken}" for k in range(30_000)), "file.cif", "file"))
    assert time.monotonic() - start < SECONDS
    assert len(items) == (30_000 if broken else 1)


def test_a_zip_bomb_is_read_no_further_than_the_limit(tmp_path: Path) -> None:
    """300 MB of zeros are 300 kB in the archive; a member is read up to the limit and not to its end."""
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb.cif", cif_text() + "#" + "0" * 300_000_000)
        archive.writestr("good.cif", cif_text())
    source = CifFolder(tmp_path, max_file_mb=5)
    (shard,) = source.shards()
    tracemalloc.start()
    bomb, good = source.read(shard)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(bomb, Rejection) and bomb.reason is Reason.TOO_LARGE
    assert isinstance(good, Record)
    assert peak < SHORT


def test_a_zip_of_very_many_members(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "many.zip", "w") as archive:
        for k in range(20_000):
            archive.writestr(f"{k}.cif", "")
    source = CifFolder(tmp_path)
    start = time.monotonic()
    shards = list(source.shards())
    assert sum(shard.size for shard in shards) == 20_000
    assert all(isinstance(item, Rejection) for item in source.read(shards[-1]))
    assert time.monotonic() - start < SECONDS
