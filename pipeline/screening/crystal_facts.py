"""What a ranking says of a crystal beside predictions: what its source says, and what follows from its cell and its elements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from data.criticality import Criticality, criticality
from data.crystal import Crystal, reduced_formula, symbol
from data.sources import Record
from data.symmetry import SymmetricCell
from pipeline.dedup.fingerprint import fingerprint
from pipeline.disorder.averaged_cell import AveragedCell
from pipeline.features.descriptor_sets import DescriptorSet
from pipeline.screening.averages import Averaged
from pipeline.screening.vacuum import vacuum_note

NOT_SAID = "a moment of the source, which does not say what it comes from"
WITHOUT_SLOW_DESCRIPTORS = "its slow descriptors could not be computed"
WARNING = "warning"  # goes into the note
SUPPLY = tuple(f.name for f in fields(Criticality))


def facts_of_crystal(crystal: Crystal, cell: SymmetricCell, known: frozenset[int]) -> dict[str, Any]:
    """What follows from an ordered crystal itself, whatever its source.

    Args:
        crystal: as its source describes it.
        cell: its symmetrised cell.
        known: atomic numbers that the ensemble was trained on.
    """
    elements, counts = crystal.reduced_composition
    return {
        "formula": reduced_formula(elements, counts),
        "fingerprint": fingerprint(cell),
        "volume_per_atom": crystal.volume / crystal.n_sites,
        WARNING: joined_notes(_warning(elements, known), vacuum_note(crystal.lattice, crystal.frac)),
        **_supply(elements, counts),
    }


def facts_of_record(record: Record, n_sites: int) -> dict[str, Any]:
    """What the source says, alike of ordered and disordered crystals.

    Args:
        record: the crystal as its source gives it.
        n_sites: of its primitive cell, which does not depend on the cell that the source describes it in.
    """
    return {
        "candidate_id": record.crystal.id,
        "n_sites": n_sites,
        "source_file": record.source_file,
        "label_provenance": "" if record.label is None else record.label.provenance or NOT_SAID,
        "e_above_hull": record.e_above_hull,
        "licensed": record.licensed,
    }


def facts_of_average(one: Averaged, known: frozenset[int], descriptor_set: DescriptorSet) -> dict[str, Any]:
    """All of a disordered crystal, with its occupancies and the number of its approximants."""
    crystal, record = one.crystal, one.record
    cell: AveragedCell = one.approximants.cell
    shares = {z: round(n / crystal.n_atoms, 6) for z, n in crystal.composition.items()}
    slow = WITHOUT_SLOW_DESCRIPTORS if descriptor_set is DescriptorSet.FULL else ""
    return {
        **facts_of_record(record, len(cell.frac)),
        "formula": crystal.formula,
        "space_group": cell.symmetric.space_group,
        "fingerprint": cell.fingerprint,
        "volume_per_atom": crystal.volume / crystal.n_atoms,
        "note": joined_notes(
            crystal.note, _warning(crystal.composition, known), vacuum_note(crystal.lattice, crystal.frac), slow
        ),
        "moment_dft": None if record.label is None else abs(record.label.moment_muB_per_cell) / crystal.n_atoms,
        "occupancies": crystal.occupancies,
        "n_approximants": one.number,
        **_supply(tuple(shares), tuple(shares.values())),
    }


def joined_notes(*notes: str) -> str:
    """The notes that say something, as one."""
    return "; ".join(filter(None, notes))


def _supply(elements: tuple[int, ...], counts: tuple[float, ...]) -> dict[str, Any]:
    supply = criticality(elements, counts)
    return {name: getattr(supply, name) for name in SUPPLY}


def _warning(elements: Iterable[int], known: frozenset[int]) -> str:
    unseen = [z for z in elements if z not in known]
    return f"never seen in training: {', '.join(symbol(z) for z in unseen)}" if unseen else ""
