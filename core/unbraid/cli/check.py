"""`unbraid check`: check a recipe on its data, with its networks built, without training."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from unbraid.cli.errors import MOST_MISTAKES
from unbraid.cli.recipes import OVERRIDES, RECIPE, read_recipe
from unbraid_registry.tables import columns, indented
from unbraid_registry.terminal import Shown, echo, style

if TYPE_CHECKING:
    from unbraid.model import Method
    from unbraid_configs import Recipe

MOST_PLAYERS = 5                                   # of which every order is tried


@click.command("check")
@RECIPE
@OVERRIDES
@click.option("--gradients", is_flag=True, help="Also show which loss trains which network.")
@click.option("--plan", is_flag=True, help="Also show what each player's turn computes, and for whom.")
def command(recipe: str, overrides: tuple[str, ...], gradients: bool, plan: bool) -> None:
    """Check a recipe on its data without training.

    The data is opened, every network is built and every shape is checked.
    """
    from unbraid.cli.data_summary import describe
    from unbraid.data import open_data
    from unbraid.engine import forwards
    from unbraid.model import build_method, load_pretrained, with_pretrained

    read = with_pretrained(read_recipe(recipe, overrides))
    data = open_data(read.data, seed=read.train.seed)
    try:
        data.expect_batches()
        method = build_method(read, data.facts)
        load_pretrained(method)                    # a run that is not there, or whose network does not fit
        echo(style("ok", fg="green", bold=True) + f"  {read.title or recipe}\n")
        echo(indented(describe(data)) + "\n")
    finally:
        data.close()
    calls = forwards(method)
    sizes = {name: sum(p.numel() for p in module.parameters()) for name, module in method.modules.items()}
    rows = [[name, component_of(read, name), f"{size:,}", str(calls.get(name, 0)),
             ", ".join(trainers(read, name)) or "-"] for name, size in sizes.items()]
    rows.append(["", "", f"{sum(sizes.values()):,}", str(sum(calls.values())), ""])
    echo(columns(rows, ("network", "component", "parameters", "forwards a step", "trained by"), "  ",
                       numbers=(2, 3)))
    if gradients:
        echo("\n" + reach(method))
    if plan:
        echo("\n" + plan_of(method))
    found = list(hints(method))
    more = [f"... and {len(found) - MOST_MISTAKES} more"] if len(found) > MOST_MISTAKES else []
    for number, hint in enumerate([*found[:MOST_MISTAKES], *more]):
        echo(("\n" if number == 0 else "") + style("hint:", fg="yellow") + f" {hint}")


def component_of(recipe: Recipe, network: str) -> str:
    """Return the component of a network, or the network that it is an EMA of, or the run that it is taken from."""
    n = recipe.networks[network]
    return n.spec.component.full_name if n.spec else f"average of {n.average_of}" if n.average_of else f"from {n.from_}"


def trainers(recipe: Recipe, network: str) -> list[str]:
    """Return the players that train a network."""
    return [name for name, p in recipe.players.items() if network in p.trains]


def reach(method: Method) -> Shown:
    """Return the table of losses and the networks that their gradients reach."""
    from unbraid.engine import gradients_reach

    networks = [n for n in method.modules if trainers(method.recipe, n)]
    rows = [[f"{player}/{term}", *("x" if n in reached else "." for n in networks)]
            for player, terms in gradients_reach(method).items() for term, reached in terms.items()]
    return columns(rows, ("loss trains", *networks), "  ")


def plan_of(method: Method) -> Shown:
    """Return the table of values that each turn computes; updates make values stale, and they are computed again."""
    from unbraid.engine import planned

    rows = []
    for turn in planned(method):
        rows += [["" if number else turn.player, value, text, owner or "-"]
                 for number, (value, text, owner) in enumerate(turn.computes)]
        rows += [["", "", f"reused: {', '.join(turn.reuses)}", ""]] if turn.reuses else []
        rows += [["", "", f"stale after the update: {', '.join(turn.stale)}", ""]] if turn.stale else []
    return columns(rows, ("turn of", "value", "computed as", "gradient for"), "  ")


def hints(method: Method) -> Iterator[str]:
    """Yield hints on a recipe that has no mistakes but could be better."""
    from torch.nn.modules.batchnorm import _BatchNorm

    from unbraid.engine import device_of
    from unbraid_configs import logged_names, unread
    from unbraid_registry import UnbraidError, closest

    recipe, t = method.recipe, method.recipe.train
    try:
        device_of(t.device)
    except UnbraidError as error:
        yield error.message
    if t.cuda_graphs and not t.compile:
        yield "train.cuda_graphs: only compiled networks are kept as graphs; set train.compile=true, too"
    if t.keep_best and t.keep_best not in logged_names(recipe):
        yield f"train.keep_best: nobody logs {t.keep_best!r}; {closest(t.keep_best, logged_names(recipe))}"
    if recipe.data.batch == 1 and any(isinstance(m, _BatchNorm) for n in method.modules.values() for m in n.modules()):
        yield "data.batch=1: the networks have batch norm, which one image gives no spread"
    better = cheaper_order(method)
    if better is not None:
        order, saved = better
        yield f"with the players in the order {', '.join(order)} a step needs {saved} forwards less"
    for name in recipe.networks:
        who = trainers(recipe, name)
        if len(who) > 1:
            yield f"{name} is trained by {' and '.join(who)}, each with an optimizer of its own"
    for name in unread(recipe):
        yield f"{name} is used by no loss and no function"


def cheaper_order(method: Method) -> tuple[tuple[str, ...], int] | None:
    """Return the order of players with the fewest forwards and how many it saves; None where no order saves any."""
    import attrs

    from unbraid.engine import forwards

    names = tuple(method.player_graphs)
    if method.recipe.train.moves == "together" or not 1 < len(names) <= MOST_PLAYERS:
        return None
    now = sum(forwards(method).values())
    costs = {}
    for order in itertools.permutations(names):
        graphs = {name: method.player_graphs[name] for name in order}
        costs[order] = sum(forwards(attrs.evolve(method, player_graphs=graphs)).values())
    best = min(costs, key=lambda order: (costs[order], [names.index(n) for n in order]))
    return (best, now - costs[best]) if costs[best] < now else None
