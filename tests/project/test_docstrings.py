"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest
from import_walk import PACKAGES

WITH_EXAMPLES = sorted(
    ".".join([name, *file.relative_to(folder).with_suffix("").parts])
    for name, folder in PACKAGES.items() for file in folder.rglob("*.py") if ">>> " in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module):
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed
