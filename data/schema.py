"""Arrow schemas of a snapshot's tables, with unit and meaning of each column. The documentation is generated from them."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1


def _field(name: str, kind: pa.DataType, unit: str, meaning: str, nullable: bool = False) -> pa.Field:
    return pa.field(name, kind, nullable=nullable, metadata={"unit": unit, "meaning": meaning})


CRYSTALS = pa.schema(
    [
        _field("material_id", pa.string(), "", "opaque id of the source, unique in the snapshot"),
        _field("formula", pa.string(), "", "reduced formula"),
        _field("chemsys", pa.string(), "", "element symbols, alphabetical, joined by '-'"),
        _field("n_sites", pa.int32(), "1", "atoms in the cell"),
        _field("volume_A3", pa.float64(), "Å³", "cell volume"),
        _field("lattice_A", pa.list_(pa.float64(), 9), "Å", "lattice vectors, row after row"),
        _field("frac", pa.list_(pa.float64()), "1", "fractional coordinates, site after site"),
        _field("numbers", pa.list_(pa.int16()), "1", "atomic numbers, in the order of frac"),
        _field("moment_muB_per_cell", pa.float64(), "µB", "size of the DFT total magnetisation of the cell", True),
        _field("moment_muB_per_atom", pa.float64(), "µB", "the same per atom: the training target", True),
        _field("moment_muB_per_A3", pa.float64(), "µB/Å³", "the same per volume", True),
        _field("saturation_T", pa.float64(), "T", "µ0·Ms, 11.654 T per µB/Å³", True),
        _field("ordering", pa.string(), "", "FM, FiM, AFM or NM, where the source says so", True),
        _field("provenance", pa.string(), "", "which calculation or database the label comes from"),
        _field("split", pa.string(), "", "train, val or test, where the source fixes it", True),
        _field("source_file", pa.string(), "", "where the crystal was read, relative to the source"),
    ]
)

SITE_MOMENTS = pa.schema(
    [
        _field("material_id", pa.string(), "", "id of a crystal of the snapshot"),
        _field("moments_muB", pa.list_(pa.float64()), "µB", "signed moment of each site, in the order of the crystal's sites"),
    ]
)

REJECTED = pa.schema(
    [
        _field("candidate_id", pa.string(), "", "id of what was turned away"),
        _field("source_file", pa.string(), "", "file it stood in"),
        _field("block", pa.string(), "", "CIF data block, or row of a table"),
        _field("reason", pa.string(), "", "a word of data.rejection.Reason"),
        _field("detail", pa.string(), "", "what exactly was wrong"),
    ]
)

DOCUMENTS = pa.schema(
    [
        _field("material_id", pa.string(), "", "canonical id"),
        _field("sent_id", pa.string(), "", "the id as the service wrote it"),
        _field("document", pa.string(), "", "JSON of the fields asked for, in the service's units; unasked ones below `other`"),
    ]
)

TOMBSTONES = pa.schema(
    [
        _field("material_id", pa.string(), "", "canonical id of a material that was there once"),
        _field("reason", pa.string(), "", "deprecated or vanished"),
        _field("database_version", pa.string(), "", "release that no longer had it"),
    ]
)

ALIASES = pa.schema(
    [
        _field("alias", pa.string(), "", "another way to write an id"),
        _field("material_id", pa.string(), "", "canonical id"),
    ]
)

DUPLICATES = pa.schema(
    [
        _field("material_id", pa.string(), "", "a crystal with the structure of an earlier one"),
        _field("duplicate_of", pa.string(), "", "the earlier one"),
        _field("formula", pa.string(), "", "reduced formula of both"),
        _field("volume_ratio", pa.float64(), "1", "of the volumes per atom, this one to the earlier one"),
        _field("moment", pa.float64(), "µB/atom", "label of this one", True),
        _field("moment_of", pa.float64(), "µB/atom", "label of the earlier one", True),
        _field("moment_difference", pa.float64(), "µB/atom", "between the two", True),
    ]
)
