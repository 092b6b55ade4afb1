"""The house in numbers: lines, entries, floors and circles of the four packages, and the rooms of the core.

    python tests/project/house.py [CHECKOUT]       (make house)

A floor is the length of the longest way of imports down from a file; files that import each other, at run time or for
types, are a circle. An import through a room's door counts as one of the file behind the door that defines the name.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
PACKAGES = {"registry": "unbraid_registry", "configs": "unbraid_configs", "core": "unbraid",
            "plugins": "unbraid_plugins"}


@attrs.frozen
class Import:
    """One imported name.  module: `unbraid.data`; name: what is taken from it, empty for `import unbraid.data`."""

    file: Path
    line: int
    module: str
    name: str = ""
    typed: bool = False                            # for type checkers alone

    @property
    def package(self) -> str:
        """The top-level package."""
        return self.module.partition(".")[0]

    @property
    def statement(self) -> str:
        """As it may stand in the file."""
        return f"from {self.module} import {self.name}" if self.name else f"import {self.module}"


@attrs.frozen(eq=False)
class House:
    """A checkout, read as text."""

    root: Path = ROOT

    def folder(self, package: str) -> Path:
        """Where a package lies."""
        return self.root / next(r for r, p in PACKAGES.items() if p == package) / package

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every module of the four packages by its dotted name."""
        found = {}
        for root, package in PACKAGES.items():
            for file in sorted((self.root / root / package).rglob("*.py")):
                parts = file.relative_to(self.root / root).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
        return found

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """The imports of every module."""
        return {module: list(imports_in(file, module)) for module, file in self.files.items()}

    def everything(self) -> Iterator[Import]:
        """All imports of all modules."""
        return (i for found in self.imports.values() for i in found)

    @cached_property
    def doors(self) -> dict[str, dict[str, str]]:
        """For each package, the names that its `__init__` only passes on, and the modules that they come from."""
        return {module: {i.name: i.module for i in self.imports[module] if i.name and (i.module.startswith(f"{module}.")
                                                                                        or i.typed)}
                for module, file in self.files.items() if file.name == "__init__.py"}

    def target(self, found: Import) -> str | None:
        """The module of ours that an import reaches, behind doors."""
        module, name = found.module, found.name
        if name and f"{module}.{name}" in self.files and name not in self.doors.get(module, {}):
            return f"{module}.{name}"
        while name and name in self.doors.get(module, {}) and self.doors[module][name] != module:
            module = self.doors[module][name]
        return module if module in self.files else None

    @cached_property
    def arrows(self) -> dict[str, set[str]]:
        """For every module those that it imports; a door itself imports what it defines with, not what it passes on."""
        found: dict[str, set[str]] = {}
        for module, imports in self.imports.items():
            passed = self.doors.get(module, {})
            found[module] = {t for i in imports if not (i.name in passed and passed[i.name] == i.module)
                             and (t := self.target(i)) and t != module}
        return found

    def circles(self, modules: Iterable[str]) -> list[list[str]]:
        """Modules that import each other, in groups."""
        inside = set(modules)
        return [sorted(group) for group in components({m: self.arrows[m] & inside for m in inside}) if len(group) > 1]

    def floors(self, modules: Iterable[str]) -> dict[str, int]:
        """How deep each module stands above the ground: 1 imports no other of these."""
        inside = set(modules)
        arrows = {m: self.arrows[m] & inside for m in inside}
        group = {m: i for i, members in enumerate(components(arrows)) for m in members}     # deepest first
        depth: dict[int, int] = {}
        for i, members in enumerate(components(arrows)):
            below = {group[t] for m in members for t in arrows[m]} - {i}
            depth[i] = 1 + max((depth[b] for b in below), default=0)
        return {m: depth[group[m]] for m in inside}

    def within(self, package: str) -> list[str]:
        """The modules of a package or room."""
        return [m for m in self.files if m == package or m.startswith(f"{package}.")]

    def lines(self, package: str) -> int:
        """Lines of Python in a package or room."""
        return sum(len(self.files[m].read_text(encoding="utf-8").splitlines()) for m in self.within(package))

    def entries(self, package: str) -> list[str]:
        """What stands at the root of a package."""
        return sorted(p.name for p in self.folder(package).iterdir() if p.name != "__pycache__")


def imports_in(file: Path, module: str) -> Iterator[Import]:
    """Every import of a file: at the top, inside functions, for type checkers, and by a constant name."""
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typed = {id(n) for block in ast.walk(tree) if isinstance(block, ast.If)
             and ast.unparse(block.test) == "TYPE_CHECKING" for n in ast.walk(block)}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(file, node.lineno, n.name, "", id(node) in typed) for n in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                parents = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                whole = ".".join([*parents, *([name] if name else [])])
                yield from (Import(file, node.lineno, whole, n.name, id(node) in typed) for n in names)
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="__import__" | "import_module"),
                          args=[ast.Constant(value=str(name)), *_]):
                yield Import(file, node.lineno, name)


def components(arrows: Mapping[str, set[str]]) -> list[list[str]]:
    """Strongly connected components, those that are pointed to first (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(arrows[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(stack[at:])
            del stack[at:]

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


HOUSE = House()


def told(house: House) -> str:
    """The house as a table."""
    lines = [f"{'package':<18}{'lines':>7}{'files':>7}{'entries':>9}{'floors':>8}{'circles':>9}"]
    for package in PACKAGES.values():
        modules = house.within(package)
        lines.append(f"{package:<18}{house.lines(package):>7}{len(modules):>7}{len(house.entries(package)):>9}"
                     f"{max(house.floors(modules).values()):>8}{len(house.circles(modules)):>9}")
    for package in ("unbraid", "unbraid_plugins"):
        lines += ["", f"{package}:"]
        for entry in house.entries(package):
            if (house.folder(package) / entry).is_dir():
                room = f"{package}.{entry}"
                lines.append(f"  {entry + '/':<16}{house.lines(room):>7}{len(house.within(room)):>7}")
    circles = [circle for package in PACKAGES.values() for circle in house.circles(house.within(package))]
    lines += ["", *(f"circle: {' - '.join(circle)}" for circle in circles)] if circles else []
    return "\n".join(lines)


if __name__ == "__main__":
    print(told(House(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)))
