"""How much is computed of each crystal for the families that learn from descriptors."""

from __future__ import annotations

from enum import StrEnum


class DescriptorSet(StrEnum):
    """A model states its set, and whatever it looks at is described in the same way."""

    FAST = "fast"  # composition and shells, from the graphs: some microseconds
    FULL = "full"  # and matminer's structure featurizers: about a second

    @property
    def code(self) -> tuple[str, ...]:
        """The versions of what is computed, for content hashes."""
        from pipeline.features.descriptors import DESCRIPTOR_CODE  # late: settings name a set before anything large is imported
        from pipeline.features.slow_descriptors import SLOW_DESCRIPTOR_CODE

        return (DESCRIPTOR_CODE,) if self is DescriptorSet.FAST else (DESCRIPTOR_CODE, SLOW_DESCRIPTOR_CODE)
