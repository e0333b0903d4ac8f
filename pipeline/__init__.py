"""First floor: the steps as plain functions, in the order data takes: features, learning, screening, report."""
