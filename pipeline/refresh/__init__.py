"""Data sets kept up to date: one writer, whole snapshots, and only what moved over the wire."""
