"""The content of a method's figure: boxes, arrows between them, and the losses of the players."""

from __future__ import annotations

from typing import Any, Literal

import attrs

from unbraid.flow import (
    ArithmeticOp,
    AttributeOp,
    ComponentOp,
    DetachOp,
    DrawOp,
    Flow,
    ItemOp,
    NetworkOp,
    Node,
    NumberOp,
    ReferenceOp,
    TupleOp,
)
from unbraid_configs import Draw, Recipe
from unbraid_plugins.tools.figure.expression_text import weight_and_losses, written

Kind = Literal["draw", "network", "operation", "loss", "mention"]

SIGNS = {"*": "×", "-": "−"}


@attrs.define(eq=False)
class Box:
    """A box of the figure.

    label: its name.
    note: small text below the name.
    players: the players who train the network (or the network whose EMA it is), or the player whose loss it is.
    resting: whether no player trains the network itself; it is drawn dashed.
    shape: the component kind of a network; `draw` for a mention of a drawn image.
    outputs: the values that leave the box, by the labels of their arrows.
    """

    kind: Kind
    label: str
    note: str = ""
    players: tuple[str, ...] = ()
    resting: bool = False
    shape: str = ""
    outputs: list[str] = attrs.Factory(list)

    @property
    def tapered(self) -> bool:
        """Whether the box is drawn narrower on the side of its code."""
        return self.kind == "network" and self.shape in ("encoder", "generator")


@attrs.frozen(eq=False)
class Arrow:
    """A value that leads from one box to another.

    output: the index in the source's outputs.
    name: the label of a mention that stands for a long arrow.
    detached: whether the gradient stops here.
    """

    source: Box
    output: int
    target: Box
    name: str = ""
    detached: bool = False


@attrs.frozen
class Rules:
    """A player's part of the caption: its networks, the terms of its loss with their formulas, and notes."""

    player: str
    trains: tuple[str, ...]
    terms: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()


@attrs.define
class Diagram:
    """A figure's content.  Every box comes before the boxes that its arrows lead to."""

    title: str
    paper: str
    boxes: list[Box]
    arrows: list[Arrow]
    players: tuple[Rules, ...]
    functions: tuple[str, ...]
    description: str


def diagram_of(recipe: Recipe, catalog: Any) -> Diagram:
    """Build the diagram of a recipe.  Raises RecipeError for an invalid flow."""
    return _Reading(recipe, Flow(recipe, catalog)).diagram()


@attrs.frozen(eq=False)
class _Value:
    """The output of a box that stands for a node of the graph."""

    box: Box
    output: int
    name: str = ""
    detached: bool = False


