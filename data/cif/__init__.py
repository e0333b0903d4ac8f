"""CIF and magCIF: from text to crystals."""
