"""Files are whole or absent: under SIGKILL, on a full disk, in a folder that is none."""

from __future__ import annotations

import json
import math
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.errors import UserError
from data.store.artifact import building, file_hash, make_folder, publish, text_hash, write_bytes, write_json

REPOSITORY = Path(__file__).resolve().parents[2]
KILLS = 12
CONTENT_BYTES = 4_000_000
REWRITE_FOREVER = f"""
import sys
from pathlib import Path
from data.store.artifact import write_bytes
path = Path(sys.argv[1])
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        write_bytes(path, letter * {CONTENT_BYTES})
"""
WRITE_TOO_MUCH = """
import resource, signal, sys
from pathlib import Path
from data.store.artifact import write_bytes
from data.errors import UserError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_bytes(Path(sys.argv[1]), b"n" * 100000)
except UserError as fault:
    sys.exit(2 if "cannot write" in str(fault) else 3)
"""


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB; skipped where mounting is not permitted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    try:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no mount command")
    if mounted.returncode:
        pytest.skip("mounting a small disk is not permitted")
    yield disk
    subprocess.run(["umount", disk], check=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    for content in (b"old", b"", b"new\x00"):
        write_bytes(tmp_path / "a", content)
        assert (tmp_path / "a").read_bytes() == content
    assert names(tmp_path) == ["a"]


def test_a_killed_writer_leaves_the_old_or_the_new_content(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_bytes(path, b"a" * CONTENT_BYTES)
    wait = random.Random(0)
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", REWRITE_FOREVER, path], cwd=REPOSITORY, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None and child.stdout.readline() == b"ready\n"
            time.sleep(wait.uniform(0.0, 0.05))
            child.send_signal(signal.SIGKILL)
            assert child.wait() == -signal.SIGKILL
        content = path.read_bytes()
        assert len(content) == CONTENT_BYTES and content in (b"a" * CONTENT_BYTES, b"b" * CONTENT_BYTES)


def test_a_file_that_may_not_grow_leaves_the_old_one(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    child = subprocess.run([sys.executable, "-c", WRITE_TOO_MUCH, tmp_path / "a"], cwd=REPOSITORY, check=False)
    assert child.returncode == 2, "no UserError"
    assert (tmp_path / "a").read_bytes() == b"old"
    assert names(tmp_path) == ["a"]
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1000, "the limit is the child's own"


def test_a_full_disk_leaves_the_old_file(tiny_disk: Path) -> None:
    write_bytes(tiny_disk / "a", b"old")
    with pytest.raises(UserError, match="No space left"):
        write_bytes(tiny_disk / "a", b"n" * 1_000_000)
    assert (tiny_disk / "a").read_bytes() == b"old"
    assert names(tiny_disk) == ["a"]


def test_a_disk_that_fills_up_while_building_is_the_users_to_empty(tiny_disk: Path) -> None:
    with pytest.raises(UserError, match="No space left"), building(tiny_disk / "root") as folder:
        (folder / "a").write_bytes(b"n" * 1_000_000)
    assert names(tiny_disk / "root") == []


@pytest.mark.parametrize("where", ["file/a", "absent/a", "folder", "n" * 250, "n" * 300])
def test_what_cannot_be_written_is_told_to_the_user(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(UserError, match="cannot write"):
        write_bytes(tmp_path / where, b"x")
    assert names(tmp_path) == ["file", "folder"]
    assert names(tmp_path / "folder") == []


def test_a_failure_of_any_kind_leaves_no_litter(tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        write_bytes(tmp_path / "a", "text")  # type: ignore[arg-type]
    assert names(tmp_path) == []


def test_json_is_strict_and_keeps_its_letters(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"µB": [1, None, "\u2028</script>"]})
    assert json.loads((tmp_path / "a.json").read_bytes()) == {"µB": [1, None, "\u2028</script>"]}
    with pytest.raises(ValueError, match="not JSON"):
        write_json(tmp_path / "a.json", math.nan)
    assert json.loads((tmp_path / "a.json").read_bytes())["µB"][0] == 1


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot create the folder"):
            make_folder(path)
        with pytest.raises(UserError, match="cannot create the folder"), building(path):
            pytest.fail("the folder was taken")


def build_and_fail(root: Path, fault: BaseException) -> None:
    with building(root) as folder:
        (folder / "a").write_text("x")
        raise fault


def test_building_is_gone_after_an_error_and_errors_pass(tmp_path: Path) -> None:
    for fault in (RuntimeError("x"), KeyboardInterrupt(), FileNotFoundError("x")):
        with pytest.raises(type(fault)):
            build_and_fail(tmp_path, fault)
    assert names(tmp_path) == []


def test_publish_keeps_what_is_there_already(tmp_path: Path) -> None:
    for content, published in (("first", True), ("second", False)):
        with building(tmp_path) as folder:
            (folder / "a").write_text(content)
            assert publish(folder, tmp_path / "final") is published
    assert (tmp_path / "final" / "a").read_text() == "first"
    assert names(tmp_path) == ["final"]


def test_hashes_tell_files_and_borders_apart(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert file_hash(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len({text_hash("ab", "c"), text_hash("a", "bc"), text_hash("abc"), text_hash("a", "b", "c"), text_hash()}) == 5


def test_others_may_read_what_is_published_as_far_as_the_umask_lets_them(tmp_path: Path) -> None:
    """A home that a group shares: a folder that only its maker can enter is no artefact to the others, without a word."""
    with building(tmp_path / "models") as folder:
        (folder / "model.json").write_text("{}")
        publish(folder, tmp_path / "models" / "abc")
    (tmp_path / "other").mkdir()
    made, other = ((tmp_path / name).stat().st_mode for name in ("models/abc", "other"))
    assert made == other