@attrs.define(eq=False)
class _Reading:
    recipe: Recipe
    flow: Flow
    names: dict[int, str] = attrs.Factory(dict)
    boxes: list[Box] = attrs.Factory(list)
    arrows: list[Arrow] = attrs.Factory(list)
    values: dict[int, list[_Value]] = attrs.Factory(dict)
    seen: frozenset[str] = frozenset()             # the draws whose image is used, not only its fields

    def diagram(self) -> Diagram:
        recipe = self.recipe
        nodes = {name: self.flow.value(name) for names in recipe.flow for name in names}
        for name, node in nodes.items():
            self.names.setdefault(node.index, name)
        player_graphs = {name: self.flow.player(name) for name in recipe.players}
        draws = [n.op for n in self.flow.graph.nodes if isinstance(n.op, DrawOp)]
        self.seen = frozenset(op.draw for op in draws if op.field is None)
        for name, game in player_graphs.items():
            for term in game.terms:
                self._loss(name, term.name, term.node)
        for node in nodes.values():
            self._value(node)
        self._without_idle_wholes()
        players = tuple(self._rules(name) for name in recipe.players)
        functions = tuple(f"{f.name}({', '.join(f.parameters)}) = {written(f.body.tree)}"
                          for f in recipe.functions.values())
        return Diagram(recipe.title, recipe.paper, self.boxes, self.arrows, players, functions,
                       self._description(players))

    # -- boxes and arrows ---------------------------------------------------------------------------------------------

    def _value(self, node: Node) -> list[_Value]:
        """Return the outputs that stand for a node: several for a tuple, an empty list for a number."""
        if node.index not in self.values:
            self.values[node.index] = self._made(node)
        return self.values[node.index]

    def _made(self, node: Node) -> list[_Value]:
        named = self.names.get(node.index, "")
        match node.op:
            case NumberOp():
                return []
            case TupleOp():
                return [v for i in node.inputs for v in self._value(i)]
            case DetachOp():
                return [attrs.evolve(v, detached=True) for v in self._value(node.inputs[0])]
            case DrawOp(draw=draw, field=None):
                return [self._new(Box("draw", draw, shares(self.recipe.data.draw[draw])), node, "", draw)]
            case DrawOp(draw=draw, field=field) if draw in self.seen:
                return [_Value(Box("mention", f"{draw}.{field}", shape="draw"), 0, f"{draw}.{field}")]
            case DrawOp(draw=draw, field=field):
                whole = self._value(self.flow.graph.node(DrawOp(draw), (), node.place))[0]
                return [self._output(whole.box, f"{draw}.{field}", f"{draw}.{field}")]
            case AttributeOp(name=part):
                of = self._value(node.inputs[0])[0]
                name = named or (f"{of.name}.{part}" if of.name else "")
                return [attrs.evolve(self._output(of.box, name or f".{part}", name), detached=of.detached)]
            case ItemOp():
                of = self._value(node.inputs[0])[0]
                return [self._output(of.box, named, named)]
            case NetworkOp(network=network):
                return [self._new(self._network(network), node, named, named)]
            case ReferenceOp(network=network):
                return [_Value(attrs.evolve(self._network(network), kind="mention"), 0, network)]
            case ArithmeticOp(sign=sign):
                return [self._new(Box("operation", SIGNS.get(sign, sign)), node, named, named)]
            case ComponentOp(component=component):
                label = component.name.replace("_", " ")
                return [self._new(Box("operation", label), node, named, named)]
        return []

    def _new(self, box: Box, node: Node, label: str, name: str) -> _Value:
        self._arrows(node.inputs, box)
        self.boxes.append(box)
        items = any(isinstance(n.op, ItemOp) and n.inputs[0] is node for n in self.flow.graph.nodes)
        return _Value(box, -1) if items and not label else self._output(box, label, name)

    def _output(self, box: Box, label: str, name: str) -> _Value:
        if label not in box.outputs:
            box.outputs.append(label)
        return _Value(box, box.outputs.index(label), name)

    def _arrows(self, inputs: tuple[Node, ...], target: Box) -> None:
        for i in inputs:
            for v in self._value(i):
                if v.box.kind == "mention":
                    v.box.outputs = [""]
                    self.boxes.append(mention := attrs.evolve(v.box))
                    self.arrows.append(Arrow(mention, 0, target))
                else:
                    output = v.output if v.output >= 0 else self._output(v.box, "", "").output
                    self.arrows.append(Arrow(v.box, output, target, v.name, v.detached))

    def _without_idle_wholes(self) -> None:
        """Remove the output `f` of a box where only its parts, such as `f.pose`, have arrows."""
        for box in self.boxes:
            used = {a.output for a in self.arrows if a.source is box}
            kept = [i for i, name in enumerate(box.outputs) if i in used or not any(
                other.startswith(f"{name}.") for other in box.outputs)]
            if len(kept) < len(box.outputs):
                box.outputs = [box.outputs[i] for i in kept]
                self.arrows = [attrs.evolve(a, output=kept.index(a.output)) if a.source is box else a
                               for a in self.arrows]

    def _network(self, name: str) -> Box:
        n = self.recipe.networks[name]
        followed = n.average_of or name
        players = tuple(p for p, player in self.recipe.players.items() if followed in player.trains)
        note = f"average of {n.average_of}" if n.average_of else f"from {n.from_}" if n.from_ else ""
        own = self.recipe.networks[followed].spec
        shape = own.component.kind if own else ""
        return Box("network", name, note, players, name != followed or not players, shape)

    def _loss(self, player: str, term: str, node: Node) -> None:
        """Add the tag of a loss, with arrows from all inputs of the term's losses."""
        tree = self.recipe.players[player].minimizes[term].tree
        box = Box("loss", term, weight_and_losses(tree, self.recipe), (player,))
        seen: set[tuple[int, int]] = set()
        for root in _losses(node):
            before = len(self.arrows)
            self._arrows(root.inputs if isinstance(root.op, ComponentOp) else (root,), box)
            for arrow in [a for a in self.arrows[before:] if a.target is box]:
                if (id(arrow.source), arrow.output) in seen:
                    self.arrows.remove(arrow)
                seen.add((id(arrow.source), arrow.output))
        self.boxes.append(box)

    # -- the caption --------------------------------------------------------------------------------------------------

    def _rules(self, name: str) -> Rules:
        p = self.recipe.players[name]
        terms = tuple((term, written(e.tree)) for term, e in p.minimizes.items())
        notes = []
        if p.when is not None:
            notes.append(f"moves while {written(p.when.tree)}")
        if p.turns > 1:
            notes.append(f"{p.turns} turns a step")
        if p.then is not None:
            notes.append(f"then {written(p.then.tree)}")
        if p.from_step:
            notes.append(f"from step {p.from_step:,}")
        if p.until_step is not None:
            notes.append(f"until step {p.until_step:,}")
        return Rules(name, p.trains, terms, tuple(notes))

    def _description(self, players: tuple[Rules, ...]) -> str:
        """Describe the figure in words, for readers who can't see it."""
        draws = [name + (f" ({shares(d)})" if shares(d) else "") for name, d in self.recipe.data.draw.items()]
        lines = [f"{', '.join(names)} = {written(e.tree)}" for names, e in self.recipe.flow.items()]
        player_graphs = [f"{r.player} trains {', '.join(r.trains)} and minimises "
                 + ", ".join(f"{term}: {text}" for term, text in r.terms) for r in players]
        return ". ".join(filter(None, (f"Drawn images: {', '.join(draws)}" if draws else "",
                                       f"Flow: {'; '.join(lines)}" if lines else "", *player_graphs))) + "."


def shares(draw: Draw) -> str:
    """Describe briefly how a draw is related to another and where it comes from: `same identity as x1`."""
    words = []
    other = f" as {draw.as_}" if draw.as_ else ""
    if draw.same:
        words.append(f"same {', '.join(draw.same)}{other}")
    if draw.different:
        than = f" than {draw.as_}" if draw.as_ and not draw.same else ""
        words.append(f"other {', '.join(draw.different)}{than}")
    if draw.next is not None:
        words.append(f"{draw.next} frames after {draw.as_}" if draw.next != 1 else f"the frame after {draw.as_}")
    if draw.where:
        words.append(", ".join(f"{k} {v}" for k, v in draw.where.items()))
    if draw.count is not None:
        words.append(f"set of {draw.count}")
    if draw.frames is not None:
        words.append(f"{draw.frames} frames")
    if draw.from_ is not None:
        words.append(f"from {draw.from_}")
    return ", ".join(words)


def _losses(node: Node) -> list[Node]:
    """Return the losses of a term: the leaves of its sums and products, without numbers."""
    if isinstance(node.op, ArithmeticOp):
        return [leaf for i in node.inputs for leaf in _losses(i)]
    return [] if isinstance(node.op, NumberOp) else [node]
