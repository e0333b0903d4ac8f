"""matgl's MEGNet with its own defaults, as a peer; needs `pip install matgl==4.1.2` beside ferroscreen."""

from __future__ import annotations

from typing import Any

import torch

from data.crystal import Crystal


def available() -> bool:
    try:
        import matgl  # noqa: F401
    except ImportError:
        return False
    return True


class MatglMEGNet:
    """Graphs are built once, as for the other networks; each call is one pass over all crystals."""

    def __init__(self, crystals: list[Crystal]) -> None:
        from matgl.ext.pymatgen import Structure2Graph
        from matgl.models import MEGNet

        self.model = MEGNet()
        convert = Structure2Graph(element_types=self.model.element_types, cutoff=4.0)
        self.graphs: list[Any] = []
        for crystal in crystals:
            graph, lattice, state = convert.get_graph(crystal.to_pymatgen())
            graph.pbc_offshift = torch.matmul(graph.pbc_offset, lattice[0])
            graph.pos = graph.frac_coords @ lattice[0]
            self.graphs.append((graph, lattice, torch.tensor(state), {"moment": 0.5}))

    def infer(self) -> None:
        self.model.eval()
        with torch.inference_mode():
            for graph, _, state, _ in self._batches():
                self.model(g=graph, state_attr=state)

    def train(self) -> None:
        self.model.train()
        optimiser = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        for graph, _, state, target in self._batches():
            loss = ((self.model(g=graph, state_attr=state) - target) ** 2).mean()
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()

    def _batches(self) -> Any:
        from matgl.graph.data import collate_fn_graph

        return (collate_fn_graph(self.graphs[k : k + 64]) for k in range(0, len(self.graphs), 64))
