"""Recipes in tests, with `§` where the mistake is expected."""

from __future__ import annotations

from pathlib import Path

from recipe_standins import Plugins

from unbraid_configs import Mistake, Recipe, RecipeError, load_recipe

GOOD = """\
data:
  source: {type: sprites}
  draw:
    x1: {}
    x2: {same: identity, as: x1}
code: {pose: 4, chunk: 2 x 3}
weights: {beta: 4}
networks:
  encoder: {type: conv_encoder}
  generator: {type: conv_generator}
  critic: {type: conv_critic}
flow:
  f: encoder(x1)
  y: generator(f)
  p, q: halves(critic(y))
players:
  critic:
    trains: critic
    minimizes:
      realism: gan.tell_apart(critic(x1), critic(y))
  autoencoder:
    trains: [encoder, generator]
    minimizes:
      rebuild: 10 * mse(y, x1)
functions:
  encode(x): encoder(x)
train: {steps: 10, optimizer: {lr: 1.0e-3}}
"""


def mark(text: str) -> tuple[str, str]:
    """The text without its mark, and the mark's `line:column`."""
    before, _, after = text.partition("§")
    return before + after, f"{before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}"


def load(folder: Path, text: str, *overrides: str, name: str = "recipe.yaml", plugins: Plugins | None = None) -> Recipe:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return load_recipe(file, overrides, plugins=plugins or Plugins())


def mistakes(folder: Path, text: str, *overrides: str, name: str = "recipe.yaml") -> list[Mistake]:
    try:
        load(folder, text, *overrides, name=name)
    except RecipeError as error:
        return error.mistakes
    return []


def changed(old: str, new: str) -> str:
    """The good recipe with one change."""
    assert GOOD.count(old) == 1, old
    return GOOD.replace(old, new)
