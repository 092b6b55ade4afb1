"""Directives that ask the catalog what there is: bundled components, recipes, variants of one, and models."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs
from docutils import nodes
from docutils.parsers.rst import Directive
from ruamel.yaml import YAML

from unbraid.cli.recipes import read_recipe
from unbraid_configs import bundled_recipes
from unbraid_plugins.tools.evaluation import EVIDENCE
from unbraid_plugins.tools.models import read_models
from unbraid_plugins.tools.models.hooks import unbraid_models
from unbraid_registry import registry
from unbraid_registry.component import Component, Option


class Components(Directive):
    """`{components} loss`: the bundled components of one kind with their options and docstrings."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The list of definitions."""
        found = [c for c in registry().catalog.all(self.arguments[0]) if c.bundled]
        if not found:
            raise self.error(f"there is no bundled component of the kind {self.arguments[0]!r}")
        return [nodes.definition_list("", *(_component(c) for c in found))]


class Recipes(Directive):
    """`{recipes}`: the bundled recipes, what they reproduce, and on which data."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        rows = [_recipe(name, file.read_text(encoding="utf-8")) for name, file in bundled_recipes().items()]
        return [_table(["recipe", "title", "paper", "base", "data"], rows)]


class Variants(Directive):
    """`{variants} mixing`: the bundled recipes with this one, or these, as a base, and what each is trained on."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """The table."""
        family = self.arguments[0].split()
        found = [name for name in bundled_recipes() if any(f in _line(name) for f in family)]
        rows = [_variant(name) for name in sorted(found, key=lambda name: (len(_line(name)), name))]
        if missing := [f for f in family if f not in bundled_recipes()]:
            raise self.error(f"there is no bundled recipe {', '.join(missing)}")
        return [_table(["recipe", "what it is", "data", "image", "code", "batch", "steps"], rows)]


class EvidenceTable(Directive):
    """`{evidence}`: everything that a metric can ask for."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        return [_table(["parameter", "value"], [[_Code(name), text] for name, text in EVIDENCE.items()])]


class Models(Directive):
    """`{models}`: the bundled models with what was recorded of each."""

    def run(self) -> list[nodes.Node]:
        """The table."""
        rows = [[_Code(m.name), " ".join([m.recipe, *m.overrides]), f"{m.minutes:g}" if m.minutes else "",
                 f"{m.file.bytes:,}" if m.file.bytes else "not made yet",
                 ", ".join(f"{metric} {score:.3g}" for metric, score in m.scores.items()), ", ".join(m.needs)]
                for m in read_models(unbraid_models())]
        return [_table(["model", "trains", "minutes", "bytes", "scores", "needs"], rows)]


def setup(app: Any) -> dict[str, bool]:
    """Add the directives."""
    app.add_directive("components", Components)
    app.add_directive("recipes", Recipes)
    app.add_directive("variants", Variants)
    app.add_directive("evidence", EvidenceTable)
    app.add_directive("models", Models)
    return {"parallel_read_safe": True}


def _component(component: Component) -> nodes.definition_list_item:
    signature = f"{component.full_name}({', '.join(_signature(component))})"
    body = nodes.definition("", *_paragraphs(component.target.__doc__ or ""))
    return nodes.definition_list_item("", nodes.term("", "", nodes.literal("", signature)), body)


def _signature(component: Component) -> Iterator[str]:
    for parameter in component.inputs:
        yield f"*{parameter.name}" if parameter.kind is parameter.VAR_POSITIONAL else parameter.name
    yield from (_option(o) for o in component.options)


def _option(option: Option) -> str:
    if option.required:
        return f"{option.name}=..."
    factory = getattr(option.default, "factory", None)
    return f"{option.name}={factory() if factory else option.default!r}"


def _paragraphs(docstring: str) -> Iterator[nodes.Node]:
    lines = docstring.expandtabs().splitlines()
    indents = [len(line) - len(line.lstrip()) for line in lines[1:] if line.strip()]
    margin = min(indents, default=0)
    text = "\n".join([lines[0].strip(), *(line[margin:].rstrip() for line in lines[1:])]).strip() if lines else ""
    for block in re.split(r"\n\s*\n", text):
        if block.startswith(("    ", ">>>")):
            yield nodes.literal_block(block, block)
        elif block:
            yield nodes.paragraph("", "", *_inline(" ".join(block.split("\n"))))


def _inline(text: str) -> Iterator[nodes.Node]:
    for piece in re.split(r"(`[^`]+`)", text):
        if piece:
            is_code = len(piece) > 2 and piece[0] == piece[-1] == "`"
            yield nodes.literal("", piece[1:-1]) if is_code else nodes.Text(piece)


@attrs.frozen
class _Code:
    text: str


def _recipe(name: str, text: str) -> list[Any]:
    tree = YAML(typ="safe").load(text)
    data = tree.get("data") or {}
    sources = data.get("sources") or {"": data.get("source") or {}}
    types = ", ".join(dict.fromkeys(s["type"] for s in sources.values() if s.get("type")))
    return [_Code(name), tree.get("title", ""), tree.get("paper", ""), _Code(tree.get("base", "")), _Code(types)]


def _line(name: str) -> list[str]:
    """A recipe and the bundled ones that it is based on."""
    base = YAML(typ="safe").load(bundled_recipes()[name].read_text(encoding="utf-8")).get("base", "")
    return [name, *(_line(base) if base in bundled_recipes() else [])]


def _variant(name: str) -> list[Any]:
    recipe = read_recipe(name, on_paper=True)
    specs = recipe.data.sources.values()
    places = dict.fromkeys(_place(s) for s in specs)
    sides = dict.fromkeys(str(getattr(s.value, "size", None) or "as it is") for s in specs)
    code = ", ".join(f"{f.count} × {f.size}" if f.count else str(f.size) for f in recipe.code.values())
    return [_Code(name), recipe.title, _Code(", ".join(places)), ", ".join(sides), code, str(recipe.data.batch),
            f"{recipe.train.steps:,}"]


def _place(spec: Any) -> str:
    """Where a source's images are: the environment variable, or the name of what draws them."""
    variable = re.fullmatch(r"\$\{(\w+)\}", str(spec.options.get("path", "")))
    return variable[1] if variable else spec.component.name


def _table(head: list[str], rows: list[list[Any]]) -> nodes.table:
    def row(cells: list[Any]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", *_cell(cell))) for cell in cells))

    columns = [nodes.colspec(colwidth=1) for _ in head]
    return nodes.table("", nodes.tgroup("", *columns, nodes.thead("", row(head)), nodes.tbody("", *map(row, rows)),
                                        cols=len(head)))


def _cell(cell: Any) -> Iterator[nodes.Node]:
    if isinstance(cell, _Code):
        if cell.text:
            yield nodes.literal("", cell.text)
    elif cell:
        yield nodes.Text(cell)
