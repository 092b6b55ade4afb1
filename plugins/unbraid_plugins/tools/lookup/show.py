"""`unbraid show`: a recipe as it is resolved, or the JSON schema of all recipes."""

from __future__ import annotations

import click

from unbraid.cli import OVERRIDES, read_recipe
from unbraid_registry.terminal import echo


@click.command("show")
@click.argument("recipe", required=False, metavar="RECIPE|PACK")
@OVERRIDES
@click.option("--json-schema", is_flag=True, help="Print the JSON schema of recipes, with all components, for editors.")
def command(recipe: str | None, overrides: tuple[str, ...], json_schema: bool) -> None:
    """Show a recipe as it is resolved, with the origin of every value; or what a pack is."""
    if json_schema:
        import json

        from unbraid_configs import recipe_schema

        echo(json.dumps(recipe_schema(), indent=1))
        return
    if recipe is None:
        raise click.UsageError("name a recipe  (all: unbraid list recipes), or give --json-schema")
    if recipe.endswith(".safetensors") or recipe.startswith(("hub:", "model:")):
        from unbraid.runs import Run

        echo(str(Run.at(recipe)))
        return
    from unbraid_configs import show_recipe
    from unbraid_configs.library import FOLDER

    text = show_recipe(read_recipe(recipe, overrides, on_paper=True))
    echo(text.replace(f"# {FOLDER}/", "# "), nl=False)     # bundled recipes by their names
