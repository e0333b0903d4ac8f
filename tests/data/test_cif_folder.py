"""CIF files as people keep them: folders, zips, odd encodings and names, and archives that mean harm."""

from __future__ import annotations

import gzip
import io
import os
import random
import time
import zipfile
from pathlib import Path

import pytest

from data.errors import UserError
from data.rejection import Rejection
from data.sources import Record
from data.sources.cif_folder import FILES_PER_SHARD, CifFolder
from data.sources.opening import candidate_source
from data.sources.parquet import Columns
from tests.data.cif_texts import cif_text

GOOD = cif_text()
DAMAGES = 400
MANY_MEMBERS = 5000
SECONDS_FOR_MANY = 15.0  # of one core; about one is needed, more than a hundred where each member opens the zip anew
SECRET = cif_text(sites="Au1 Au 0 0 0 1\n")  # gold that must not come out


def read(path: Path, **settings: float) -> list[Record | Rejection]:
    source = CifFolder(path, **settings)
    return [item for shard in source.shards() for item in source.read(shard)]


def told(items: list[Record | Rejection]) -> list[tuple[str, str]]:
    """(source file, formula or reason) of each item."""
    return [(i.source_file, i.reason.value if isinstance(i, Rejection) else i.crystal.formula) for i in items]


def ids(items: list[Record | Rejection]) -> list[str]:
    return [item.candidate_id if isinstance(item, Rejection) else item.crystal.id for item in items]


