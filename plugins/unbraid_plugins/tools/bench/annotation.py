"""The annotation that a method needs, read off its recipe: what draws share, and the labels that losses read."""

from __future__ import annotations

from collections.abc import Iterator

from unbraid.flow import DrawOp, Flow, Node, below
from unbraid_configs import Draw, Recipe
from unbraid_registry import FormerPlugins, registry

CLIP = "clip"


def annotation_of(recipe: Recipe) -> list[str]:
    """Return what somebody must know about the training images, one line each; empty where nothing.

    Counted are the draws and their fields that a loss reads, or a fitted network of a recipe without players.
    """
    flow = Flow(recipe, FormerPlugins(registry()))
    ops = [node.op for node in below(*_roots(flow, recipe)) if isinstance(node.op, DrawOp)]
    used = list(dict.fromkeys(op.draw for op in ops))
    needs = [line for name in used for line in _of_draw(recipe.data.draw[name])]
    origin = {name: recipe.data.draw[name].from_ for name in used}
    kinds = list(dict.fromkeys(origin.values()))
    if len(kinds) > 1:
        needs.insert(0, f"images of {len(kinds)} kinds, sorted by kind")
    for kind in kinds:
        labels = list(dict.fromkeys(op.field for op in ops if op.field is not None and origin[op.draw] == kind))
        if labels:
            needs.append(f"of every image{f' of {kind}' if len(recipe.data.sources) > 1 else ''}: {', '.join(labels)}")
    return list(dict.fromkeys(needs))


def _roots(flow: Flow, recipe: Recipe) -> Iterator[Node]:
    if not recipe.players:
        yield from (flow.value(name) for names in recipe.flow for name in names)
    for player in recipe.players:
        yield from (term.node for term in flow.player(player).terms)


def _of_draw(draw: Draw) -> Iterator[str]:
    if draw.same == (CLIP,):
        yield "clips: which images are frames of one"
    elif draw.same:
        yield f"pairs of images that share {_listed(draw.same)}"
    if draw.different:
        yield f"pairs of images that differ in {_listed(draw.different)}"
    if draw.where:
        yield f"of some images: {_listed(tuple(draw.where))}"
    if draw.frames or draw.next:
        yield "clips: the order of their frames"


def _listed(names: tuple[str, ...]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]
