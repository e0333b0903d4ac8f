"""Operations: ledger, worker processes, progress, provenance, metrics."""
