"""The loss of a critic that knows nothing: what each loss of an adversary is where all scores are equal."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import attrs
import torch
from torch import Tensor

from unbraid.flow import ArithmeticOp, ComponentOp, Flow, NetworkOp, Node, NumberOp, PlayerGraph, below, reached
from unbraid_configs import Recipe
from unbraid_registry import FormerPlugins, registry

ROWS = 8                                           # of the scores that stand in for a batch's
CONSTANTS = torch.linspace(-1, 1, 41).tolist()     # scores of a critic that gives every image the same one


@attrs.frozen
class Level:
    """The loss of an adversary at chance.

    terms: `player/term` -> weight, 1 where it is one alone; several where one says nothing, as the losses on real
        images and on fake ones.
    chance: the weighted sum of these terms where every image gets the same score.
    """

    terms: Mapping[str, float]
    chance: float

    @property
    def names(self) -> str:
        """The terms, as a message has them."""
        return " + ".join(self.terms)

    def of(self, numbers: Mapping[str, float]) -> float | None:
        """Return the weighted sum of logged terms; None where one was not logged, or is not finite."""
        values = [weight * numbers.get(name, math.nan) for name, weight in self.terms.items()]
        return total if math.isfinite(total := sum(values)) else None


def chance_levels(recipe: Recipe) -> list[Level]:
    """Return the losses at chance of a recipe's adversaries.

    At chance means: every image gets the same score, the best one for all losses of the player together (for
    `gan.tell_apart` 0, and the loss is 2 ln 2). Terms that are not made of losses of scores (gradient penalties,
    classes) have no such level, nor have those where it is 0 (a Wasserstein critic's loss has no scale).
    """
    flow = Flow(recipe, FormerPlugins(registry()))
    players = {name: flow.player(name) for name in recipe.players}
    return [level for name in adversaries(recipe, players)
            for level in _levels(players[name], frozenset(recipe.players[name].trains)) if level.chance > 0]


def adversaries(recipe: Recipe, players: Mapping[str, PlayerGraph]) -> Iterator[str]:
    """Yield the players whose networks others train against: they send gradients through them, and don't train them."""
    for name, player in recipe.players.items():
        judges = frozenset(player.trains)
        rivals = {other: frozenset(recipe.players[other].trains) for other in players}
        if any(node.uses & judges for other, own in rivals.items() if not own & judges
               for term in players[other].terms for node in reached(term.node, own)):
            yield name


def _levels(player: PlayerGraph, judges: frozenset[str]) -> Iterator[Level]:
    """Yield the levels of single terms, and one of those terms that only together have a best score."""
    curves = {term.name: curve for term in player.terms if (curve := _curve(term.node, judges)) is not None}
    weights = {term.name: abs(term.weight.at(0)) or 1.0 for term in player.terms}
    if not curves:
        return
    best = min(range(len(CONSTANTS)), key=lambda i: sum(weights[name] * c[i] for name, c in curves.items()))
    alone = {name for name, curve in curves.items() if curve[best] <= 1.001 * min(curve)}
    for names in (*([name] for name in curves if name in alone), [name for name in curves if name not in alone]):
        if names:
            terms = {name: weights[name] if len(names) > 1 else 1.0 for name in names}
            yield Level({f"{player.name}/{name}": weight for name, weight in terms.items()},
                        sum(weight * curves[name][best] for name, weight in terms.items()))


def _curve(term: Node, judges: frozenset[str]) -> list[float] | None:
    """Return the loss at each of the constants, or None where the term is no loss of the judges' scores alone."""
    losses = [n for n in below(term) if isinstance(n.op, ComponentOp) and n.op.component.kind == "loss"]
    if not any(_judged(i, judges) for loss in losses for i in loss.inputs):
        return None
    for width in (1, 2):                           # one score for an image, or two logits
        try:
            return [float(_value(term, judges, torch.full((ROWS, width), c))) for c in CONSTANTS]
        except (_NoScores, ArithmeticError, AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            continue                               # a loss of classes, of networks, of something else than scores
    return None


class _NoScores(Exception):
    """The term is made of more than numbers and losses of scores."""


def _value(node: Node, judges: frozenset[str], scores: Tensor) -> Tensor | float:
    match node.op:
        case NumberOp(weight=weight):
            return weight.number
        case ArithmeticOp(sign="+" | "-" | "*" as sign):
            left, right = (_value(i, judges, scores) for i in node.inputs)
            return left + right if sign == "+" else left - right if sign == "-" else left * right
        case ComponentOp(component=component, options=options, address=None) if component.kind == "loss":
            stand_ins = [_stand_in(i, judges, scores) for i in node.inputs]
            return component.target(*stand_ins, **dict(options))
    raise _NoScores


def _stand_in(node: Node, judges: frozenset[str], scores: Tensor) -> Tensor | float:
    """Return what stands for an input of a loss: equal scores of the critic, a number, or undecided targets."""
    if _judged(node, judges):
        return scores
    return node.op.weight.number if isinstance(node.op, NumberOp) else torch.full_like(scores, 0.5)


def _judged(node: Node, judges: frozenset[str]) -> bool:
    """Return whether a value is what a judge says, or a part of it."""
    while node.inputs and not isinstance(node.op, NetworkOp | ComponentOp):
        node = node.inputs[0]
    return isinstance(node.op, NetworkOp) and node.op.network in judges
