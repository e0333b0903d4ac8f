"""Why a crystal is rejected: the reasons of all sources and steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """The complete list; `rejected.csv` and the quarantine of a snapshot use these words and no others."""

    UNREADABLE = "unreadable"  # the file cannot be opened or is not text
    NOT_CIF = "not_cif"  # the text breaks CIF syntax, a word stands where a number must, or a column apart from its loop
    NOT_OPTIMADE = "not_optimade"  # the entry breaks the OPTIMADE specification, or uses a feature unknown to us
    NOT_STRUCTURE = "not_structure"  # a file in another format than CIF that cannot be read as a crystal
    NO_CELL = "no_cell"  # cell parameters are missing, describe no cell, or contradict the stated volume
    NO_SITES = "no_sites"  # no atomic site with coordinates
    BAD_COORDINATES = "bad_coordinates"  # a coordinate is unknown or not a number
    UNKNOWN_SYMMETRY = "unknown_symmetry"  # neither operations nor a known space-group symbol
    UNKNOWN_ELEMENT = "unknown_element"  # dummy species, or Z > 103
    PARTIAL_OCCUPANCY = "partial_occupancy"  # a site is shared or not full, and the policy or the file allows no average
    OVERLAPPING_SITES = "overlapping_sites"  # two atoms closer than 0.5 Å
    MISSING_ATOMS = "missing_atoms"  # the sites do not add up to the stated formula
    TOO_LARGE = "too_large"  # more sites, or a larger file, than the limits allow
    UNSAFE_NAME = "unsafe_name"  # an archive member that would leave its folder
    NO_NEIGHBOURS = "no_neighbours"  # an atom without any neighbour within the largest radius
    MISSING_VALUE = "missing_value"  # a required column is empty
    BAD_LABEL = "bad_label"  # the moment is not a finite number, or impossible
    CONTRADICTORY_LABEL = "contradictory_label"  # moment, its normalisations and the ordering disagree
    DUPLICATE_ID = "duplicate_id"  # an id that stands for another crystal already
    FILTERED = "filtered"  # sound, but not among what the user asked for
    READER_LOST = "reader_lost"  # the process that read it died or took too long
    FAILED = "failed"  # an error of ours; the detail says which


LOST = "the process that read it died, ran out of memory or took too long"


@dataclass(frozen=True, slots=True)
class Rejection:
    """One rejected crystal, and why."""

    candidate_id: str
    source_file: str
    block: str  # the CIF data block, or the row of a table
    reason: Reason
    detail: str
    licensed: bool = False  # the detail may tell of a structure that must not be passed on
