"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib

import pytest
from house import HOUSE

WITH_EXAMPLES = sorted(module for module, file in HOUSE.files.items() if ">>> " in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples(module):
    failed, tried = doctest.testmod(importlib.import_module(module))
    assert tried
    assert not failed
