"""Two rankings of one question: what is new, withdrawn or moved, and why."""
