"""Everything that the packages import is declared, and nothing that is declared is unused."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib import metadata

from import_walk import PACKAGES, ROOT, imports_of

TAKEN_ALONG = {"PIL": ("pillow", "torchvision"), "scipy": ("scipy", "scikit-learn"),
               "packaging": ("packaging", "matplotlib")}
IMPORTED_AS = {"scikit-learn": "sklearn", "ruamel.yaml": "ruamel", "attrs": "attr"}
NOT_YET_USED = {"moderngl", "trimesh"}             # for the renderers
ONLY_IN_TESTING = {"pytest"}                       # unbraid.testing is imported by pytest alone


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0]


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {name_of(r) for r in project["dependencies"]}


def imported() -> set[str]:
    found = {i.package for folder in PACKAGES.values() for i in imports_of(folder)}
    found = {"attr" if name == "attrs" else name for name in found}
    return {name for name in found if name not in sys.stdlib_module_names and name not in PACKAGES}


def test_imports_are_declared():
    known = {IMPORTED_AS.get(name, name) for name in declared()}
    assert imported() - known - TAKEN_ALONG.keys() == ONLY_IN_TESTING
    for distribution, through in TAKEN_ALONG.values():
        assert through in declared()
        assert distribution in {name_of(r).lower() for r in metadata.requires(through) or ()}


def test_what_is_declared_is_used():
    unused = {name for name in declared() if IMPORTED_AS.get(name, name) not in imported()}
    assert unused <= NOT_YET_USED
