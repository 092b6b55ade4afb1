"""The resolved recipe as YAML that loads again to an equal recipe: what a run keeps."""

from __future__ import annotations

from unbraid_configs.recipe import Recipe
from unbraid_configs.scalars import write_scalar
from unbraid_configs.written import Written, write_recipe


def dump_recipe(recipe: Recipe) -> str:
    """YAML without base, overrides and comments; components by their full names, so no later plugin changes it."""
    return "".join(f"{line}\n" for line in _lines(write_recipe(recipe), ""))


def _lines(written: Written, indent: str) -> list[str]:
    lines: list[str] = []
    for key, value in written.items():
        head = f"{indent}{write_scalar(key)}:"
        if isinstance(value, str):
            lines.append(f"{head} {value}")
        elif value:
            lines += [head, *_lines(value, f"{indent}  ")]
        else:
            lines.append(f"{head} {{}}")
    return lines
