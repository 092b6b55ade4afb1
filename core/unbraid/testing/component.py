"""The base of the suites for components of every kind."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from unbraid_registry import Component
from unbraid_registry.component_checks import make_component
from unbraid_registry.discovery import Candidate


class ComponentSuite:
    """A component and the options that it is tested with.

    component: the function or class that the plugin contributes.
    options: its hyper-parameters, as in a recipe.
    kind: the kind that it must have, or several that are allowed.
    """

    component: ClassVar[Callable[..., Any]]
    options: ClassVar[Mapping[str, Any]] = {}
    kind: ClassVar[str | tuple[str, ...]]

    @property
    def target(self) -> Callable[..., Any]:
        """The component itself, not bound as a method of the suite."""
        found = inspect.getattr_static(type(self), "component", None)
        assert found is not None, f"{type(self).__name__} needs: component = the function or class to be tested"
        return found.__func__ if isinstance(found, staticmethod) else found

    @property
    def described(self) -> Component:
        """The component as the catalog describes it.  Raises UnbraidError where it breaks the contract."""
        return make_component(self.target, Candidate(name="tested", origin="tested", load=lambda: None))

    def test_is_a_component(self) -> None:
        """Check its mark, its kind, its docstring, its name and its typed options."""
        described = self.described
        kinds = (self.kind,) if isinstance(self.kind, str) else self.kind
        assert described.kind in kinds, f"{described.name} is marked as {described.kind}; expected {' or '.join(kinds)}"

    def test_options_exist(self) -> None:
        """Check that the component has the options of the suite, and that those without a default are given."""
        options = {o.name: o for o in self.described.options}
        unknown = [name for name in self.options if name not in options]
        assert not unknown, f"no option {', '.join(unknown)}; it has {', '.join(options) or 'none'}"
        missing = [name for name, o in options.items() if o.required and name not in self.options]
        assert not missing, f"options without a default must be given: {', '.join(missing)}"
