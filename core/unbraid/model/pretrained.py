"""Networks taken from another run: `networks.x: {from: RUN#x, freeze: true}`."""

from __future__ import annotations

from pathlib import Path

import attrs
from torch import Tensor

from unbraid.model.method import Method
from unbraid.runs import Run, load_weights
from unbraid.values import Layout
from unbraid_configs import Mistake, Network, Recipe, RecipeError
from unbraid_configs.variables import PathText, as_written
from unbraid_registry import UnbraidError, closest, missing


def with_pretrained(recipe: Recipe) -> Recipe:
    """Return the recipe with type and options of networks that come whole from another run.  Raises RecipeError."""
    networks, mistakes, layout = {}, [], Layout.of(recipe.code)
    for name, n in recipe.networks.items():
        try:
            networks[name] = n if n.from_ is None or n.spec is not None else _as_there(n, layout)
        except UnbraidError as error:
            message, remedy = (as_written(text, n.from_) for text in (error.message, error.hint))
            mistakes.append(Mistake(n.place, f"networks.{name}.from", message, remedy))
    if mistakes:
        raise RecipeError(mistakes)
    return attrs.evolve(recipe, networks=networks)


def load_pretrained(method: Method) -> None:
    """Load the weights of networks that come from other runs.  Raises RecipeError."""
    mistakes = []
    for name, n in method.recipe.networks.items():
        if n.from_ is not None:
            try:
                run, network = _source(n.from_)
                load_weights(method.modules[name], _weights(run, network), n.from_)
            except UnbraidError as error:
                message, remedy = (as_written(text, n.from_) for text in (error.message, error.hint))
                mistakes.append(Mistake(n.place, f"networks.{name}.from", message, remedy))
    if mistakes:
        raise RecipeError(mistakes)


def _source(reference: str) -> tuple[Run, str]:
    text = reference.replaced() if isinstance(reference, PathText) else reference
    folder, _, network = text.rpartition("#")
    if not folder or not network:
        raise UnbraidError(f"{reference!r} names no network", hint="RUN#network, as runs/first#encoder")
    return Run.at(Path(folder).expanduser(), fetch=False), network


def _as_there(n: Network, layout: Layout) -> Network:
    run, network = _source(n.from_ or "")
    there = run.recipe().networks
    if network not in there:
        raise UnbraidError(f"the run {run.folder} has no network {network!r}; it has {', '.join(there)}",
                           hint=closest(network, there))
    found = there[there[network].average_of or network]
    if found.spec is not None and found.spec.component.absent:
        raise missing(found.spec.component)
    for factor in n.code or found.code or ():
        if factor not in layout:
            raise UnbraidError(f"{n.from_} makes the factor {factor!r}, which this code has not; it has "
                               f"{', '.join(layout.all_names) or 'none'}",
                               hint="name the factors that it makes here with `code:`")
    return attrs.evolve(n, spec=found.spec, code=n.code or found.code)


def _weights(run: Run, network: str) -> dict[str, Tensor]:
    found = run.weights()[1]
    if network not in found:
        raise UnbraidError(f"the run {run.folder} has no weights of {network!r}; it has {', '.join(sorted(found))}")
    return found[network]
