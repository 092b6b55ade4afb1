"""UNIT: what the domains share is one thing, which both train; and the cycle brings an image back.

A variant that shares nothing, or has no cycle, is told from the method.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from by_hand import players_of
from squares import as_images, drawn, merged, source, trained
from torch import Tensor

from unbraid.engine import Players
from unbraid.flow import below
from unbraid.model import computation

UNSHARED = {
    "networks": {"inner": None, "outer": None, "inner_a, inner_b": {"type": "unit.inner"},
                 "outer_a, outer_b": {"type": "unit.outer"}},
    "functions": {f"{kind}_{side}({of})": f"{last}_{side}({first}_{side}({of}))"
                  for side in "ab" for kind, last, first, of in (("encode", "inner", "front", "x"),
                                                                 ("decode", "back", "outer", "z"))},
    "players": {"translator": {"trains": [f"{box}_{side}" for box in ("front", "inner", "outer", "back")
                                          for side in "ab"]}},
}
OWN_CRITICS = {
    "networks": {"critic": None, "critic_a, critic_b": {"type": "unit.digit_critic", "label": "colour"}},
    "functions": {"judge_a(x)": "critic_a(look_a(x))", "judge_b(x)": "critic_b(look_b(x))"},
    "players": {"critics": {"trains": ["look_a", "look_b", "critic_a", "critic_b"]}},
}


def translation(folder: Path, seed: int = 0) -> dict[str, Any]:
    """UNIT between squares on black and their negatives."""
    return {
        "base": "unit", "code": {"content": 32},
        "data": {"sources": {"a": source(folder, drawn(8)), "b": source(folder, 255 - drawn(8))}, "batch": 16},
        "networks": {"front_a, front_b": {"width": 8, "blocks": 0}, "back_a, back_b": {"blocks": 0},
                     "look_a, look_b": {"width": 8}, "critic": {"layers": 1}},
        "train": {"seed": seed, "optimizer": {"lr": "5.0e-3"}}}


def adaptation(folder: Path) -> dict[str, Any]:
    """UNIT's adaptation of the names of colours, from squares on black to their negatives."""
    return {
        "base": "unit-adaptation", "code": {"content": 16},
        "data": {"sources": {"a": source(folder, drawn(32)), "b": source(folder, 255 - drawn(32))}, "batch": 4},
        "networks": {"front_a, front_b": {"width": 2}, "look_a, look_b": {"width": 2}, "critic": {"label": "colour"}},
        "functions": {"classify(x)": "judge_b(x).colour"},
        "players": {"critics": {"minimizes": {"name": "name * cross_entropy(judge_a(xa).colour, xa.colour)"}}}}


def slopes(players: Players, expression: str, network: str) -> list[Tensor | None]:
    """The gradient of a watched value with respect to a network's weights, in the first round."""
    root = players.method.watched[expression]
    needs = frozenset((n.op.draw, n.op.field) for n in below(root) if hasattr(n.op, "draw"))
    players.interpreter.open_round(0, 0, needs)
    module = players.method.modules[network].requires_grad_()
    values: dict[int, Any] = {}
    for node in below(root):
        values[node.index] = computation(node, players.interpreter.environment)([values[i.index] for i in node.inputs])
    if not values[root.index].requires_grad:
        return [None]
    return list(torch.autograd.grad(values[root.index], list(module.parameters()), allow_unused=True))


def moved(found: list[Tensor | None]) -> bool:
    return any(t is not None and bool(t.any()) for t in found)


def test_shared_layers_are_one_module_with_one_entry_in_the_optimizer(tmp_path: Path) -> None:
    players = players_of(translation(tmp_path))
    translator = players.optimizers["translator"].optimizer
    assert translator is not None
    held = [id(p) for group in translator.param_groups for p in group["params"]]
    shared = [p for name in ("inner", "outer") for p in players.method.modules[name].parameters()]
    assert all(held.count(id(p)) == 1 for p in shared)
    assert len(shared) == 8                            # two residual blocks of two convolutions, once
    unshared = players_of(merged(translation(tmp_path), UNSHARED)).method.modules
    assert not {id(p) for p in unshared["inner_a"].parameters()} & {id(p) for p in unshared["inner_b"].parameters()}


def test_shared_layers_learn_from_both_domains(tmp_path: Path) -> None:
    watch = {"watch": {"a": "l1(decode_a(za), xa)", "b": "l1(decode_b(zb), xb)"}}
    players = players_of({**translation(tmp_path), **watch})
    unshared = players_of({**merged(translation(tmp_path), UNSHARED), **watch})
    for side, other in ("ab", "ba"):
        for box in ("inner", "outer"):
            assert moved(slopes(players, side, box))
            assert moved(slopes(unshared, side, f"{box}_{side}"))
            assert not moved(slopes(unshared, other, f"{box}_{side}"))
        assert not moved(slopes(players, other, f"front_{side}"))


def test_the_labels_of_one_domain_teach_the_classifier_of_the_other(tmp_path: Path) -> None:
    label = {"watch": {"name": "cross_entropy(judge_a(xa).colour, xa.colour)",
                       "answer": "mean(absolute(classify(xb)))"}}
    players = players_of({**adaptation(tmp_path), **label})
    assert moved(slopes(players, "name", "critic"))
    assert moved(slopes(players, "answer", "critic"))
    apart = players_of({**merged(adaptation(tmp_path), OWN_CRITICS), **label})
    assert moved(slopes(apart, "name", "critic_a"))
    assert moved(slopes(apart, "answer", "critic_b"))
    assert not moved(slopes(apart, "name", "critic_b"))


def loss_by_the_way(recipe: dict[str, Any]) -> float:
    """Errors of images that went to the other domain and back, over those of images that stayed; of both domains."""
    nets = trained(recipe, 50).method.modules

    def code(side: str, x: Tensor) -> Tensor:
        return nets["inner"](nets[f"front_{side}"](x)).mean

    def decoded(side: str, z: Tensor) -> Tensor:
        return nets[f"back_{side}"](nets["outer"](z))

    back, stayed = 0.0, 0.0
    with torch.no_grad():
        for here, there, pictures in (("a", "b", drawn(8)), ("b", "a", 255 - drawn(8))):
            x = as_images(pictures)
            z = code(here, x)
            back += float((decoded(here, code(there, decoded(there, z))) - x).abs().mean())
            stayed += float((decoded(here, z) - x).abs().mean())
    return back / stayed


def test_the_way_there_and_back_loses_nothing_by_the_cycle_alone(tmp_path: Path) -> None:
    no_cycle = {"players": {"translator": {"minimizes": {"cycle": None}}}}
    assert loss_by_the_way(translation(tmp_path)) < 1.4                          # seeds 0, 1, 2: 1.02, 1.07, 1.07
    assert loss_by_the_way(merged(translation(tmp_path), no_cycle)) > 1.4        # 1.87, 1.74, 1.94
