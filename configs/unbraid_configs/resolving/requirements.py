"""Check of `requires: {munit: ">=0.2"}`, the distributions that must be installed, before all other checks."""

from __future__ import annotations

from importlib import metadata

from unbraid_configs import Mistake
from unbraid_configs.reading import Node
from unbraid_registry.pip_hints import NAME, pip_install


def check_requires(tree: Node) -> list[Mistake]:
    """Return a mistake for every requirement that is not installed, or not in the wanted version.

    A plugin's distribution may be called unbraid-NAME.
    """
    mistakes = []
    requires = tree.get("requires")
    for name, node in requires.items() if requires else []:
        if isinstance(node.value, str):
            problem = _problem(name, node.value)
            if problem:
                mistakes.append(Mistake(node.place, f"requires.{name}", *problem))
    return mistakes


def _problem(name: str, wanted: str) -> tuple[str, str] | None:
    if not NAME.fullmatch(name):
        return f"{name!r} is no name of a distribution", "letters, digits, . _ and -"
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion

    try:
        versions = SpecifierSet(wanted if wanted.strip() != "*" else "")
    except InvalidSpecifier:
        return f"{wanted!r} is no range of versions", 'write ">=0.2", ">=0.2,<1", or "*" for any'
    for distribution in (name, f"unbraid-{name}"):
        try:
            installed = metadata.version(distribution)
        except (metadata.PackageNotFoundError, ValueError):
            continue
        try:
            fits = versions.contains(installed, prereleases=True)
        except InvalidVersion:
            fits = False
        if fits:
            return None
        return f"the recipe needs {distribution} {wanted}, installed is {installed}", _remedy(distribution, versions)
    return f"the recipe needs {name} {wanted}, which is not installed", _remedy(name, versions)


def _remedy(distribution: str, versions: object) -> str:
    return f"{pip_install(distribution, str(versions))}   if you trust who wrote the recipe"
