"""Which crystals are the same: fingerprint buckets, then pymatgen's StructureMatcher within a bucket."""
