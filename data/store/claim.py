"""Folders that a person names for results: what lies there already is never overwritten unless it is ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from data.errors import UserError
from data.store.artifact import make_folder

_NAMED = 3  # foreign files that a message names


@dataclass(frozen=True)
class Contents:
    """What a kind of result writes into its folder.

    Args:
        kind: in words, with an article.
        own: names that it may write there.
        ours: whether the folder holds such a result, or an unfinished one.
    """

    kind: str
    own: frozenset[str]
    ours: bool


def claim(folder: Path, contents: Contents, force: bool) -> None:
    """Create the folder, or make sure that writing into it overwrites nothing but our own files.

    Args:
        force: write beside files of other names.

    Raises:
        UserError: it holds something else, or cannot be created or written.
    """
    make_folder(folder)
    there = sorted(path.name for path in folder.iterdir() if not (path.name.startswith(".") and path.name.endswith(".part")))
    if not there:
        return
    in_the_way = [name for name in there if name in contents.own]
    if in_the_way and not contents.ours:
        raise UserError(f"{folder} holds {_words(in_the_way)} that ferroscreen did not write: choose another --out")
    foreign = [name for name in there if name not in contents.own]
    if foreign and not force:
        raise UserError(
            f"{folder} holds {_words(foreign)}, which is not of {contents.kind}: choose another --out, or write beside it with "
            "--force (other files stay as they are)"
        )


def _words(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
