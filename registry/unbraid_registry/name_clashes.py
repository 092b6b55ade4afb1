"""Clashes of plugin names, settled before any plugin is imported."""

from __future__ import annotations

from collections.abc import Sequence

from unbraid_registry.discovery import Candidate
from unbraid_registry.errors import UnbraidError
from unbraid_registry.problems import PluginProblem


def without_clashes(candidates: Sequence[Candidate]) -> tuple[list[Candidate], list[Candidate], list[PluginProblem]]:
    """Separate the plugins that may be loaded from those that may not because of their names.

    Returns both, and one problem for every name that is claimed more than once. A bundled plugin cannot be displaced.
    Of two foreign ones neither is loaded: the order of loading never decides the meaning of a name.
    """
    kept: list[Candidate] = []
    rejected: list[Candidate] = []
    problems: list[PluginProblem] = []
    for name in dict.fromkeys(c.name for c in candidates):
        claims = [c for c in candidates if c.name == name]
        bundled = [c for c in claims if c.bundled]
        keeper = claims[0] if len(claims) == 1 else bundled[0] if len(bundled) == 1 else None
        losers = [c for c in claims if c is not keeper]
        kept += [keeper] if keeper else []
        rejected += losers
        if losers:
            problems.append(_problem(name, claims, losers))
    return kept, rejected, problems


def _problem(name: str, claims: Sequence[Candidate], losers: Sequence[Candidate]) -> PluginProblem:
    claimed = " and ".join(
        f"{c} ({c.origin}, {'not loaded' if c in losers else 'bundled, kept'})" for c in claims)
    block = ",".join(dict.fromkeys(c.distribution for c in losers))
    which = block if len(losers) == 1 else "one of them"
    return PluginProblem(
        plugin=name, distribution=", ".join(dict.fromkeys(c.distribution for c in losers)),
        version=", ".join(dict.fromkeys(c.version for c in losers)), stage="clash",
        message=f"plugin name {name!r} is claimed by {claimed}",
        remedy=f"Uninstall {which}, or block it: UNBRAID_PLUGINS_BLOCK={losers[0].distribution}")


def refuse_file_clash(file: Candidate, others: Sequence[Candidate]) -> None:
    """Raise UnbraidError where the name of a single-file plugin is taken."""
    for other in others:
        if other.name == file.name:
            what = "the bundled plugin of " if other.bundled else "" if not other.distribution else "a plugin of "
            raise UnbraidError(f"plugin {file.origin}: the name {file.name!r} belongs to {what}{other}",
                               hint=f"Rename the file: the plugin is called as the file, e.g. my_{file.name}.py")
