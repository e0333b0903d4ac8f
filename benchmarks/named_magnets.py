"""Twenty magnets with their structures from textbooks and their measured moments at low temperature.

µB per atom; values per formula unit are those of Coey, Magnetism and Magnetic Materials (2010), of Buschow, Rep. Prog. Phys. 40,
1179 (1977) for rare earths with iron or cobalt, of Hirosawa et al., J. Appl. Phys. 59, 873 (1986) for Nd2Fe14B, of Takei et al.
(1962) for Mn4N, and of de Castro et al., NPG Asia Mater. 12, 35 (2020) for HoB2 (ordered moment by neutrons).
"""

from __future__ import annotations

from dataclasses import dataclass

from pymatgen.core import Lattice, Structure

Sites = tuple[tuple[str, tuple[float, float, float]], ...]


@dataclass(frozen=True)
class NamedMagnet:
    """A compound: its structure in the first setting of the space group's symbol, or the id of a crystal of mp_magnets."""

    formula: str
    measured_muB_per_atom: float
    group: str = ""
    lattice_A: tuple[float, ...] = ()  # a, or a and c
    sites: Sites = ()
    material_id: str = ""
    hexagonal: bool = False

    def structure(self) -> Structure:
        """The conventional cell. Only for one with a space group."""
        a, c = self.lattice_A[0], self.lattice_A[-1]
        lattice = Lattice.hexagonal(a, c) if self.hexagonal else Lattice.tetragonal(a, c)
        species, frac = [name for name, _ in self.sites], [list(place) for _, place in self.sites]
        return Structure.from_spacegroup(self.group, lattice, species, frac)


def _laves(element: str, a: float, measured: float) -> NamedMagnet:
    return NamedMagnet(f"{element}Fe2", measured, "Fd-3m", (a,), ((element, (0, 0, 0)), ("Fe", (0.625, 0.625, 0.625))))


def _cacu5(element: str, a: float, c: float, measured: float) -> NamedMagnet:
    sites: Sites = ((element, (0, 0, 0)), ("Co", (1 / 3, 2 / 3, 0)), ("Co", (0.5, 0, 0.5)))
    return NamedMagnet(f"{element}Co5", measured, "P6/mmm", (a, c), sites, hexagonal=True)


def _rock_salt(metal: str, anion: str, a: float, measured: float) -> NamedMagnet:
    return NamedMagnet(metal + anion, measured, "Fm-3m", (a,), ((metal, (0, 0, 0)), (anion, (0.5, 0.5, 0.5))))


_ND2FE14B: Sites = (  # Herbst, Rev. Mod. Phys. 63, 819 (1991)
    ("Nd", (0.268, 0.268, 0)), ("Nd", (0.140, 0.860, 0)), ("Fe", (0.223, 0.567, 0.127)), ("Fe", (0.037, 0.360, 0.176)),
    ("Fe", (0.098, 0.098, 0.204)), ("Fe", (0.317, 0.317, 0.246)), ("Fe", (0.5, 0.5, 0.114)), ("Fe", (0, 0.5, 0)),
    ("B", (0.371, 0.629, 0)),
)  # fmt: skip
NAMED = (
    NamedMagnet(
        "Fe3O4", 4.1 / 7, "Fd-3m", (8.396,),
        (("Fe", (0, 0, 0)), ("Fe", (0.625, 0.625, 0.625)), ("O", (0.3799, 0.3799, 0.3799))),
    ),
    _cacu5("Gd", 4.976, 3.973, 1.37 / 6),
    _laves("Gd", 7.40, 3.6 / 3),
    NamedMagnet("BaFe12O19", 20.0 / 32, material_id="mp-1228836"),
    NamedMagnet("Y3Fe5O12", 5.0 / 20, material_id="mp-4704"),
    NamedMagnet("NiFe2O4", 2.3 / 7, material_id="mp-699378"),
    NamedMagnet(
        "Mn2Sb", 1.74 / 3, "P4/nmm", (4.08, 6.56), (("Mn", (0, 0, 0)), ("Mn", (0, 0.5, 0.295)), ("Sb", (0, 0.5, 0.720))),
    ),
    _laves("Dy", 7.325, 5.5 / 3),
    _laves("Tb", 7.347, 4.72 / 3),
    _cacu5("Ho", 4.880, 4.006, 1.1 / 6),
    NamedMagnet("Nd2Fe14B", 37.7 / 17, "P4_2/mnm", (8.80, 12.20), _ND2FE14B),
    NamedMagnet(
        "Sm2Co17", 27.0 / 19, "R-3m", (8.395, 12.216),
        (
            ("Sm", (0, 0, 0.343)), ("Co", (0, 0, 0.097)), ("Co", (0.5, 0, 0.5)), ("Co", (0.289, 0, 0)),
            ("Co", (0.501, 0.499, 0.155)),
        ),
        hexagonal=True,
    ),
    NamedMagnet("HoB2", 6.76 / 3, "P6/mmm", (3.28, 3.81), (("Ho", (0, 0, 0)), ("B", (1 / 3, 2 / 3, 0.5))), hexagonal=True),
    _rock_salt("Eu", "O", 5.144, 6.9 / 2),
    _rock_salt("Gd", "N", 4.98, 6.9 / 2),
    NamedMagnet("Fe", 2.22, "Im-3m", (2.866,), (("Fe", (0, 0, 0)),)),
    NamedMagnet("Co", 1.72, "P6_3/mmc", (2.507, 4.069), (("Co", (1 / 3, 2 / 3, 0.25)),), hexagonal=True),
    NamedMagnet("Ni", 0.616, "Fm-3m", (3.524,), (("Ni", (0, 0, 0)),)),
    NamedMagnet("FeCo", 2.40, "Pm-3m", (2.857,), (("Fe", (0, 0, 0)), ("Co", (0.5, 0.5, 0.5)))),
    NamedMagnet(
        "Mn4N", 1.2 / 5, "Pm-3m", (3.865,), (("Mn", (0, 0, 0)), ("Mn", (0, 0.5, 0.5)), ("N", (0.5, 0.5, 0.5))),
    ),
)  # fmt: skip
