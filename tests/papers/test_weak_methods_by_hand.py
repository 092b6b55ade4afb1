"""Challenges, UNIT and Mathieu et al. as the papers' equations in a plain loop: the engine makes the same weights.

Pixels are in [-1, 1] here, as in the papers; the recipes' weights are for pixels in [0, 1].
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from by_hand import Hand, compare
from torch import Tensor
from torch.nn import functional as F

pytestmark = pytest.mark.usefixtures("double_precision")


def square(y: Tensor, x: Tensor) -> Tensor:
    return F.mse_loss(2 * y - 1, 2 * x - 1)


def absolute(y: Tensor, x: Tensor) -> Tensor:
    return F.l1_loss(2 * y - 1, 2 * x - 1)


def yes(score: Tensor) -> Tensor:
    return -F.logsigmoid(score).mean()


def no(score: Tensor) -> Tensor:
    return -F.logsigmoid(-score).mean()


def test_challenges(source: dict[str, Any]) -> None:
    recipe = {"base": "challenges", "code": {"varying": 5, "common": 3},
              "data": {"source": source, "draw": {"x2": {"same": "kind", "as": "x1"}}, "batch": 4}}

    def loop(h: Hand, step: int) -> None:
        x1, x2, x3 = (h.draw(step, n) for n in ("x1", "x2", "x3"))
        (v1, c1), (v2, c2), (v3, _) = (h.encoder(x).split([5, 3], 1) for x in (x1, x2, x3))
        x31 = h.generator(torch.cat([v3, c1], 1))
        h.move("critic", yes(h.critic(x1, x2)) + no(h.critic(h.constant(x31), x2)))
        swap = square(h.generator(torch.cat([v1, c2], 1)), x1) + square(h.generator(torch.cat([v2, c1], 1)), x2)
        h.move("autoencoder", swap + 20 * yes(h.critic(x31, x2)))

    compare(recipe, ("networks.encoder.width=4", "networks.generator.width=4", "networks.critic.width=6"), loop)


def test_unit(source: dict[str, Any]) -> None:
    recipe = {"base": "unit", "code": {"content": 16}, "data": {"sources": {"a": source, "b": source}, "batch": 2}}

    def loop(h: Hand, step: int) -> None:
        xa, xb = h.draw(step, "xa"), h.draw(step, "xb")

        def mean(front: Any, x: Tensor) -> Tensor:
            return h.inner(front(x)).mean

        def near(mu: Tensor, line: str, number: int = 1) -> Tensor:
            return mu + h.normal(step, line, mu, number)

        ma, mb = mean(h.front_a, xa), mean(h.front_b, xb)
        za, zb = near(ma, "za"), near(mb, "zb")
        xab, xba = h.back_b(h.outer(za)), h.back_a(h.outer(zb))
        h.move("critics", 10 * (yes(h.critic(h.look_a(xa))) + no(h.critic(h.look_a(h.constant(xba))))
                                + yes(h.critic(h.look_b(xb))) + no(h.critic(h.look_b(h.constant(xab))))))
        mab, mba = mean(h.front_b, xab), mean(h.front_a, xba)
        prior = sum(m.square().mean() for m in (ma, mb, mab, mba))
        rebuild = absolute(h.back_a(h.outer(za)), xa) + absolute(h.back_b(h.outer(zb)), xb)
        again_a, again_b = near(mab, "translator.cycle", 1), near(mba, "translator.cycle", 2)
        cycle = absolute(h.back_a(h.outer(again_a)), xa) + absolute(h.back_b(h.outer(again_b)), xb)
        fooled = yes(h.critic(h.look_a(xba))) + yes(h.critic(h.look_b(xab)))
        h.move("translator", 0.1 * prior + 100 * rebuild + 100 * cycle + 10 * fooled)

    compare(recipe, tuple(f"networks.{n}_{side}.width=4" for n in ("front", "look") for side in "ab"), loop)


def test_unit_adaptation(source: dict[str, Any]) -> None:
    digits = {**source, "size": 32}
    recipe = {"base": "unit-adaptation", "code": {"content": 32}, "weights": {"match": 1e-4 * 128},     # features here
              "data": {"sources": {"a": digits, "b": digits}, "batch": 3}}

    def loop(h: Hand, step: int) -> None:
        xa, xb, label = h.draw(step, "xa"), h.draw(step, "xb"), h.draw(step, "xa", "kind")
        qa, qb = h.inner(h.front_a(xa)), h.inner(h.front_b(xb))
        za = qa.mean + qa.std * h.normal(step, "za", qa.mean)
        zb = qb.mean + qb.std * h.normal(step, "zb", qb.mean)
        ua, ub = h.outer(za), h.outer(zb)
        xaa, xbb, xab, xba = h.back_a(ua), h.back_b(ub), h.back_b(ua), h.back_a(ub)

        def judged(a: list[Tensor], b: list[Tensor]) -> list[Any]:
            return [h.critic(h.look_a(x)).parts for x in a] + [h.critic(h.look_b(x)).parts for x in b]

        a, aa, ba, b, bb, ab = judged([xa, *map(h.constant, (xaa, xba))], [xb, *map(h.constant, (xbb, xab))])
        real = yes(a["score"]) + yes(b["score"])
        made = 0.5 * sum(no(v["score"]) for v in (aa, ba, bb, ab))
        match = sum((u["features"] - v["features"]).square().sum() / len(xa) for u, v in ((ab, aa), (ba, bb)))
        h.move("critics", real + made + 10 * F.cross_entropy(a["kind"], label) + 1e-4 * match)
        prior = sum((q.mean.square() + q.std.square() - q.std.square().log()).sum() / len(xa) for q in (qa, qb))
        rebuild = sum((2 * (y - x)).square().sum() / len(x) for y, x in ((xaa, xa), (xbb, xb)))
        fooled = sum(yes(v["score"]) for v in judged([xaa, xba], [xbb, xab]))
        h.move("translator", 1e-4 * prior + 1e-3 * rebuild + fooled)

    compare(recipe, (*(f"networks.{n}_{side}.width=4" for n in ("front", "look") for side in "ab"),
                     "networks.critic.label=kind",
                     "players.critics.minimizes.name=name * cross_entropy(judge_a(xa).kind, xa.kind)",
                     "functions.classify(x)=judge_b(x).kind"), loop)


def test_mathieu(source: dict[str, Any]) -> None:
    recipe = {"base": "mathieu", "code": {"z": 6, "s": 4},
              "data": {"source": source, "draw": {"x2": {"same": "kind", "as": "x1"}}, "batch": 4},
              "functions": {"real(x, y)": "critic(x, y.kind)"}}

    def asked(score: Tensor, wanted: float) -> Tensor:
        return F.binary_cross_entropy(score.sigmoid(), torch.full_like(score, wanted))

    def loop(h: Hand, step: int) -> None:
        x = {n: h.draw(step, f"x{n}") for n in (1, 2, 3)}
        told = {n: F.one_hot(h.draw(step, f"x{n}", "kind"), 4).double() for n in (2, 3)}
        q, s, z = {}, {}, {}
        for n in x:
            found = h.encoder(x[n]).parts
            q[n], s[n] = found["z"], found["s"].tensor
            z[n] = q[n].mean.tensor + q[n].std * h.normal(step, f"z{n}", q[n].logvar)
        x32, x23 = h.generator(z[3], s[2]), h.generator(z[2], s[3])
        h.move("critic", asked(h.critic(x[2], told[2]), 0.95) + asked(h.critic(x[3], told[3]), 0.95)
               + asked(h.critic(h.constant(x32), told[2]), 0) + asked(h.critic(h.constant(x23), told[3]), 0))
        rebuild = sum(square(h.generator(z[n], s[n]), x[n]) for n in x)
        swap = square(h.generator(z[1], s[2]), x[1]) + square(h.generator(z[2], s[1]), x[2])
        fooled = asked(h.critic(x32, told[2]), 0.95) + asked(h.critic(x23, told[3]), 0.95)
        prior = sum(0.5 * (v.mean.tensor.square() + v.std.square() - v.logvar - 1).sum() / 4 for v in q.values())
        h.move("autoencoder", 0.5 * rebuild + swap + 0.01 * fooled + 2e-4 * prior)

    compare(recipe, tuple(f"networks.{n}.width=2" for n in ("encoder", "generator", "critic")), loop)
