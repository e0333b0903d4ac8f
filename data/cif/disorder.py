"""What to do with a crystal whose sites are shared or not full."""

from __future__ import annotations

from enum import StrEnum

import gemmi
import numpy as np

FULL_OCCUPANCY = 1.0 - 1e-3
SAME_PLACE_A = 0.3  # Å; species that share a site are often refined a little apart
LEAST_MAJORITY = 0.5  # of a site; below it nobody knows what stands there


class Disorder(StrEnum):
    """The stated policy."""

    REJECT = "reject"  # a crystal with any site that is shared or not full is turned away
    MAJORITY = "majority"  # each such site goes to its most frequent species, if that has more than half; the row says so


def shared_site(small: gemmi.SmallStructure) -> str | None:
    """The first site that one atom does not fill, in words; None for an ordered crystal."""
    for site in small.sites:
        if not FULL_OCCUPANCY <= site.occ <= 2.0 - FULL_OCCUPANCY:
            return f"site {site.label!r} has occupancy {site.occ:.4g}"
    return None


def take_majority(small: gemmi.SmallStructure) -> str:
    """Give each shared or partly empty site to its most frequent species, in place; returns what was done, in words.

    Raises:
        ValueError: a site where no species has more than half.
    """
    chosen: list[int] = []
    changes: list[str] = []
    for group in _groups(small):
        winner = max(group, key=lambda k: small.sites[k].occ)  # the first listed wins a tie, which the majority rules out
        site = small.sites[winner]
        if len(group) > 1 or site.occ < FULL_OCCUPANCY:
            if not LEAST_MAJORITY < site.occ <= 2.0 - FULL_OCCUPANCY:
                raise ValueError(f"site {site.label!r}: no species has more than half of it ({site.occ:.4g})")
            changes.append(f"{site.label} {site.occ:.3g}")
        site.occ = 1.0
        chosen.append(winner)
    for k in sorted(set(range(len(small.sites))) - set(chosen), reverse=True):
        del small.sites[k]
    return f"disordered, majority taken: {', '.join(changes)}"


def _groups(small: gemmi.SmallStructure) -> list[list[int]]:
    """Listed sites that stand on one place, by index."""
    groups: list[list[int]] = []
    places: list[gemmi.Fractional] = []
    for k, site in enumerate(small.sites):
        for group, place in zip(groups, places, strict=True):
            shift = np.array(site.fract.tolist()) - np.array(place.tolist())
            shift -= np.rint(shift)
            if small.cell.orthogonalize(gemmi.Fractional(*shift)).length() < SAME_PLACE_A:
                group.append(k)
                break
        else:
            groups.append([k])
            places.append(site.fract)
    return groups
