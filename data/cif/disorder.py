"""What to do with a crystal whose sites are shared or not full."""

from __future__ import annotations

from enum import StrEnum

import gemmi
import numpy as np

FULL_OCCUPANCY = 1.0 - 1e-3
SAME_PLACE_A = 0.3  # Å; species that share a site are often refined a little apart
ONE_PLACE_A = 0.01  # Å; ions of one element that are listed with the same coordinates
MOST_FILLED = 1.02  # occupancies of one place that sum to more contradict each other; less is rounding, and scaled to 1
NOTHING = 1e-4  # an occupancy below this is none
LEAST_MAJORITY = 0.5  # of a place; below it nobody knows what stands there


class Disorder(StrEnum):
    """The stated policy."""

    AVERAGE = "average"  # its places keep their occupancies; predictions are means over ordered approximants
    REJECT = "reject"  # a crystal with any site that is shared or not full is rejected
    MAJORITY = "majority"  # each such place goes to its most frequent element, if that has more than half; the row says so


def shared_site(small: gemmi.SmallStructure) -> str | None:
    """The first site that one atom does not fill, in words; None for an ordered crystal."""
    for site in small.sites:
        if not FULL_OCCUPANCY <= site.occ <= 2.0 - FULL_OCCUPANCY:
            return f"site {site.label!r} has occupancy {site.occ:.4g}"
    return None


def merge_mixed_valence(small: gemmi.SmallStructure) -> str:
    """Make one full site of ions of one element that fill a place together (Fe2+ and Fe3+, hydrogen and deuterium), in place.

    Returns:
        What was done, in words; empty where there is no such place.
    """
    merged: list[str] = []
    gone: list[int] = []
    for group in _groups(small, ONE_PLACE_A):
        ions = [small.sites[k] for k in group]
        shares = [site.occ for site in ions]
        one_element = len({site.element.atomic_number for site in ions}) == 1
        if len(group) < 2 or not one_element or not min(shares) > 0 or not FULL_OCCUPANCY <= sum(shares) <= 2.0 - FULL_OCCUPANCY:
            continue
        merged.append("/".join(f"{site.type_symbol or site.label} {site.occ:.3g}" for site in ions))
        ions[0].occ = 1.0
        gone += group[1:]
    for k in sorted(gone, reverse=True):
        del small.sites[k]
    return f"one element shares a site: {', '.join(merged[:3])}" if merged else ""


def take_majority(small: gemmi.SmallStructure) -> str:
    """Give each shared or partly empty place to its most frequent element, in place; returns what was done, in words.

    An element may have several sites of a place: ions, or positions that are refined a little apart. It gets the most occupied.

    Raises:
        ValueError: a place where no element has more than half, or that is filled more than once.
    """
    chosen: list[int] = []
    changes: list[str] = []
    for group in _groups(small):
        sites = [small.sites[k] for k in group]
        share: dict[int, float] = {}
        for site in sites:
            share[site.element.atomic_number] = share.get(site.element.atomic_number, 0.0) + site.occ
        main = max(share, key=lambda z: share[z])  # the first listed wins a tie, which the majority rules out
        if len(group) > 1 or sites[0].occ < FULL_OCCUPANCY:
            labels = "/".join(site.label for site in sites if site.element.atomic_number == main)
            _check_majority(sites, share[main], labels)
            changes.append(f"{labels} {share[main]:.3g}")
        winner = max((k for k in group if small.sites[k].element.atomic_number == main), key=lambda k: small.sites[k].occ)
        small.sites[winner].occ = 1.0
        chosen.append(winner)
    for k in sorted(set(range(len(small.sites))) - set(chosen), reverse=True):
        del small.sites[k]
    return f"disordered, majority taken: {', '.join(changes)}"


def _check_majority(sites: list[gemmi.SmallStructure.Site], share: float, labels: str) -> None:
    filled = sum(site.occ for site in sites)
    if filled > MOST_FILLED:
        raise ValueError(f"sites {', '.join(site.label for site in sites[:4])} fill one place {filled:.4g} times")
    for site in sites:
        if site.occ < -NOTHING:
            raise ValueError(f"site {site.label!r} has occupancy {site.occ:.4g}")
    if share <= LEAST_MAJORITY:
        raise ValueError(f"site {labels!r}: no element has more than half of it ({share:.4g})")


def _groups(small: gemmi.SmallStructure, tolerance_A: float = SAME_PLACE_A) -> list[list[int]]:
    """Listed sites that stand on one place, by index."""
    groups: list[list[int]] = []
    places: list[gemmi.Fractional] = []
    for k, site in enumerate(small.sites):
        for group, place in zip(groups, places, strict=True):
            shift = np.array(site.fract.tolist()) - np.array(place.tolist())
            shift -= np.rint(shift)
            if small.cell.orthogonalize(gemmi.Fractional(*shift)).length() < tolerance_A:
                group.append(k)
                break
        else:
            groups.append([k])
            places.append(site.fract)
    return groups
