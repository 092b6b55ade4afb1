"""Everything that the packages import is declared, and nothing that is declared is unused."""

from __future__ import annotations

import re
import sys
import tomllib

from house import HOUSE, PACKAGES, ROOT

IMPORTED_AS = {"huggingface-hub": "huggingface_hub",
               "scikit-learn": "sklearn", "ruamel.yaml": "ruamel", "attrs": "attr", "pillow": "PIL",
               "imageio-ffmpeg": "imageio_ffmpeg", "cuda-bindings": "cuda",
               "pillow-heif": "pillow_heif"}
ONLY_IN_TESTING = {"pytest"}                       # unbraid.testing is imported by pytest alone
OF_TORCH = {"triton"}                              # where torch has it, it must be imported before OpenGL is used


def name_of(requirement: str) -> str:
    return re.split(r"[\s<>=!~\[;]", requirement, maxsplit=1)[0]


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    groups = (optional[group] for group in ("cuda", "data", "export", "heic", "hub", "video", "view"))
    return {name_of(r) for requirements in (project["dependencies"], *groups) for r in requirements}


def imported() -> set[str]:
    found = {i.package for i in HOUSE.everything()}
    found = {"attr" if name == "attrs" else name for name in found}
    return {name for name in found if name not in sys.stdlib_module_names and name not in PACKAGES.values()}


def test_imports_are_declared():
    known = {IMPORTED_AS.get(name, name) for name in declared()}
    assert imported() - known == ONLY_IN_TESTING | OF_TORCH


def test_what_is_declared_is_used():
    used = imported()
    assert not {name for name in declared() if IMPORTED_AS.get(name, name) not in used}
