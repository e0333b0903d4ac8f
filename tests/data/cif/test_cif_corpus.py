"""The corpus of odd files, and files spoilt at random from it (benchmarks/fuzz_cif.py does the same for as long as one likes)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from benchmarks.cif_invariants import Broken, check_rejection, examine
from benchmarks.cif_mutations import mutant, read_corpus
from data.crystal import Crystal
from data.rejection import Reason, Rejection

CORPUS = Path(__file__).parent / "corpus"
FILES = sorted(CORPUS.glob("*.cif"))
MUTANTS = 400
SEED = 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_is_read_or_turned_away_with_a_reason(path: Path) -> None:
    assert path.stat().st_size < 2048, "the corpus is to stay small"
    assert examine(path.read_bytes())


def test_the_corpus_holds_both_kinds() -> None:
    fates = Counter(isinstance(item, Crystal) for path in FILES for item in examine(path.read_bytes()))
    assert fates[True] >= 12 and fates[False] >= 5


def test_spoilt_files_end_as_crystals_or_reasons() -> None:
    corpus = read_corpus(CORPUS)
    items = [item for number in range(MUTANTS) for item in examine(mutant(corpus, SEED, number))]
    reasons = Counter(item.reason for item in items if isinstance(item, Rejection))
    assert len(reasons) >= 7, f"the mutations reach only {reasons}"
    assert sum(isinstance(item, Crystal) for item in items) > MUTANTS / 10, "hardly any file is still a crystal"


def test_the_same_seed_gives_the_same_file() -> None:
    corpus = read_corpus(CORPUS)
    assert mutant(corpus, 1, 5) == mutant(corpus, 1, 5)
    assert len({mutant(corpus, 1, k) for k in range(50)}) > 45


@pytest.mark.parametrize(
    "item", [Rejection("a", "a.cif", "", Reason.FAILED, "KeyError"), Rejection("a", "a.cif", "", Reason.NO_CELL, " "), "no item"]
)
def test_what_must_not_be_is_noticed(item: object) -> None:
    with pytest.raises(Broken):
        check_rejection(item)
