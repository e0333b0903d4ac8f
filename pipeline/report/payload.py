"""The page's data: everything about the candidates that its script filters, sorts and shows."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from data.criticality import TOXIC, radioactive_elements
from data.elements import RARE_EARTHS
from pipeline.report.columns import TEXTS, Column
from pipeline.report.content import ReportContent
from pipeline.report.elements import BITS, MASKS, element_looks, masks, periodic_table
from pipeline.report.entries import DOI, ENTRIES
from pipeline.report.experiment import BASES, NAMES
from pipeline.report.neighbours import NEAREST, neighbours
from pipeline.report.pack import Packer
from pipeline.report.scale import Scale
from pipeline.report.stated import stated_error_floor
from pipeline.report.structures import CENTRINGS, CONVENTIONAL, FRACTION, space_group_symbols
from pipeline.report.text import ORDERS, visible
from pipeline.report.view import MEMBER_DIGITS, View

WITH_NEIGHBOURS = 1000  # candidates
_NAME = re.compile(r"[A-Za-z_]\w*")


def payload(content: ReportContent, seen: View, scale: Scale, temperatures: Scale) -> str:
    """Header and columns as base64 (pipeline.report.pack says how)."""
    packer = Packer()
    for column in seen.numbers:
        packer.numbers(column.key, seen.frame[column.key], column.sent)
    for name in seen.members:
        packer.numbers(name, seen.frame[name], MEMBER_DIGITS)
    for name in TEXTS:
        packer.texts(name, seen.frame[name])
    for name in seen.details:
        packer.texts(name, seen.frame[name])
    for k, mask in enumerate(masks(seen.frame["formula"]).T):
        packer.numbers(f"mask_{k}", mask)
    _add_neighbours(packer, content, seen)
    _add_structures(packer, content)
    terms = [name for name in dict.fromkeys(_NAME.findall(content.working)) if name in seen.frame]
    return packer.base64(
        {
            "rows": len(seen.frame),
            "run": visible(content.run),
            "numbers": {column.key: _about(column) for column in seen.numbers},
            "orderings": [column.key for column in seen.orderings],
            "members": {name: visible(member, 60) for name, member in seen.members.items()},
            "details": {name: visible(column.detail, 60) for name, column in seen.details.items()},
            "tcScale": {
                "end": temperatures.end, "step": temperatures.step, "width": temperatures.width, "margin": temperatures.margin,
            },
            "scale": {"end": scale.end, "step": scale.step, "width": scale.width, "margin": scale.margin},
            "working": content.working if len(terms) == len(set(_NAME.findall(content.working))) else "",
            "terms": terms,
            "elements": element_looks(np.unique(content.cells.numbers).tolist()),
            "symbols": [place.symbol for place in periodic_table()],
            "bits": BITS,
            "masks": MASKS,
            "groups": {
                "rare-earth": sorted(RARE_EARTHS), "cobalt": [27], "toxic": sorted(TOXIC),
                "radioactive": sorted(radioactive_elements()),
            },
            "nearest": NEAREST,
            "withheld": content.withheld,
            "open": not (content.withheld or content.licensed),
            "floor": stated_error_floor(content.evaluation),
            "entries": ENTRIES,
            "doi": DOI,
            "orders": ORDERS,
            "orderNames": NAMES,
            "bases": BASES,
            "spaceGroups": space_group_symbols(),
            "fraction": FRACTION,
            "conventional": [CONVENTIONAL[letter] for letter in CENTRINGS],
        }
    )  # fmt: skip


def _about(column: Column) -> dict[str, Any]:
    return {
        "label": column.label, "unit": column.unit, "shown": column.shown, "low": column.low_is_good, "format": column.format,
    }  # fmt: skip


def _add_neighbours(packer: Packer, content: ReportContent, seen: View) -> None:
    """NEAREST entries of `neighbour` (a row of the `learned_` columns) and of `exchanged` for each of the best candidates."""
    found = neighbours(seen.frame["formula"].head(WITH_NEIGHBOURS).to_list(), content.known)
    used = sorted({neighbour.row for near in found for neighbour in near})
    place = {row: k for k, row in enumerate(used)}
    rows: NDArray[np.float64] = np.full((len(found), NEAREST), np.nan)
    exchanged = rows.copy()
    for k, near in enumerate(found):
        rows[k, : len(near)] = [place[neighbour.row] for neighbour in near]
        exchanged[k, : len(near)] = [neighbour.exchanged for neighbour in near]
    packer.numbers("neighbour", rows.ravel())
    packer.numbers("exchanged", exchanged.ravel(), 4)
    packer.texts("learned_id", (visible(content.known.ids[row], 80) for row in used))
    packer.texts("learned_formula", (visible(content.known.formulas[row], 80) for row in used))
    packer.numbers("learned_moment", content.known.moments[used], 3)


def _add_structures(packer: Packer, content: ReportContent) -> None:
    cells = content.cells
    packer.numbers("cell_sites", cells.sites)
    packer.numbers("cell_centring", cells.centring)
    packer.numbers("cell_parameters", cells.parameters.ravel(), 3)
    packer.numbers("site_z", cells.numbers)
    packer.numbers("site_frac", cells.frac.ravel())
