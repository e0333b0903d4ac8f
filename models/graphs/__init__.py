"""Crystals as packed arrays of graphs, and the batches of tensors that networks read."""
