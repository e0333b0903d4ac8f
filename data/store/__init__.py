"""How data are stored: complete files, one writer at a time, format versions."""
