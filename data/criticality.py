"""How hard the elements of a crystal are to get: market concentration, price, rare earths, radioactivity.

Sources:
    Herfindahl-Hirschman indices (HHI) of production and of reserves by country: Gaultois et al., Chem. Mater. 25, 2911 (2013),
    from USGS data, as pymatgen ships them (``pymatgen.analysis.hhi``). The US Department of Justice calls a market above 2,500
    highly concentrated. A compound's index is the mean over its elements, weighted by mass, as in that paper.
    Prices: ``pymatgen/analysis/costdb_elements.csv``, pure elements, 2013 to 2019 (Wolfram Alpha, Wikipedia). They tell iron from
    platinum, not one supplier from another: La, Ce and F, say, stand there at many times what industry pays for their ores.
    Rare earths: IUPAC Red Book 2005, IR-3.5: Sc, Y and the lanthanoids.
    Radioactive: no stable isotope (pymatgen's rule: Tc, Pm and everything from Po on).
    Toxic: elements that are harmful in most of their compounds. Cd, Hg and Pb are restricted by Directive 2011/65/EU (RoHS); the
    compounds of Be, As, Cd, Hg, Tl and Pb stand as groups in Annex VI of Regulation (EC) 1272/2008. Cr and Ni are not among them:
    it depends on the compound.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from data.crystal import MAX_ATOMIC_NUMBER, symbol
from data.elements import RARE_EARTHS

TOXIC = frozenset({4, 33, 48, 80, 81, 82})  # Be, As, Cd, Hg, Tl, Pb
NOT_KNOWN = math.nan


@dataclass(frozen=True, slots=True)
class Criticality:
    """Of one composition. A number is NaN where one of its elements is not in the source: unknown is not zero."""

    hhi_production: float  # 0..10,000
    hhi_reserve: float  # 0..10,000
    price_USD_per_kg: float  # of its elements, bought apart
    rare_earths: str  # symbols, "Nd, Sm"
    radioactive: str  # symbols


@lru_cache(maxsize=65536)
def criticality(elements: tuple[int, ...], counts: tuple[float, ...]) -> Criticality:
    """Of a composition: atomic numbers in ascending order, how many atoms of each. Cached, since crystals share compositions."""
    found = [_of_element(z) for z in elements]
    masses = [element.mass * n for element, n in zip(found, counts, strict=True)]
    whole = math.fsum(masses)

    def by_mass(values: Iterable[float]) -> float:
        return math.fsum(m * v for m, v in zip(masses, values, strict=True)) / whole

    return Criticality(
        by_mass(element.hhi[0] for element in found),
        by_mass(element.hhi[1] for element in found),
        by_mass(element.price for element in found),
        ", ".join(element.symbol for z, element in zip(elements, found, strict=True) if z in RARE_EARTHS),
        ", ".join(element.symbol for z, element in zip(elements, found, strict=True) if z in radioactive_elements()),
    )


class _Supply(NamedTuple):
    """What the sources say of one element."""

    symbol: str
    mass: float
    hhi: tuple[float, float]  # production, reserve
    price: float  # USD/kg


@lru_cache(maxsize=128)
def _of_element(z: int) -> _Supply:
    from pymatgen.core import Element

    name = symbol(z)
    mass = float(Element.from_Z(z).atomic_mass)
    return _Supply(name, mass, _hhi().get(name, (NOT_KNOWN, NOT_KNOWN)), _prices().get(name, NOT_KNOWN))


@lru_cache(maxsize=1)
def radioactive_elements() -> frozenset[int]:
    """Atomic numbers of the elements without a stable isotope."""
    from pymatgen.core import Element

    return frozenset(z for z in range(1, MAX_ATOMIC_NUMBER + 1) if Element.from_Z(z).is_radioactive)


@lru_cache(maxsize=1)
def _hhi() -> dict[str, tuple[float, float]]:
    """(production, reserve) by element symbol."""
    from pymatgen.analysis.hhi import HHIModel

    model: Any = HHIModel
    return dict(model().symbol_hhip_hhir)


@lru_cache(maxsize=1)
def _prices() -> dict[str, float]:
    """USD per kg by element symbol. The file is read as it is: the module beside it takes a second to import in each worker."""
    text = (files("pymatgen.analysis") / "costdb_elements.csv").read_text(encoding="utf-8")
    return {row[0]: float(row[1]) for row in csv.reader(text.splitlines(), quotechar="|")}
