"""What the modules of the four packages import, read from their text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PACKAGES = {"unbraid": ROOT / "core/unbraid", "unbraid_registry": ROOT / "registry/unbraid_registry",
            "unbraid_configs": ROOT / "configs/unbraid_configs", "unbraid_plugins": ROOT / "plugins/unbraid_plugins"}


@attrs.frozen
class Import:
    """One imported name.  module: `unbraid`; name: what is taken from it, empty for `import unbraid`."""

    file: Path
    line: int
    module: str
    name: str = ""

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]

    def __str__(self) -> str:
        what = f"from {self.module} import {self.name}" if self.name else f"import {self.module}"
        return f"{self.file.relative_to(ROOT)}:{self.line}  {what}"


def imports_of(folder: Path) -> list[Import]:
    """Every import in a folder's modules: at the top, inside functions, for type checkers, and by a constant name."""
    return [found for file in sorted(folder.rglob("*.py")) for found in _of_file(file)]


def _of_file(file: Path) -> Iterator[Import]:
    package = _package_of(file)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names=names):
                yield from (Import(file, node.lineno, n.name) for n in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                whole = ".".join([*parents, *([module] if module else [])])
                yield from (Import(file, node.lineno, whole, n.name) for n in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="__import__" | "import_module"),
                          args=[ast.Constant(value=str(module)), *_]):
                yield Import(file, node.lineno, module)


def _package_of(file: Path) -> str:
    name, folder = next((n, f) for n, f in PACKAGES.items() if f in file.parents)
    return ".".join([name, *file.parent.relative_to(folder).parts])
