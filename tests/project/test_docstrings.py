"""The examples in docstrings give what they say, and everything on the public face has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
from pathlib import Path

import pytest
from house import HOUSE
from words import crowded, everything

import unbraid

WITH_EXAMPLES = sorted(module for module, file in HOUSE.files.items() if ">>> " in file.read_text(encoding="utf-8"))
FUNCTIONS = [name for name in unbraid.__all__ if inspect.isfunction(getattr(unbraid, name))]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if module in ("unbraid.engine.loop", "unbraid.model.model", "unbraid_registry.component"):
        pytest.skip("on the public face, where the examples follow one another")
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed


def test_every_function_of_the_public_face_has_an_example_that_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                    ) -> None:
    monkeypatch.chdir(tmp_path)
    finder, runner = doctest.DocTestFinder(recurse=False), doctest.DocTestRunner()
    assert len(FUNCTIONS) > 15
    for name in sorted(FUNCTIONS, key=lambda name: name == "load"):       # it loads what `train` trained
        function = getattr(unbraid, name)
        globs = {**function.__globals__, name: function}
        (test,) = finder.find(function, name, module=False, globs=globs)
        assert test.examples, name
        assert runner.run(test).failed == 0, name


def test_docstrings_have_the_words_of_the_house() -> None:
    wrong = everything()
    assert not wrong, "\n".join(wrong)


def test_that_crowded_parameters_are_found() -> None:
    assert crowded("Write.\n\na: one; b: two; c: three.\n")
    assert not crowded("Write.\n\na: one.  b: two.\n")
    assert not crowded("Write.\n\na: one.\nb: two.\nc: three.\n")
