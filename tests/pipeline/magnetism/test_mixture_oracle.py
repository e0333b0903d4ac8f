"""The mixture over orders against its definition, written out for one crystal at a time as a list of weighted values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.stats import norm

from pipeline.magnetism.moment_constants import MomentConstants
from pipeline.magnetism.moment_facts import MomentFacts
from pipeline.magnetism.net_moment import Far, NetMoments, Orders, net_moments

Weighted = list[tuple[float, float]]  # (weight, value)
ROWS = 120
QUANTILES = [float(norm.ppf((k + 0.5) / 7)) for k in range(7)]  # of d, which count alike
OF_REDUCTION = (0.06, 0.88, 0.06)  # lower end, middle, upper end
CANTED = (0.0, 0.0, 0.03)
TEXTS = ("ions_4f", "fim_words")


@dataclass
class Crystals:
    """Random ones: with and without 4f moments, rules and measured orders, like the learned ones or not."""

    facts: MomentFacts
    d: np.ndarray
    d_std: np.ndarray
    far: Far
    orders: Orders
    constants: MomentConstants


def random_crystals(seed: int) -> Crystals:
    rng = np.random.default_rng(seed)

    def some(share: float, high: float = 1.0) -> np.ndarray:
        return np.where(rng.random(ROWS) < share, rng.uniform(0.05, high, ROWS), 0.0)

    texts = dict.fromkeys(TEXTS, np.full(ROWS, "", dtype=object))
    share = np.where(rng.random(ROWS) < 0.5, rng.uniform(0.0, 1.0, ROWS), np.nan)
    numbers = {
        "light_4f": some(0.3, 2.0), "heavy_4f": some(0.3, 3.0), "spin_4f": some(0.2, 3.0), "label_4f": some(0.2),
        "doubt_4f": some(0.3), "orbits_4f": rng.choice([0.0, 1.0, 1.4, 2.0, 3.0], ROWS), "typical_d": some(0.6, 2.0),
        "salt": rng.choice([0.0, 0.3, 0.5, 1.0], ROWS), "follows": some(0.2), "fim_share": share,
    }  # fmt: skip
    p = [np.where(rng.random(ROWS) < 0.6, rng.choice([0.0, 0.5, 1.0, 1.0, 1.0], ROWS), rng.random(ROWS)) for _ in range(3)]
    reductions = [tuple(np.sort(rng.uniform(0.0, 1.4, 3)).tolist()) for _ in range(6)]
    any_r = tuple(np.sort(rng.random(5)).tolist())
    constants = MomentConstants(*reductions, any_r, *rng.uniform(0.2, 0.8, 2).tolist(), 0.97, *rng.uniform(0.5, 2, 2).tolist())
    d = some(0.8, 3.0)
    far = Far(np.where(rng.random(ROWS) < 0.2, 1.0, some(0.3)), rng.uniform(0.0, 4.0, ROWS))
    orders = Orders(*p, rng.random(ROWS) < 0.3)
    return Crystals(MomentFacts(**numbers, **texts), d, rng.uniform(0.0, 1.0, ROWS) * d, far, orders, constants)


def ends(values: Weighted) -> tuple[float, float]:
    """The least values that, with all below them, have 5 % and 95 % of the weight."""
    found, total = [], sum(weight for weight, _ in values)
    for level in (0.05, 0.95):
        passed = 0.0
        for weight, value in sorted(values, key=lambda pair: pair[1]):
            passed += weight / total
            if passed >= level - 1e-9:
                found.append(value)
                break
    return found[0], found[1]


def mean(values: Weighted) -> float:
    return sum(weight * value for weight, value in values) / sum(weight for weight, _ in values)


def hull(orders: list[tuple[float, Weighted]]) -> tuple[float, float]:
    """From the least to the largest of the ends of all orders of 5 % and more."""
    every = [ends(values) for p, values in orders if p >= 0.05]
    return (min(a for a, _ in every), max(b for _, b in every)) if every else (0.0, 0.0)


def by_definition(given: Crystals, k: int) -> dict[str, float]:
    f, c, far = given.facts, given.constants, given.far
    d, measured = float(given.d[k]), bool(given.orders.measured[k])
    light, heavy, spin = float(f.light_4f[k]), float(f.heavy_4f[k]), float(f.spin_4f[k])
    p_d, aligned, ferro = float(given.orders.d_magnetic[k]), float(given.orders.aligned[k]), float(given.orders.ferro[k])

    std = min(max(float(given.d_std[k]), 0.1 * d), 0.6 * d) * (c.spread_salt if f.salt[k] >= 0.5 else c.spread_metal)
    weight = float(far.weight[k])
    wide = std + weight * max(float(far.above[k]) / QUANTILES[-1] - std, 0.0)
    narrow_d, wide_d = ([max(d + s * q, 0.0) for q in QUANTILES] for s in (std, wide))

    beside = zip(OF_REDUCTION, c.light_c, c.heavy_c, c.spin_c, strict=True)
    four_f = [(w, light * a - heavy * b - spin * s) for w, a, b, s in beside]
    part = min(max(float(f.orbits_4f[k]) - 1.0, 0.0), 1.0) if f.typical_d[k] < 0.05 else 0.0
    alone = [
        (w, (1 - part) * abs(light * a - heavy * b - spin * s) + part * abs((light - heavy) * m - spin * s))
        for w, a, b, m, s in zip(OF_REDUCTION, c.light_alone, c.heavy_alone, c.several_alone, c.spin_c, strict=True)
    ]
    total, doubt = light + heavy + spin, float(f.doubt_4f[k])
    has_4f = total >= 0.02
    ordered = [(w, v / (total**2 / (total**2 + doubt**2) if total > 0 else 1.0)) for w, v in alone]
    saturates = ordered if measured else alone

    known = bool(f.fim_share[k] < 0.8)  # the moments of a ferromagnet sum to 0.8 of their sizes or more

    def kept(rule: float) -> Weighted:
        rule = rule if known else 0.0
        return [(rule, float(f.fim_share[k]) if known else 0.0), *((0.2 * (1 - rule), r) for r in c.any_r)]

    def orders_of(of_d: list[float], rule: float) -> tuple[Weighted, Weighted]:
        summed = [(w, abs(one + v)) for one in of_d for w, v in four_f]
        return summed, [(w * u, abs(r * one + v)) for one in of_d for u, r in kept(rule) for w, v in four_f]

    fm, fim = orders_of(wide_d, c.rule_right)
    afm = [(1.0, d * share) for share in CANTED]
    fm_mean, fim_mean = (mean(values) for values in orders_of(narrow_d, c.rule_weight))
    of_alone = (1 - p_d) * aligned if measured else 1 - p_d
    said = {
        "net": p_d * aligned * (ferro * fm_mean + (1 - ferro) * fim_mean) + p_d * (1 - aligned) * mean(afm)
        + of_alone * mean(saturates)
    }  # fmt: skip
    low_fm, low_fim, low_afm, low_alone = (ends(values)[0] for values in (fm, fim, afm, saturates))
    said["sure"] = p_d * aligned * (ferro * low_fm + (1 - ferro) * low_fim) + p_d * (1 - aligned) * low_afm
    said["sure"] += (1 - p_d) * aligned * low_alone

    possible = aligned if measured else min(max(aligned, 0.08), 0.92)
    of_fm = max(p_d * possible * ferro, 0.0 if measured else 0.05 * weight)
    of_fim, of_afm = p_d * possible * (1 - ferro), p_d * (1 - possible)
    low, high = hull(
        [
            (of_fm, fm), (of_fim, fim), (of_afm, afm), (max((1 - p_d) * possible, of_alone), saturates),
            ((1 - p_d) * (1 - possible), [(1.0, 0.0)]),
        ]
    )  # fmt: skip
    said |= {"net_low": min(low, said["net"]), "net_high": max(high, said["net"])}

    p = p_d if has_4f else 1.0
    said["given"] = p * (ferro * fm_mean + (1 - ferro) * fim_mean) + (1 - p) * mean(ordered)
    least = 0.0 if measured else 0.05 * weight
    low, high = hull([(max(p * ferro, least), fm), (p * (1 - ferro), fim), (1 - p, ordered)])
    said |= {"given_low": min(low, said["given"]), "given_high": max(high, said["given"])}

    of_d = p_d >= 0.5 or not has_4f
    antiferromagnet = measured and aligned < 0.5
    share = 1.0 if ferro >= 0.5 else float(f.fim_share[k]) if known else float(np.mean(c.any_r))
    said |= {"d": 0.0 if antiferromagnet or not of_d else d * share, "ferri": float(ferro < 0.5 and of_d), "share": share}
    every_d = [(1.0, one) for one in wide_d]
    compensated = [(u, r * one) for one in wide_d for u, r in kept(c.rule_right)]
    low, high = hull([(of_fm, every_d), (of_fim, compensated), (of_afm + 1 - p_d, [(1.0, 0.0)])])
    said |= {"d_low": min(low, said["d"]), "d_high": max(high, said["d"])}

    shown = [0.0] * 3 if antiferromagnet else [v for _, v in (four_f if of_d else saturates)]
    # a reduction whose other valence turns the sign has no moment there
    reach = [v + step * doubt * np.sign(v) for v, step in zip(shown, (-1.0, 0.0, 1.0), strict=True)]
    reach = [one if one * v > 0 else 0.0 for one, v in zip(reach, shown, strict=True)]
    said |= {"f": shown[1], "f_low": min(reach), "f_high": max(reach)}
    return said


@pytest.mark.parametrize("seed", range(3))
def test_it_is_the_mixture_of_its_definition(seed: int) -> None:
    given = random_crystals(seed)
    found: NetMoments = net_moments(given.facts, given.d, given.d_std, given.far, given.orders, given.constants)
    wanted = [by_definition(given, k) for k in range(ROWS)]
    for name in wanted[0]:
        np.testing.assert_allclose(getattr(found, name), [one[name] for one in wanted], rtol=1e-9, atol=1e-9, err_msg=name)
    assert (found.net_low <= found.net).all() and (found.net <= found.net_high).all()
