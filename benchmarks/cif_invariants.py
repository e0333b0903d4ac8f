"""What must hold for any bytes that are read as a CIF file, up to the graphs of the crystals in it."""

from __future__ import annotations

import numpy as np

from data.cif.reader import read_cif
from data.crystal import Crystal
from data.disordered import AnyCrystal
from data.rejection import Reason, Rejection
from data.sources.files import decode
from data.symmetry import symmetrise
from pipeline.features.neighbours import GraphSettings, build_graphs

NAME = "file"
MOST_GRAPHS = 8  # of one file; a file of two hundred equal blocks would only take longer


class Broken(AssertionError):
    """Something that must never be."""


def examine(raw: bytes) -> list[Crystal | Rejection]:
    """What was read.

    Raises:
        Broken: with what does not hold. Whatever the reader, the symmetry search or the graphs raise comes through.
    """
    text = decode(raw)
    items = [_checked(item) for item in read_cif(text, f"{NAME}.cif", NAME)]
    _require(bool(items), "a file vanished without a word")
    again = list(read_cif(text, f"{NAME}.cif", NAME))
    _require([_signature(item) for item in items] == [_signature(item) for item in again], "the same text, another answer")
    _check_graphs([item for item in items if isinstance(item, Crystal)][:MOST_GRAPHS])
    return items


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def _checked(item: AnyCrystal | Rejection) -> Crystal | Rejection:
    if not isinstance(item, Crystal):
        return check_rejection(item)
    _check_crystal(item)
    return item


def check_rejection(item: object) -> Rejection:
    _require(isinstance(item, Rejection), f"neither crystal nor rejection: {type(item).__name__}")
    assert isinstance(item, Rejection)
    _require(isinstance(item.reason, Reason) and item.reason is not Reason.FAILED, f"{item.reason}: {item.detail}")
    _require(bool(item.detail.strip()), f"{item.reason} without a word")
    for text in (item.candidate_id, item.source_file, item.block, item.detail):
        _check_text(text)
    return item


def _check_crystal(crystal: Crystal) -> None:
    _check_text(crystal.id)
    _check_text(crystal.note)
    _require(len(crystal.frac) == len(crystal.numbers) > 0, "coordinates and elements of different number")
    _require(bool(np.isfinite(crystal.lattice).all() and np.isfinite(crystal.frac).all()), "a number that is not finite")
    _require(bool(crystal.formula), "no formula")


def _check_text(text: object) -> None:
    _require(isinstance(text, str), f"{type(text).__name__} for a text")
    assert isinstance(text, str)
    text.encode()  # what is no UTF-8 can stand in no table


def _check_graphs(crystals: list[Crystal]) -> None:
    cells = [symmetrise(crystal) for crystal in crystals]
    for cell in cells:
        _require(bool(np.isfinite(cell.lattice).all() and np.isfinite(cell.frac).all()), "a symmetrised number is not finite")
        _require(int(cell.orbit.max()) + 1 == len(np.unique(cell.orbit)), "an empty orbit")
    if cells:
        graphs, _ = build_graphs(cells, GraphSettings())
        for name, values in graphs.arrays().items():
            _require(bool(np.isfinite(values).all()), f"{name} of a graph is not finite")


def _signature(item: AnyCrystal | Rejection) -> object:
    if not isinstance(item, Crystal):
        return item
    return item.id, item.note, item.lattice.tobytes(), item.frac.tobytes(), item.numbers.tobytes()
