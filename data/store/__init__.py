"""How data are kept: whole files, one writer, versions."""
