"""Calibrated errors: error model, conformal intervals, applicability domain, probabilities."""
