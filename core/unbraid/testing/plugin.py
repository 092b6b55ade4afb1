"""The suite for a whole plugin."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar

import pytest

from unbraid.data import open_data
from unbraid.model import build_method
from unbraid_configs import RecipeError, load_recipe
from unbraid_registry import Component, PluginInfo, load_registry
from unbraid_registry.discovery import Candidate, name_fault, single_file
from unbraid_registry.frames import failed_in
from unbraid_registry.plugin_checks import check_hooks, check_level, collect_components, collect_recipes


class PluginSuite:
    """The suite of a plugin: set `module = "acme_tv"` or `file = Path("my_loss.py")`.

    name: the name of its entry point, if it must be installed and load under it.
    source: a source in YAML, for whose images every recipe's networks are built.
    """

    module: ClassVar[str] = ""
    file: ClassVar[str | Path] = ""
    name: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def candidate(self) -> Candidate:
        """Return the plugin before it is loaded."""
        assert bool(self.module) != bool(self.file), "give the suite a module or a file"
        if self.file:
            return single_file(Path(self.file))
        name = self.name or self.module.rpartition(".")[2]
        return Candidate(name=name, origin=self.module, load=lambda: importlib.import_module(self.module))

    def staged(self) -> tuple[Any, list[Component], dict[str, Path]]:
        """Load and check the plugin, its components and its recipes.  Raises what the loader would report."""
        candidate = self.candidate()
        plugin = candidate.load()
        check_level(plugin)
        manager = check_hooks(plugin, candidate.name)
        return plugin, collect_components(manager, candidate), collect_recipes(manager)

    def test_loads(self) -> None:
        """Check its name, API level, hooks, components and recipes."""
        fault = name_fault(self.candidate().name)
        assert not fault, fault
        self.staged()

    def test_is_installed(self) -> None:
        """Check that its entry point is found, and that nothing else claims its name."""
        if not self.name:
            pytest.skip("the suite gives no name")
        registry = load_registry(strict=False, environ={})
        problems = [str(p) for p in registry.problems if p.plugin == self.name]
        assert not problems, problems[0]
        found = [p for p in registry.plugins if p.name == self.name]
        assert found, (f"no entry point {self.name!r} in the group 'unbraid'; is the package installed? "
                       f"There are: {', '.join(p.name for p in registry.plugins)}")

    def test_defaults_are_valid(self) -> None:
        """Check that components without required options can be made: defaults pass their own validators."""
        for component in self.staged()[1]:
            if component.is_class and not any(o.required for o in component.options):
                component.target()

    def test_recipes_are_valid(self) -> None:
        """Check that every recipe of the plugin loads, with its own components and the installed ones.

        An environment variable in a path, `${FILMS}`, need not be set.
        """
        plugin, components, recipes = self.staged()
        if not recipes:
            pytest.skip("it brings no recipes")
        registry = load_registry(strict=False, environ={})
        installed = {c.full_name for c in registry.catalog.all()}
        registry.catalog.add(*(c for c in components if c.full_name not in installed))
        info = PluginInfo(name=self.candidate().name, status="loaded", path=plugin.__file__)
        for path in recipes.values():
            try:
                recipe = load_recipe(path, [f"data.source={self.source}"] if self.source else (), plugins=registry,
                                     keep_unset=True)
                if self.source:
                    with closing(open_data(recipe.data)) as data:
                        build_method(recipe, data.facts, catalog=registry.catalog)
            except RecipeError as error:           # a screen with the place and the line, not 90 lines of frames
                line = failed_in(error.__cause__, [info])[1] if error.__cause__ else ""
                raise pytest.fail.Exception(f"{error}" + f"\n  {line}" * bool(line), pytrace=False) from None

    def test_changes_nothing_of_unbraid(self) -> None:
        """Check that its import, in a separate process, replaces no function, class or method of ours."""
        plugin = str(Path(self.file).resolve()) if self.file else self.module
        if plugin.startswith("unbraid_plugins."):
            pytest.skip("it is ours")
        done = subprocess.run([sys.executable, "-P", "-m", "unbraid_registry.untouched", plugin], capture_output=True,
                              text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                              check=False)
        assert done.returncode == 0, done.stderr
        assert not done.stdout.strip(), f"its import changes {', '.join(done.stdout.split())}"

    def test_gives_the_same_twice(self) -> None:
        """Check that a second call contributes the same objects, not new ones."""
        manager = check_hooks(self.candidate().load(), self.candidate().name)
        first, second = ([list(r) for r in manager.hook.unbraid_components()] for _ in range(2))
        assert first == second, "unbraid_components gives other objects when it is asked again"
