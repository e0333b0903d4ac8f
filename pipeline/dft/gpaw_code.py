"""GPAW, an open-source DFT code that can be installed from a package index together with its PAW data sets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

from data.errors import UserError
from pipeline.dft.settings import DftSettings

GPAW = f"{__name__}:Gpaw"
SYMMETRY_TOLERANCE = 1e-5  # of fractions; with its own 1e-7 GPAW 26.7 refuses cells whose vectors are rounded at 1e-9 Å
PATIENCE_S = 120.0  # to import it from a slow disk
HOW = (
    "`CC=g++ pip install -e '.[dft]'` compiles it (on Debian and Ubuntu first `apt install g++ libopenblas-dev libxc-dev`); "
    "https://gpaw.readthedocs.io/install.html knows other ways"
)


QUICK_STEPS = 60  # before a slower mixing is tried; small magnets converge in about ten


class Gpaw:
    """GPAW with quick mixing, then, where that does not converge, with a slow one. Both converge to the same result."""

    MIXINGS: ClassVar[tuple[float, ...]] = (0.25, 0.08)  # share of the new density in each step

    @property
    def program(self) -> str:
        import gpaw

        return f"GPAW {gpaw.__version__}"

    def calculators(self, settings: DftSettings, lattice: Any) -> Iterator[Any]:
        *quick, last = self.MIXINGS
        for mixing in quick:
            yield self._calculator(settings, lattice, mixing, min(QUICK_STEPS, settings.max_steps))
        yield self._calculator(settings, lattice, last, settings.max_steps)

    def _calculator(self, settings: DftSettings, lattice: Any, mixing: float, steps: int) -> Any:
        from gpaw import GPAW as Calculator
        from gpaw import PW, FermiDirac, MixerSum

        convergence = {
            "energy": settings.energy_tolerance_eV, "density": settings.density_tolerance,
            "eigenstates": settings.state_tolerance_eV2,
        }  # fmt: skip
        return Calculator(
            mode=PW(settings.cutoff_eV), xc=settings.functional, kpts={"size": settings.mesh(lattice), "gamma": True},
            occupations=FermiDirac(settings.smearing_eV), mixer=MixerSum(mixing, 5, 50), convergence=convergence,
            maxiter=steps, symmetry={"tolerance": SYMMETRY_TOLERANCE}, txt="-",
        )  # fmt: skip

    @property
    def unconverged(self) -> tuple[type[Exception], ...]:
        from gpaw import KohnShamConvergenceError

        return (KohnShamConvergenceError,)


def need_gpaw() -> None:
    """Check that GPAW starts. The check runs in a process of its own, because a GPAW with MPI would start MPI in this one.

    Raises:
        UserError: GPAW is not installed, or does not start; the message says what to do.
    """
    from importlib.util import find_spec

    if find_spec("gpaw") is None:
        raise UserError(f"calculations need GPAW, which is not installed: {HOW}")
    try:
        tried = subprocess.run([sys.executable, "-c", "import gpaw"], capture_output=True, text=True, timeout=PATIENCE_S)
        why = "" if tried.returncode == 0 else (tried.stderr.strip().splitlines() or ["it says nothing"])[-1]
    except subprocess.TimeoutExpired:
        why = f"no answer within {PATIENCE_S:g} s"
    if why:
        raise UserError(f"GPAW is installed but does not start ({why[:200]}); put it right, or install it again: {HOW}")
