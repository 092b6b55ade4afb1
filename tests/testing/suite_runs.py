"""Running a suite by hand: which of its tests fail, and with what."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest


def outcome(suite: type, folder: Path | None = None, **attributes: Any) -> tuple[set[str], dict[str, str]]:
    """The tests that were skipped, and the failures with their messages, of a suite with these attributes."""
    wrapped = {k: staticmethod(v) if inspect.isfunction(v) and k == "component" else v for k, v in attributes.items()}
    case = type("Case", (suite,), wrapped)()
    skipped, failed = set(), {}
    for name in sorted(dir(suite)):
        if not name.startswith("test_"):
            continue
        method = getattr(case, name)
        arguments: dict[str, Any] = {}
        if folder is not None:
            own = folder / name
            own.mkdir()
            wanted = inspect.signature(method).parameters
            arguments = {"tmp_path": own} if "tmp_path" in wanted else {}
        try:
            if folder is not None and "images" in wanted:
                arguments["images"] = case.open(own)
            method(**arguments)
        except pytest.skip.Exception:
            skipped.add(name)
        except (Exception, pytest.fail.Exception) as error:
            failed[name] = str(error)
    return skipped, failed


def failures(suite: type, folder: Path | None = None, **attributes: Any) -> dict[str, str]:
    """The failures alone."""
    return outcome(suite, folder, **attributes)[1]
