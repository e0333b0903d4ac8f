"""The sums over neighbours, beside torch_geometric's: the same bits, gradients included."""

from __future__ import annotations

import torch
from torch import Tensor
from torch_geometric.utils import scatter, softmax

from models.networks.layers import GaussianBasis, silu, softmax_within, squares, times, weighted_sum

ITEMS, SIZE, WIDTH = 500, 40, 7
SUM = 1e-5  # of some twelve terms of size five, in another order


def drawn() -> tuple[Tensor, Tensor, Tensor]:
    """values, weights, and an index that leaves some places empty."""
    torch.manual_seed(0)
    return torch.randn(ITEMS, WIDTH), 5 * torch.randn(ITEMS), torch.randint(0, SIZE - 3, (ITEMS,))


def gradients(result: Tensor, *inputs: Tensor) -> list[Tensor]:
    return list(torch.autograd.grad((result * torch.linspace(0, 1, result.numel()).view_as(result)).sum(), inputs))


def test_weighted_sum() -> None:
    values, weight, index = (one.requires_grad_() if one.is_floating_point() else one for one in drawn())
    ours = weighted_sum(values, weight, index, SIZE)
    theirs = scatter(values * weight[:, None], index, dim=0, dim_size=SIZE, reduce="sum")
    assert torch.equal(ours, theirs)
    for mine, other in zip(gradients(ours, values, weight), gradients(theirs, values, weight), strict=True):
        assert torch.equal(mine, other)


def test_softmax_within() -> None:
    _, score, index = drawn()
    score.requires_grad_()
    ours, theirs = softmax_within(score, index, SIZE), softmax(score, index, num_nodes=SIZE)
    assert torch.equal(ours, theirs)
    assert torch.equal(gradients(ours, score)[0], gradients(theirs, score)[0])


def test_sums_without_gradients_are_the_same() -> None:
    """Ascending indices take another way, with empty places at either end; any other index must not."""
    values, weight, index = drawn()
    ascending = index.sort()[0] + 2
    for one in (index, ascending, ascending[:1], ascending[:0]):
        part, own = values[: len(one)], weight[: len(one)]
        recorded = weighted_sum(part, own, one, SIZE)
        with torch.inference_mode():
            plain = weighted_sum(part, own, one, SIZE)
        torch.testing.assert_close(plain, recorded, rtol=0, atol=SUM)


def test_in_place_only_without_gradients() -> None:
    x = torch.linspace(-3, 3, 7)
    wanted = torch.nn.functional.silu(x)
    kept = x.clone().requires_grad_()
    assert torch.equal(silu(kept), wanted) and torch.equal(kept, x)
    assert torch.equal(times(kept, x), x * x) and torch.equal(kept, x)
    with torch.no_grad():
        assert torch.equal(silu(x.clone()), wanted) and torch.equal(times(x.clone(), x), x * x)


def test_squares_are_those_of_norms() -> None:
    vectors = torch.randn(50, 3, 4, dtype=torch.float64)
    torch.testing.assert_close(squares(vectors), vectors.norm(dim=1) ** 2)


def test_a_basis_is_shared_only_with_the_same_centres_and_width() -> None:
    distance, known = torch.linspace(0, 9, 20), []  # type: ignore[var-annotated]
    shapes = [(8.0, 0.5), (8.0, 0.5), (8.0, 0.6), (7.0, 0.5)]
    bases = [GaussianBasis(0.0, reach, 16, width) for reach, width in shapes]
    said = [basis.shared(distance, known) for basis in bases]
    assert said[1] is said[0] and len(known) == 3
    assert all(torch.equal(one, basis(distance)) for one, basis in zip(said, bases, strict=True))
