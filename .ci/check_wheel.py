"""Check what is in a wheel: the four packages as the repository has them, and nothing else.

    python .ci/check_wheel.py dist/unbraid-0.2.0-py3-none-any.whl
"""

from __future__ import annotations

import configparser
import sys
import tomllib
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("core/unbraid", "registry/unbraid_registry", "configs/unbraid_configs", "plugins/unbraid_plugins")
MUST = ("unbraid/py.typed", "unbraid_registry/py.typed", "unbraid_configs/py.typed", "unbraid_plugins/py.typed",
        "unbraid_registry/known_plugins.json", "unbraid_configs/recipes/mixing/mixing-sprites.yaml",
        "unbraid/cli/__init__.py")


def main(wheel: str) -> int:
    """Print what is wrong and return the number of faults."""
    with zipfile.ZipFile(wheel) as archive:
        names = {n for n in archive.namelist() if not n.endswith("/")}
        entry_points = configparser.ConfigParser(delimiters=("=",))
        entry_points.read_string(archive.read(next(n for n in names if n.endswith("entry_points.txt"))).decode())
    expected = {f"{Path(package).name}/{f.relative_to(ROOT / package).as_posix()}"
                for package in PACKAGES for f in (ROOT / package).rglob("*")
                if f.is_file() and "__pycache__" not in f.parts and not f.name.startswith(".")}
    found = {n for n in names if ".dist-info/" not in n}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = project["entry-points"]["unbraid"]
    faults = [f"missing: {n}" for n in sorted(expected - found)] + [f"foreign: {n}" for n in sorted(found - expected)]
    faults += [f"missing: {n}" for n in MUST if n not in found]
    faults += [] if dict(entry_points["unbraid"]) == declared else ["its entry points differ from pyproject.toml"]
    faults += [] if any(n.endswith("licenses/LICENSE") for n in names) else ["missing: LICENSE"]
    faults += [] if any("templates/" in n or "template/" in n for n in found) else ["no template for new plugins"]
    print("\n".join(faults) or f"{Path(wheel).name}: {len(found)} files, all of the four packages")
    return len(faults)


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1])))
