"""From chosen candidates to calculations: the smallest cells first, of each candidate the ferromagnet first."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from data.calculation import AS_GIVEN, Job
from data.crystal import Crystal, make_crystal
from data.symmetry import symmetrise
from pipeline.dft.settings import DftSettings
from pipeline.dft.unsupported import unsupported
from pipeline.export.chosen import Chosen
from pipeline.magnetism.competing_orderings import MAX_ORDERINGS, orderings


@dataclass(frozen=True)
class Method:
    """How all jobs of a plan are calculated."""

    code: str  # `module:class`
    settings: DftSettings


@dataclass(frozen=True)
class Size:
    """How much is calculated for a candidate."""

    max_sites: int  # orderings in cells with more sites are left out
    orderings: int = MAX_ORDERINGS  # the ferromagnet and its likeliest competitors, at most so many; at least two


@dataclass(frozen=True)
class Plan:
    """A candidate and its calculations."""

    chosen: Chosen
    n_sites: int  # of the primitive cell
    jobs: tuple[Job, ...]  # none where not even one competitor is small enough: a ferromagnet alone decides nothing
    too_large: tuple[str, ...]  # orderings that are left out for their size
    refused: str = ""  # why nothing is calculated, whatever the size
    less_likely: tuple[str, ...] = ()  # orderings that were not asked for


def plan(chosen: list[Chosen], symprec_A: float, method: Method, size: Size, licensed: bool) -> list[Plan]:
    """The calculations of each candidate, those with the smallest primitive cell first.

    Args:
        chosen: the candidates with their crystals.
        symprec_A: tolerance of the symmetry search, Å.
        method: DFT code and its settings.
        size: how much is calculated for each.
        licensed: whether all candidates are licensed; if not, the row of a candidate says whether it is.
    """
    plans = [plan_one(candidate, symprec_A, method, size, licensed) for candidate in chosen]
    return sorted(plans, key=lambda one: (one.n_sites, one.chosen.row["rank"]))


def posed(crystal: Crystal) -> Crystal:
    """The crystal with its first vector along x, its second in the plane of x and y, all right-handed.

    A rotated or mirrored crystal has the same energy and collinear moments, and so the same key; and GPAW 26.7 fails on a
    rectangular cell with vectors that point backwards, which it cannot draw.
    """
    return make_crystal(crystal.id, np.linalg.cholesky(crystal.lattice @ crystal.lattice.T), crystal.frac, crystal.numbers)


def plan_one(
    candidate: Chosen, symprec_A: float, method: Method, size: Size, licensed: bool, geometry: str = AS_GIVEN
) -> Plan:
    """The calculations of one candidate.

    Args:
        candidate: with its crystal.
        symprec_A, method, size, licensed: see `plan`.
        geometry: how the crystal relates to the one that was screened.
    """
    cell = symmetrise(candidate.crystal, symprec_A)
    primitive = Crystal(candidate.crystal.id, cell.lattice, cell.frac, cell.numbers)
    kept = licensed or bool(candidate.row.get("licensed", False))
    if refused := unsupported(primitive.numbers.tolist()):
        return Plan(candidate, primitive.n_sites, (), (), refused)
    every = orderings(cell)
    names = tuple(ordering.name for ordering in every)
    competing = every[: size.orderings]
    jobs = []
    for ordering in competing:
        if len(ordering.structure) <= size.max_sites:
            calculated = posed(Crystal.from_pymatgen(ordering.structure, ""))
            start = ordering.moments + 0.0  # no -0.0, which would be another key
            how = (method.code, asdict(method.settings), kept, geometry)
            jobs.append(Job(primitive, ordering.name, names, calculated, start, *how))
    too_large = tuple(ordering.name for ordering in competing if len(ordering.structure) > size.max_sites)
    kept_jobs = tuple(jobs) if len(jobs) > 1 else ()
    return Plan(candidate, primitive.n_sites, kept_jobs, too_large, less_likely=names[size.orderings :])
