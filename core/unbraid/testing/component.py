"""What holds for a component of every kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from unbraid_registry import Component
from unbraid_registry.component_checks import make_component
from unbraid_registry.discovery import Candidate


class ComponentSuite:
    """A component and the options that it is tested with.

    component: the function or class that the plugin contributes; options: its hyper-parameters as in a recipe;
    kind: what it must be.
    """

    component: ClassVar[Callable[..., Any]]
    options: ClassVar[Mapping[str, Any]] = {}
    kind: ClassVar[str | tuple[str, ...]]

    @property
    def target(self) -> Callable[..., Any]:
        """The component itself, and not a method that Python made of it."""
        found = inspect.getattr_static(type(self), "component", None)
        assert found is not None, f"{type(self).__name__} needs: component = the function or class to be tested"
        return found.__func__ if isinstance(found, staticmethod) else found

    @property
    def described(self) -> Component:
        """The component as the catalog would have it; raises UnbraidError where it breaks a promise."""
        return make_component(self.target, Candidate(name="tested", origin="tested", load=lambda: None))

    def test_is_a_component(self) -> None:
        """It is marked, of the right kind, documented, and has a usable name and typed options."""
        described = self.described
        kinds = (self.kind,) if isinstance(self.kind, str) else self.kind
        assert described.kind in kinds, f"{described.name} is marked as {described.kind}; expected {' or '.join(kinds)}"

    def test_options_exist(self) -> None:
        """The options that it is tested with are its own, and those without a default are given."""
        options = {o.name: o for o in self.described.options}
        unknown = [name for name in self.options if name not in options]
        assert not unknown, f"no option {', '.join(unknown)}; it has {', '.join(options) or 'none'}"
        missing = [name for name, o in options.items() if o.required and name not in self.options]
        assert not missing, f"options without a default must be given: {', '.join(missing)}"
