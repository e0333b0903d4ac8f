"""The README of an export: what lies in the folder, what to run, what would confirm or refute each prediction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.crystal import symbol
from pipeline.export.chosen import Chosen, LeftOut
from pipeline.export.four_f import FourF
from pipeline.export.magnetic import MagneticSymmetry
from pipeline.export.measured import Measured, measured
from pipeline.export.potentials import potentials
from pipeline.magnetism.competing_orderings import Ordering
from pipeline.report.assets import markdown_environment
from pipeline.report.text import visible

_ACTIVE = re.compile(r"([\\`*_{}\[\]<>#|~&])")  # what Markdown would interpret


@dataclass(frozen=True)
class Part:
    """One candidate of an export."""

    chosen: Chosen
    sites: int  # of the primitive cell
    orderings: list[Ordering]  # empty where no format asks for them
    frozen: tuple[str, ...]  # elements whose 4f electrons the VASP set freezes
    gaps: tuple[str, ...] = ()  # formats that could not be written, and why
    symmetries: tuple[MagneticSymmetry, ...] = ()  # of the orderings that have one
    four_f: tuple[FourF, ...] = ()  # lanthanoids of the crystal, where calculations are asked for

    @property
    def measured(self) -> Measured | None:
        """What experiments report for the composition; None where nothing is known."""
        return measured(self.chosen.row)

    def symmetry(self, ordering: str) -> MagneticSymmetry | None:
        """The symmetry of one ordering by its name."""
        return next((one for one in self.symmetries if one.ordering == ordering), None)


def readme(manifest: dict[str, Any], formats: list[str], parts: list[Part], left_out: list[LeftOut]) -> str:
    """Markdown; all that comes from a source passes the filter `plain`."""
    environment = markdown_environment(Path(__file__).parent)
    environment.filters["plain"] = plain
    frozen = sorted({element for part in parts for element in part.frozen})
    lanthanoids = sorted({one for part in parts for one in part.four_f}, key=lambda one: one.element)
    symbols = {symbol(z) for part in parts for z in part.chosen.crystal.numbers.tolist()}
    return environment.get_template("readme.md.j2").render(
        run=manifest, formats=formats, parts=parts, frozen=frozen, lanthanoids=lanthanoids,
        left_out=left_out, own=potentials(symbols), tungsten="W" in symbols,
    )  # fmt: skip


def plain(value: object) -> str:
    """Anybody's text, inert in Markdown."""
    return _ACTIVE.sub(r"\\\1", visible(value))
