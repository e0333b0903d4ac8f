"""Ids, formulas and file names are anybody's text: inert in the README, in BibTeX and in folder names."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pybtex.database import parse_string

from pipeline.export.chosen import Chosen, LeftOut
from pipeline.export.readme import Part, plain, readme
from pipeline.export.references import bibtex
from tests.contract.crystals import hand_built

ACTIVE = "\\`*_{}[]<>#|~&"
RUN = {"id": "abc", "source": "cif:x", "model": "m", "profile": "high-ms", "formula": "score = 1", "ranked": 9}
WORST = ["}\n@string{a", "<b>", "| a |", "\\input{x}", '"#', "%", "![](http://x)", "\x1b[31m", "\u202e"]
hostile = st.text() | st.sampled_from(WORST)


def row(text: str) -> dict[str, Any]:
    numbers = {"moment_muB_per_atom": 1.0, "moment_low": 0.5, "moment_high": 1.5, "saturation_T": 1.0}
    return {"rank": 1, "candidate_id": text, "formula": text, "source_file": text, **numbers}


@given(hostile)
@settings(max_examples=25)
def test_markdown(text: str) -> None:
    shown = plain(text)
    assert len(shown.splitlines()) == 1 and not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert not re.search(rf"(?<!\\)(?:\\\\)*[{re.escape(ACTIVE[1:])}]", shown), "every active character has its own backslash"
    part = Part(Chosen(row(text), hand_built()["Fe"]), 1, [], ())
    lines = readme({**RUN, "source": text}, ["csv"], [part], [LeftOut(part.chosen.row, text)]).splitlines()
    tables = [line for line in lines if line.startswith("|")]
    cells = [len(re.findall(r"(?<!\\)\|", line)) for line in tables]
    assert cells == [8] * 3 + [4] * 3, "the candidate, and the one that is left out"


@given(hostile)
@settings(max_examples=25)
def test_bibtex_parses_and_says_no_more_than_it_should(text: str) -> None:
    found = parse_string(bibtex({**RUN, "source": text}, [row(text)]), "bibtex")
    entry = found.entries["candidate1"]
    assert set(entry.fields) == {"title", "howpublished", "note"} and entry.fields["note"].startswith("rank 1 of 9")
    assert len(found.entries) == 7 and not re.search(r"\\(?!_)|[{}%#@]", entry.fields["howpublished"])


@given(hostile)
def test_folder_names(text: str) -> None:
    assert re.fullmatch(r"00001-[A-Za-z0-9]*", Chosen(row(text), hand_built()["Fe"]).folder)
