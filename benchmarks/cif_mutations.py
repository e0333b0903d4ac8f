"""Spoilt CIF files: a corpus of small ones, changed at random by everything that a disk, an editor or an enemy does to a file."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path

LARGEST = 200_000  # bytes of a mutant
CHANGES_A_FILE = (1, 1, 1, 2, 3, 5)  # mostly so few that much of the file can still be read
_NUMBER = re.compile(rb"(?<![\w.])[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?:\(\d+\))?")
_TAG = re.compile(rb"_[A-Za-z][\w.\-/]*")
_LOOP = re.compile(rb"(?i)(?m)^loop_.*?(?=^(?:loop_|data_|_|#)|\Z)(?<!\Z)", re.DOTALL)
_TOKEN = re.compile(rb"\S+")
NUMBERS = [b"1e308", b"-1e308", b"1e999", b"1e-320", b"nan", b"inf", b"-inf", b"-0", b"0", b"1", b"-1", b"0.5", b"1e5"]
NUMBERS += [b"?", b".", b"0.33333", b"1/3", b"1/0", b"90", b"180", b"179.99999", b"1e-5", b"1(" + b"9" * 3000 + b")", b"1()"]
NUMBERS += [b"2147483648", b"-9223372036854775809", b"0x10", b"1e", b"1.2.3", b"--1", b"1e15", b"0.001", b"3.3e7", b"9" * 400]
WORDS = [b"data_", b"data_x", b"loop_", b"save_", b"save_x", b"global_", b"stop_", b";", b"\n;\n", b"'", b'"', b"'''", b"#", b"?"]
WORDS += [b"'x,y,z'", b"'x+1e9,y,z'", b"'x,x,x'", b"'-x,-y,-z'", b"'2x+y,x+y,z'", b"'x+1/0,y,z'", b"x,y", b"."]
WORDS += [b"'-R 3 2\"c'", b"Fe", b"Og", b"D", b"T1+", b"X", b"Wat", b"Mn3+.5", b"_", b"$x", b"[", b"]", b"{", b"}", b"_a"]
WORDS += [b"[1 2]", b"'P 1'", b"'Q 7'"]
ODD = [b"\0", b"\x01", b"\x1a", b"\x1b[31m", b"\x7f", b"\x85", b"\x9b", b"\xa0", b"\xff\xfe", b"\xfe\xff", b"\xc3"]
ODD += ["é".encode(), "\u202e".encode(), "\u2028".encode(), "\u0660".encode(), "\uff11".encode(), b"\xed\xa0\x80"]
ODD += [b"\\", b"\r", b"\t", b"\v", b"\f", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b" " * 3000, b"\n" * 500, b"x" * 5000]

Change = Callable[[bytes, random.Random, list[bytes]], bytes]


def read_corpus(folder: Path) -> list[bytes]:
    """The files to start from, in the order of their names."""
    return [path.read_bytes() for path in sorted(folder.glob("*.cif"))]


def mutant(corpus: list[bytes], seed: int, number: int) -> bytes:
    """The file of that seed and number: always the same one for one corpus."""
    rng = random.Random(f"{seed}-{number}")
    raw = rng.choice(corpus)
    for _ in range(rng.choice(CHANGES_A_FILE)):
        raw = rng.choice(CHANGES)(raw, rng, corpus)[:LARGEST]
    return raw


def _span(raw: bytes, rng: random.Random, longest: int = 80) -> tuple[int, int]:
    start = rng.randint(0, len(raw))
    return start, min(len(raw), start + rng.randint(1, longest))


def _picked(pattern: re.Pattern[bytes], raw: bytes, rng: random.Random) -> tuple[int, int]:
    """Where one match stands, or an empty span at the end."""
    found = [match.span() for match in pattern.finditer(raw)]
    return rng.choice(found) if found else (len(raw), len(raw))


def _flip_bits(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    spoilt = bytearray(raw)
    for _k in range(rng.randint(1, 8) if spoilt else 0):
        spoilt[rng.randrange(len(spoilt))] ^= 1 << rng.randrange(8)
    return bytes(spoilt)


def _delete_bytes(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    start, end = _span(raw, rng)
    return raw[:start] + raw[end:]


def _cut(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    return raw[: rng.randint(0, len(raw))]


def _lines(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Some lines deleted, repeated, or moved elsewhere."""
    lines = raw.splitlines(keepends=True)
    start = rng.randint(0, len(lines))
    some = lines[start : start + rng.choice([1, 1, 2, 5])]
    rest = lines[:start] + lines[start + len(some) :]
    where = rng.randint(0, len(rest))
    repeated = lines[:start] + some * rng.choice([2, 3, 200]) + lines[start:]
    return b"".join(rng.choice([rest, repeated, rest[:where] + some + rest[where:]]))


def _loops(raw: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    """A loop deleted, repeated, or exchanged for that of another file."""
    start, end = _picked(_LOOP, raw, rng)
    other = rng.choice(corpus)
    first, last = _picked(_LOOP, other, rng)
    return raw[:start] + rng.choice([b"", raw[start:end] * 2, other[first:last]]) + raw[end:]


def _tokens(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """A word deleted, repeated or replaced."""
    start, end = _picked(_TOKEN, raw, rng)
    word = raw[start:end]
    return raw[:start] + rng.choice([b"", word + b" " + word, rng.choice(WORDS), rng.choice(WORDS)]) + raw[end:]


def _numbers(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    start, end = _picked(_NUMBER, raw, rng)
    return raw[:start] + rng.choice(NUMBERS) + raw[end:]


def _tags(raw: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    """One tag replaced by another, of this file or of any."""
    start, end = _picked(_TAG, raw, rng)
    other = rng.choice([raw, rng.choice(corpus)])
    first, last = _picked(_TAG, other, rng)
    return raw[:start] + other[first:last] + raw[end:]


def _splice(raw: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    other = rng.choice(corpus)
    return raw[: rng.randint(0, len(raw))] + other[rng.randint(0, len(other)) :]


def _repeat_blocks(raw: bytes, rng: random.Random, corpus: list[bytes]) -> bytes:
    return rng.choice([raw * rng.choice([2, 3, 20]), raw + rng.choice(corpus), rng.choice(corpus) + raw])


def _insert(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    where = rng.randint(0, len(raw))
    return raw[:where] + rng.choice(ODD + WORDS) * rng.choice([1, 1, 1, 40]) + raw[where:]


def _open_text(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """One quote or semicolon taken away, so that the text it closed goes on."""
    start, end = _picked(re.compile(rb"['\";]"), raw, rng)
    return raw[:start] + raw[end:]


def _recode(raw: bytes, rng: random.Random, _: list[bytes]) -> bytes:
    """Another encoding or other line ends."""
    text = raw.decode("latin-1")
    kinds = [text.encode("utf-16"), text.encode("utf-8-sig"), raw.replace(b"\n", b"\r\n"), raw.replace(b"\n", b"\r"), raw.upper()]
    return rng.choice([*kinds, raw.replace(b"\n", b" ")])


CHANGES: list[Change] = [_flip_bits, _delete_bytes, _cut, _lines, _loops, _tokens, _tokens, _numbers, _numbers, _numbers, _tags]
CHANGES += [_splice, _repeat_blocks, _insert, _open_text, _recode]
