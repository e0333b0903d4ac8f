"""Learned canonicalization (arXiv 2211.06489): frames of point sets and of crystals, and the N-body task in a learned frame."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from models.graphs.frames import VectorFrame, VectorLinear
from models.published.canonicalization import Canonical
from models.published.nbody import generate
from models.published.nbody_channels import mean_error, train
from models.published.nbody_frames import LABELS, random_turns
from pipeline.demos.crystals import exact_examples, turned, well_known
from pipeline.demos.demonstration import Check, Demonstration
from pipeline.demos.figures import dots

EXACT, BROKEN, CRYSTAL, RATIO = 1e-10, 0.1, 1e-5, 0.7


@dataclass(frozen=True)
class Size:
    """How much is computed."""

    counts: tuple[int, int, int] = (3000, 500, 1000)
    seconds: float = 60.0  # processor time for each network


SIZES = {False: Size(), True: Size((60, 20, 20), 1.0)}


class BiasedLinear(nn.Module):
    """The fault of the reference code: a bias on the components of vectors."""

    def __init__(self, layer: VectorLinear) -> None:
        super().__init__()
        self.layer = layer
        self.bias = torch.randn(layer.own.out_features, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x) + self.bias
        return y


def demonstrate(smoke: bool, seed: int) -> Demonstration:
    """Test frames, then compare a plain network with the same one in a learned frame on turned motions."""
    torch.set_num_threads(1)
    size = SIZES[smoke]
    frames, biased, crystals = frame_disagreement(seed, False), frame_disagreement(seed, True), crystal_disagreement(seed)
    learn, choose, test = generate(counts=size.counts)
    other = test.turned(random_turns(len(test), seed))
    errors, rows = {}, []
    for kind, label in LABELS.items():
        torch.manual_seed(seed)
        network = kind()
        epochs = train(network, learn, choose, seed, size.seconds)
        errors[label] = mean_error(network, other)
        rows.append([label, f"{mean_error(network, test):.5f}", f"{errors[label]:.5f}", str(epochs)])
    plain, framed = errors.values()
    checks = [
        Check("frames turn with their points, reflections included, < 1e-10", f"{frames:.0e}", frames < EXACT),
        Check("with a bias on vectors they do not (negative test), > 0.1", f"{biased:.1f}", biased > BROKEN),
        Check("Fe, MnO, Co2MnSi, MnF2 turned: predictions differ by < 1e-5 µB/atom", f"{crystals:.0e}", crystals < CRYSTAL),
        Check(
            f"MSE of turned motions, framed over plain, < {RATIO}",
            f"{framed / plain:.2f}",
            None if smoke else framed < RATIO * plain,
        ),
    ]
    figure = dots("Test error of turned N-body motions", "test MSE", {label: [error] for label, error in errors.items()})
    return Demonstration(
        "Learned canonicalization", ("network", "MSE as generated", "MSE turned", "epochs"), rows, checks, figure
    )


def frame_disagreement(seed: int, biased: bool) -> float:
    """The largest difference between the frame of turned points and the turned frame, in float64."""
    torch.manual_seed(seed)
    network = VectorFrame(channels=2).double()
    for name, layer in list(network.layers.named_children()):
        if biased and isinstance(layer, VectorLinear):
            network.layers[int(name)] = BiasedLinear(layer)
    x = torch.randn(6, 5, 3, 2, dtype=torch.float64)
    turns = torch.linalg.qr(torch.randn(8, 3, 3, dtype=torch.float64))[0]
    turns[::2] *= -1.0  # of either handedness
    with torch.no_grad():
        return max(float((network(torch.einsum("ij,...jc->...ic", q, x)) - network(x) @ q.T).abs().max()) for q in turns)


def crystal_disagreement(seed: int) -> float:
    """The largest difference in µB/atom between predictions of crystals in random poses, by a network with random weights."""
    torch.manual_seed(seed)
    model = Canonical()
    model.network.double().eval()
    examples = exact_examples(list(well_known().values()))
    plain = model.predict(examples).moment
    return max(float(abs(model.predict(turned(examples, seed + k)).moment - plain).max()) for k in range(3))