def zipped(members: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def test_one_file(tmp_path: Path) -> None:
    items = read(fill(tmp_path, {"a.cif": GOOD}) / "a.cif")
    assert told(items) == [("a.cif", "MnO")]
    assert ids(items) == ["a"]


def test_folders_and_zips_and_what_else_lies_there(tmp_path: Path) -> None:
    archive = zipped({"x/e.cif": GOOD, "f.CIF": GOOD, "g.txt": "no"})
    fill(tmp_path, {"b.cif": GOOD, "a.CIF": GOOD, "deep/er/c.mcif": GOOD, "deep/d.zip": archive})
    fill(tmp_path, {"notes.txt": "no", "x.cif.bak": "no", "cif": "no", "folder.cif/h.cif": GOOD})
    names = ["a.CIF", "b.cif", "deep/d.zip/f.CIF", "deep/d.zip/x/e.cif", "deep/er/c.mcif", "folder.cif/h.cif"]
    items = read(tmp_path)
    assert sorted(told(items)) == [(name, "MnO") for name in names]
    assert sorted(ids(items)) == ["a", "b", "deep/d.zip/f", "deep/d.zip/x/e", "deep/er/c", "folder.cif/h"]


def test_a_zip_by_itself(tmp_path: Path) -> None:
    fill(tmp_path, {"z.zip": zipped({"b.cif": GOOD, "a.cif": "x", "in/c.cif": GOOD})})
    assert told(read(tmp_path / "z.zip")) == [("z.zip/a.cif", "not_cif"), ("z.zip/b.cif", "MnO"), ("z.zip/in/c.cif", "MnO")]


@pytest.mark.parametrize("content", [b"", b"PK\x05\x06 not a zip", b"<html>", zipped({"a.cif": GOOD})[:-30]])
def test_a_broken_zip_costs_one_rejection(tmp_path: Path, content: bytes) -> None:
    fill(tmp_path, {"a.cif": GOOD, "b.zip": content, "c.cif": GOOD})
    assert told(read(tmp_path)) == [("a.cif", "MnO"), ("b.zip", "unreadable"), ("c.cif", "MnO")]


def test_a_zip_damaged_anywhere_spares_its_neighbours(tmp_path: Path) -> None:
    sound = zipped({f"é{k}.cif": GOOD * 3 for k in range(3)})
    rng = random.Random(0)
    refused = 0
    for _ in range(DAMAGES):
        spoilt = bytearray(sound)
        spoilt[rng.randrange(len(spoilt))] = rng.randrange(256)
        fill(tmp_path, {"a.cif": GOOD, "b.zip": bytes(spoilt), "c.cif": GOOD})
        items = told(read(tmp_path))
        assert items[0] == ("a.cif", "MnO") and items[-1] == ("c.cif", "MnO")
        assert len(items) >= 3 or spoilt.count(b".cif") < 6, "a zip vanished"
        refused += any(what == "unreadable" for _, what in items)
    assert refused > DAMAGES / 10


def test_an_encrypted_member(tmp_path: Path) -> None:
    content = bytearray(zipped({"a.cif": GOOD}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    assert told(read(fill(tmp_path, {"z.zip": bytes(content)}))) == [("z.zip/a.cif", "unreadable")]


@pytest.mark.parametrize("name", ["../evil.cif", "x/../../evil.cif", "/evil.cif", "//evil.cif", ".."])
def test_members_that_lead_out(tmp_path: Path, name: str) -> None:
    member = name if name.endswith(".cif") else "../.cif"
    items = read(fill(tmp_path / "in", {"z.zip": zipped({member: GOOD, "ok.cif": GOOD})}))
    assert sorted(what for _, what in told(items)) == ["MnO", "unsafe_name"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"], "something was unpacked"


def test_members_that_only_look_dangerous(tmp_path: Path) -> None:
    items = read(fill(tmp_path, {"z.zip": zipped({"a..cif": GOOD, "..b.cif": GOOD})}))
    assert [what for _, what in told(items)] == ["MnO", "MnO"]


def test_files_and_members_above_the_limit(tmp_path: Path) -> None:
    large = GOOD + "#" * 2**20
    fill(tmp_path, {"a.cif": large, "b.cif": GOOD, "z.zip": zipped({"c.cif": large, "d.cif": GOOD})})
    items = told(read(tmp_path, max_file_mb=1.0))
    assert items == [("a.cif", "too_large"), ("b.cif", "MnO"), ("z.zip/c.cif", "too_large"), ("z.zip/d.cif", "MnO")]
    assert all(what == "MnO" for _, what in told(read(tmp_path, max_file_mb=2.0)))


def test_a_file_exactly_as_large_as_allowed(tmp_path: Path) -> None:
    fill(tmp_path, {"a.cif": (GOOD + "#" * 2**20)[: 2**20]})
    assert told(read(tmp_path, max_file_mb=1.0)) == [("a.cif", "MnO")]
    assert told(read(tmp_path, max_file_mb=1.0 - 2**-20)) == [("a.cif", "too_large")]


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = fill(tmp_path / "outside", {"gold.cif": SECRET, "gold.zip": zipped({"gold.cif": SECRET}), "deep/gold.cif": SECRET})
    folder = fill(tmp_path / "in", {"a.cif": GOOD})
    (folder / "file.cif").symlink_to(outside / "gold.cif")
    (folder / "pack.zip").symlink_to(outside / "gold.zip")
    (folder / "folder").symlink_to(outside / "deep")
    (folder / "inside.cif").symlink_to(folder / "a.cif")
    (folder / "dangling.cif").symlink_to(tmp_path / "nowhere")
    (folder / "lost.cif").symlink_to(folder / "nowhere")
    assert CifFolder(folder).identity()  # a link to nothing has one, too
    found = told(read(folder))
    assert found[0] == ("a.cif", "MnO")
    assert ("file.cif", "unsafe_name") in found
    assert ("dangling.cif", "unsafe_name") in found
    assert ("lost.cif", "unreadable") in found
    assert ("inside.cif", "MnO") in found
    assert ("pack.zip/gold.cif", "unsafe_name") in found
    assert "Au" not in [what for _, what in found]


def test_a_link_that_the_user_names_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "store", {"a.cif": GOOD})
    here = tmp_path / "here"
    here.mkdir()
    (here / "link.cif").symlink_to(tmp_path / "store" / "a.cif")
    (here / "linked").symlink_to(tmp_path / "store")
    assert told(read(here / "link.cif")) == [("link.cif", "MnO")]
    assert told(read(here / "linked")) == [("a.cif", "MnO")]


@pytest.mark.parametrize("files", [{}, {"notes.txt": "no"}, {"z.zip": zipped({"notes.txt": "no"})}])
def test_nothing_to_read(tmp_path: Path, files: dict[str, str | bytes]) -> None:
    source = CifFolder(fill(tmp_path, files))
    for ask in (source.identity, lambda: list(source.shards())):
        with pytest.raises(UserError, match="no file with crystals"):
            ask()


def test_a_missing_path(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        list(CifFolder(tmp_path / "absent").shards())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "cp1252"])
def test_encodings_of_authors_names(tmp_path: Path, encoding: str) -> None:
    text = cif_text(extra="_database_code_ICSD 'Müller é'\n")
    items = read(fill(tmp_path, {"a.cif": text.encode(encoding), "z.zip": zipped({"b.cif": text.encode(encoding)})}))
    assert ids(items) == ["Müller é"] * 2


def test_big_endian_and_broken_utf16(tmp_path: Path) -> None:
    fill(tmp_path, {"a.cif": b"\xfe\xff" + GOOD.encode("utf-16-be"), "b.cif": b"\xff\xfe\x00", "c.cif": b"\xff\xfe\x00\xd8"})
    assert [what for _, what in told(read(tmp_path))] == ["MnO", "not_cif", "not_cif"]


@pytest.mark.parametrize("stem", ["a\x01b", "a\nb", "a\x1b[31mb", "a\u202eb", "[Cd][nan]3", "-rf", "=1+1", "é", "a.b"])
def test_odd_names_are_kept_as_they_are(tmp_path: Path, stem: str) -> None:
    items = read(fill(tmp_path, {f"{stem}.cif": GOOD}))
    assert told(items) == [(f"{stem}.cif", "MnO")]
    assert ids(items) == [stem]


def test_a_name_that_is_no_utf8_can_still_be_written_to_a_table(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(bytes(tmp_path) + b"/M\xfcller.cif")).write_text(GOOD)
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    items = read(tmp_path)
    assert [what for _, what in told(items)] == ["MnO"]
    for text in (items[0].source_file, *ids(items)):
        assert text.encode("utf-8").startswith(b"M")


def test_two_files_with_one_stem_stay_apart(tmp_path: Path) -> None:
    items = read(fill(tmp_path, {"x/a.cif": GOOD, "y/a.cif": GOOD, "z.zip": zipped({"a.cif": GOOD})}))
    assert told(items) == [("x/a.cif", "MnO"), ("y/a.cif", "MnO"), ("z.zip/a.cif", "MnO")]
    assert ids(items) == ["x/a", "y/a", "z.zip/a"]


def test_many_files_come_in_parts(tmp_path: Path) -> None:
    names = [f"{k:04d}.cif" for k in range(FILES_PER_SHARD + 3)]
    source = CifFolder(fill(tmp_path, {"z.zip": zipped(dict.fromkeys(names, GOOD))}))
    shards = list(source.shards())
    assert [shard.size for shard in shards] == [FILES_PER_SHARD, 3]
    items = [item for shard in shards for item in source.read(shard)]
    assert [item.source_file for item in items] == [f"z.zip/{name}" for name in names]


def test_a_large_zip_is_not_listed_again_for_each_member(tmp_path: Path) -> None:
    names = [f"{k:05d}.cif" for k in range(MANY_MEMBERS)]
    fill(tmp_path, {"z.zip": zipped(dict.fromkeys(names, ""))})
    start = time.process_time()
    assert len(read(tmp_path)) == MANY_MEMBERS
    assert time.process_time() - start < SECONDS_FOR_MANY


def test_a_file_that_vanishes_costs_one_rejection(tmp_path: Path) -> None:
    source = CifFolder(fill(tmp_path, {"a.cif": GOOD, "b.cif": GOOD}))
    (shard,) = source.shards()
    (tmp_path / "a.cif").unlink()
    assert told(list(source.read(shard))) == [("a.cif", "unreadable"), ("b.cif", "MnO")]


def test_identity_follows_names_sizes_and_times(tmp_path: Path) -> None:
    fill(tmp_path, {"a.cif": GOOD})
    seen = [CifFolder(tmp_path).identity()]
    assert CifFolder(tmp_path).identity() == seen[0]
    fill(tmp_path, {"b.cif": GOOD})
    seen.append(CifFolder(tmp_path).identity())
    (tmp_path / "b.cif").rename(tmp_path / "c.cif")
    seen.append(CifFolder(tmp_path).identity())
    os.utime(tmp_path / "c.cif", ns=(1, 1))
    seen.append(CifFolder(tmp_path).identity())
    seen.append(CifFolder(tmp_path, max_file_mb=3.0).identity())
    assert len(set(seen)) == len(seen)


def test_the_folder_one_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("a.cif", "deep/b.cif"):
        (tmp_path / name).write_text("data_x\n")
    monkeypatch.chdir(tmp_path)
    source = CifFolder(Path())
    assert [entry.name for shard in source.shards() for entry in shard.part] == ["a.cif", "deep/b.cif"]


def test_a_link_in_a_circle_stops_nobody(tmp_path: Path) -> None:
    folder = fill(tmp_path, {"a.cif": GOOD})
    (folder / "self.cif").symlink_to("self.cif")
    (folder / "up").symlink_to("..")
    assert told(read(folder)) == [("a.cif", "MnO"), ("self.cif", "unreadable")]
    assert CifFolder(folder).identity() == CifFolder(folder).identity()


@pytest.mark.parametrize("name", ["x" * 300 + ".cif", "a\0b.cif", "~nobody-of-this-name/a.cif", "a.cif/b.cif", "self.cif"])
def test_a_name_that_no_file_can_have_does_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(fill(tmp_path, {"a.cif": GOOD}))
    Path("self.cif").symlink_to("self.cif")
    with pytest.raises(UserError, match="does not exist"):
        candidate_source([Path(name)], Columns())


def test_packed_or_not_is_said_by_the_content(tmp_path: Path) -> None:
    """Browsers unpack a file and keep its name."""
    packed = gzip.compress(GOOD.encode())
    archive = zipped({"c.cif.gz": GOOD, "d.cif": packed})
    folder = fill(tmp_path, {"a.cif": packed, "b.cif.gz": GOOD, "z.zip": archive})
    assert {formula for _, formula in told(read(folder))} == {"MnO"} and len(read(folder)) == 4


def test_what_macos_keeps_beside_a_file_is_no_candidate(tmp_path: Path) -> None:
    archive = zipped({"a.cif": GOOD, "__MACOSX/._a.cif": b"\0\5\x16\7", "in/._b.cif": b"\0\5\x16\7"})
    folder = fill(tmp_path, {"z.zip": archive, "b.cif": GOOD, "._b.cif": b"\0\5\x16\7"})
    assert told(read(folder)) == [("b.cif", "MnO"), ("z.zip/a.cif", "MnO")]
    assert CifFolder(folder).ignored() == 1


def test_zips_in_zips_are_counted_as_ignored(tmp_path: Path) -> None:
    inner = zipped({"x.cif": GOOD})
    folder = fill(tmp_path, {"z.zip": zipped({"a.cif": GOOD, "in/inner.zip": inner, "in/readme.txt": "x"})})
    assert len(read(folder)) == 1
    assert CifFolder(folder).ignored() == CifFolder(folder / "z.zip").ignored() == 1
