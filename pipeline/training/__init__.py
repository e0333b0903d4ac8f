"""From a snapshot to a trained ensemble: data set, splits, members, label noise."""
