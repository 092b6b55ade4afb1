"""A fault in a plugin's code is shown as one: whose it is, its line, its type, its message, what it was called with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from plugin_life import Shelf

SOURCE = '''
import attrs
import torch
from torch import nn
from unbraid import encoder, generator, hookimpl, loss, operation

TABLE = {1: 4, 2: 8}

def width_of(level):
    return TABLE[level]                            # the line of the fault

@encoder
@attrs.frozen(kw_only=True)
class Code:
    """An encoder whose build fails."""

    def build(self, context, image):
        """Look up a width that is not there."""
        return nn.Linear(image[0].numel(), width_of(3))

class Painter(nn.Module):
    def double(self):
        return []

    def forward(self, f):
        for layer in self.double:                  # a method, not a list
            f = layer(f)
        return f

@generator
@attrs.frozen(kw_only=True)
class Paint:
    """A generator whose forward fails."""

    def build(self, context, f):
        """The module."""
        return Painter()

@loss
def apart(a, b):
    """A loss that fails in torch, with a message of several lines."""
    raise RuntimeError("the first line\\nthe second line, which says why")

@operation
def check(f):
    """An operation that refuses its value."""
    assert f.shape[1] == 3, "three numbers"
    return f

@hookimpl
def unbraid_components():
    return [Code, Paint, apart, check]
'''
RECIPE = '''\
data:
  source: {{type: sprites, size: 8, count: 60}}
  draw: {{x: {{}}, film: {{count: 5}}}}
  batch: 4
code: {{z: 4}}
networks:
  encoder:   {{type: {encoder}}}
  generator: {{type: {generator}}}
flow:
  f: encoder({image})
players:
  all:
    trains: [encoder, generator]
    minimizes:
      rebuild: {loss}(generator({code}), {image})
train: {{tensorboard: false}}
'''
GOOD = {"encoder": "mlp_encoder", "generator": "mlp_generator", "loss": "mse", "code": "f", "image": "x"}


@pytest.fixture
def checked(shelf: Shelf, tmp_path: Path, unbraid: Callable[..., Any]) -> Callable[..., str]:
    """Return a function that checks a recipe with these parts and returns stderr."""
    shelf.install("broken", "0.1.0", SOURCE)

    def said(*options: str, **parts: str) -> str:
        (tmp_path / "mine.yaml").write_text(RECIPE.format(**{**GOOD, **parts}))
        found = unbraid("check", "mine.yaml", *options)
        assert found.code == 2
        return str(found.err)

    return said


def line(text: str) -> int:
    return next(n for n, code in enumerate(SOURCE.splitlines(), 1) if text in code)


def test_in_build(checked: Callable[..., str]) -> None:
    said = checked(encoder="broken.code")
    assert said.startswith("mine.yaml:10:6  flow.f: encoder (broken.code): KeyError: 3, at ")
    assert f"unbraid_broken.py:{line('the line of the fault')} in width_of" in said
    assert "of the plugin 'broken' (unbraid-broken 0.1.0); called with (B, 3, 8, 8)" in said


def test_in_forward(checked: Callable[..., str]) -> None:
    said = checked(generator="broken.paint")
    assert "generator (broken.paint): TypeError: 'method' object is not iterable, at " in said
    assert f"unbraid_broken.py:{line('for layer in')} in forward" in said
    assert "called with (B, 4)" in said


def test_the_whole_message_of_a_loss(checked: Callable[..., str]) -> None:
    said = checked(loss="broken.apart")
    assert "broken.apart: RuntimeError: the first line the second line, which says why, at " in said
    assert f"unbraid_broken.py:{line('raise RuntimeError')} in apart" in said


def test_in_an_operation(checked: Callable[..., str]) -> None:
    said = checked(code="broken.check(f)")
    assert "broken.check: AssertionError: three numbers, at " in said
    assert "called with (B, 4)" in said


def test_the_traceback_has_the_rest(checked: Callable[..., str]) -> None:
    said = checked("--traceback", encoder="broken.code")
    assert "return TABLE[level]" in said
    assert "width_of(3)" in said
    assert "Traceback" not in checked(encoder="broken.code")


def test_sets_are_shown_as_such(checked: Callable[..., str]) -> None:
    said = checked(loss="broken.apart", image="film")
    assert "called with 5 x (B, 3, 8, 8), 5 x (B, 3, 8, 8)" in said


def test_a_mistake_of_the_recipe_stays_one(checked: Callable[..., str]) -> None:
    said = checked(code="x")
    assert "unbraid_broken" not in said
    assert "Error:" not in said.partition("called with")[0]
