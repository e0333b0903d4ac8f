"""The report room: a screen's ranking, errors and rejections as one self-contained HTML page."""
