"""One screen at a time writes to a folder, whatever home it has; a list of runs that holds something else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from data.errors import UserError
from data.store.artifact import write_json
from data.store.lock import Busy
from pipeline.screening.previous import list_runs
from pipeline.screening.run_folder import UNFINISHED_FILE, begin, claim_run, finish, writing
from pipeline.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from pathlib import Path
from pipeline.screening.run_folder import writing
with writing(Path(sys.argv[1]), "other"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_processes_do_not_write_to_one_folder(tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        with pytest.raises(Busy, match="another screen is writing to"), writing(tmp_path, "mine"):
            pass
        begin(tmp_path, "mine")
        with pytest.raises(Busy), writing(tmp_path, "mine"):
            pass
    finally:
        other.kill()
        other.wait()
    with writing(tmp_path, "mine"):  # the mark of a dead one stays, and its lock does not
        assert (tmp_path / UNFINISHED_FILE).is_file()
        finish(tmp_path)
    assert not (tmp_path / UNFINISHED_FILE).exists()


def test_the_next_release_is_the_same_question(tmp_path: Path) -> None:
    """A nightly screen writes to one folder."""
    source = "cif:mine, Materials Project 2026.10.1, known to the ICSD"
    write_json(tmp_path / "manifest.json", {"kind": "screen", "id": "x", "source": source, "profile": "explore"})
    claim_run(tmp_path, "cif:mine, Materials Project 2026.11.3, known to the ICSD", "explore", False, force=False)
    for other in ("Materials Project 2026.11.3, known to the ICSD", "cif:mine, Materials Project 2026.11.3"):
        with pytest.raises(UserError, match="holds run x"):
            claim_run(tmp_path, other, "explore", False, force=False)


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"id": "x"}', '{"id": 1, "folder": "y"}', ""])
def test_a_list_entry_that_is_none_is_the_users_to_delete(tmp_path: Path, content: str) -> None:
    where = Settings(home=tmp_path)
    where.runs.mkdir()
    (where.runs / "x.json").write_text(content)
    with pytest.raises(UserError, match=r"x\.json .*delete it"):
        list_runs(where)
