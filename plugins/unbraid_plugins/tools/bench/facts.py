"""Facts about a cell before it is trained: its networks' sizes, its annotation, and whether it can be tuned."""

from __future__ import annotations

import attrs

from unbraid.data import open_data
from unbraid.flow import NetworkOp, below
from unbraid.model import Method, build_method, load_pretrained, with_pretrained
from unbraid_configs import Recipe
from unbraid_plugins.tools.bench.annotation import annotation_of
from unbraid_plugins.tools.bench.cells import Cell
from unbraid_plugins.tools.bench.suite import SuiteError
from unbraid_registry import UnbraidError


@attrs.frozen
class Facts:
    """Facts about a cell.

    model: the parameters of the networks that its functions need.
    helpers: those of the networks that serve the training alone, such as critics.
    images: source -> split -> the number of images.
    untuned: the reason why it can't be tuned, or empty.
    """

    recipe: Recipe
    model: int
    helpers: int
    annotation: list[str]
    images: dict[str, dict[str, int]]
    untuned: str = ""


def facts_of(cell: Cell) -> Facts:
    """Open a cell's data and build its networks.  Raises UnbraidError."""
    recipe = cell.recipe()
    data = open_data(recipe.data, seed=recipe.train.seed)
    try:
        data.expect_batches()
        method = build_method(with_pretrained(recipe), data.facts)
        load_pretrained(method)
        own = [name for name, images in data.images_of.items() if images.splits is not None]
        images = {name: dict(facts.splits) for name, facts in data.facts.sources.items()}
    finally:
        data.close()
    untuned = f"{', '.join(own)} has splits of its own, and none to validate on" if own else (
        "" if recipe.players else "it trains nothing")
    model, helpers = _parameters(method)
    return Facts(recipe, model, helpers, annotation_of(recipe), images, untuned)


def _parameters(method: Method) -> tuple[int, int]:
    """Return the parameters of the networks that functions call, and those of all others.

    Critics are among the others, unless functions call nothing else, as a classifier with a critic's shape.
    """
    called = {node.op.network for function in method.function_graphs.values() for node in below(function.result)
              if isinstance(node.op, NetworkOp)}
    specs = {name: network.spec for name, network in method.recipe.networks.items()}
    model = {name for name in called if (spec := specs[name]) is None or spec.component.kind != "critic"} or called
    counts = {name: sum(p.numel() for p in module.parameters()) for name, module in method.modules.items()}
    own = sum(count for name, count in counts.items() if name in model)
    return own, sum(counts.values()) - own


def all_facts(cells: list[Cell]) -> dict[Cell, Facts]:
    """Check all cells before any is trained.  Raises SuiteError with every mistake once, and the cells that have it."""
    found: dict[Cell, Facts] = {}
    wrong: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        try:
            found[cell] = facts_of(cell)
        except UnbraidError as error:
            wrong.setdefault((error.message, error.hint), []).append(cell.name)
    if wrong:
        raise SuiteError("\n".join(f"{', '.join(names)}: {message}" + (f"; {hint}" if hint else "")
                                   for (message, hint), names in wrong.items()))
    return found
