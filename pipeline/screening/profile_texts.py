"""Names, purposes and formulas of the ranking profiles as text; the command line reads them without the libraries of a screen."""

from __future__ import annotations

MAX_E_ABOVE_HULL = 0.1  # eV/atom; nine in ten metastable ICSD crystals lie below 0.067 (Sun et al., Sci. Adv. 2, e1600225, 2016)
CHEAP_USD_PER_KG = 10.0  # between a ferrite and a sintered Nd-Fe-B magnet
WITHOUT_AXIS = 0.5  # of a score where the lattice has no single axis: preferred, not forbidden
WORKING_TEMPERATURE_K = 300.0  # of the profile magnetocaloric where none is chosen
WINDOW_HALF_K = 40.0  # on both sides of it, but never more than half of the temperature itself
REFRIGERANT_K = 80.0  # liquid nitrogen has 77 K
DEFAULT_PROFILE = "permanent-magnet"
MAGNETOCALORIC = "magnetocaloric"

_SURE = "µ0·Ms at the lower end of each order's 90 % interval, weighted with the order's probability (T)"
_TOO_HIGH = f"known to lie more than {MAX_E_ABOVE_HULL:g} eV/atom above the hull"
# not the lower end of the interval: it is zero wherever the Curie temperature may be below 300 K, for nine crystals in ten
_AT_WORK = "µ0·Ms at 300 K if FM or FiM (T) × P(FM or FiM) × P(Tc > 450 K)"
_NO_AFM = "set aside: what was measured as an antiferromagnet or without magnetic order"


def window_K(temperature_K: float) -> tuple[float, float]:
    """The Curie temperatures (K) that serve at a working temperature."""
    half = min(WINDOW_HALF_K, temperature_K / 2.0)
    return temperature_K - half, temperature_K + half


def in_window(low_K: float, high_K: float) -> str:
    """The formula of the profiles that want a Curie temperature in a window."""
    window = f"P({low_K:g} K < Tc < {high_K:g} K)" if low_K > 0 else f"P(Tc < {high_K:g} K)"
    score = f"µ0·Ms at 0 K if FM or FiM (T) × P(FM or FiM) × {window}"
    return f"score = {score}, from Tc and its 90 % interval; {_NO_AFM}, radioactive elements"


TEXTS = {  # name to purpose and formula
    DEFAULT_PROFILE: (
        "strong at 300 K, with an easy axis if the lattice allows one; no column says whether it is hard",
        f"score = {_AT_WORK} × (1 if tetragonal, trigonal or hexagonal, else {WITHOUT_AXIS:g}); {_NO_AFM}",
    ),
    "soft-magnet": (
        "strong at 300 K, whatever the lattice; cubic crystals tend to be soft", f"score = {_AT_WORK}; {_NO_AFM}"
    ),
    MAGNETOCALORIC: (
        "orders near the working temperature with a large moment", in_window(*window_K(WORKING_TEMPERATURE_K))
    ),
    "low-temperature-refrigerant": (
        "large moments that order below the temperature of liquid nitrogen", in_window(0.0, REFRIGERANT_K)
    ),
    "high-ms": ("the largest magnetisation that is sure, weighted with the probability of each order", f"score = {_SURE}"),
    "as-calculated": (
        "the largest moment that is sure in a calculation that starts ferromagnetic, however nature orders it",
        "score = µ0·Ms of the DFT moment at the lower end of its 90 % interval (T)",
    ),
    "rare-earth-free": (
        "strong magnets without rare earths",
        f"score = {_SURE}; set aside: rare earths (Sc, Y, La to Lu), radioactive elements, crystals {_TOO_HIGH}",
    ),
    "low-cost": (
        "magnetisation for little money",
        f"score = {_SURE} / (1 + price of the elements / "
        f"{CHEAP_USD_PER_KG:g} USD/kg); set aside: no known price, radioactive elements, crystals {_TOO_HIGH}",
    ),
    "explore": (
        "crystals that are not in the training data and whose magnetisation could be large",
        "score = P(FM or FiM) × µ0·Ms at the upper end of the 90 % interval (T); set aside: crystals of the training data, "
        f"duplicates, crystals {_TOO_HIGH}",
    ),
}  # fmt: skip
