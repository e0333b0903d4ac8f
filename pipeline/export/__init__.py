"""From a ranking to input files for density-functional theory: crystals, magnetic orderings, VASP, Quantum ESPRESSO."""
