"""Calling metrics with what their parameters name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from unbraid.evaluation.evidence import EVIDENCE, Evidence
from unbraid.options import inputs_of
from unbraid_configs.mistakes import closest
from unbraid_registry.component import Component
from unbraid_registry.errors import UnbraidError


@attrs.define
class Measuring:
    """The metrics for which there is evidence, each computed once.

    A metric's parameter is a piece of evidence or another metric, whose result it then gets; one with a default may be
    missing. A metric of another distribution that fails costs a note.
    """

    metrics: Sequence[Component]
    evidence: Evidence
    seed: int = 0
    results: dict[str, Any] = attrs.Factory(dict)
    notes: list[str] = attrs.Factory(list)
    _asked: list[str] = attrs.Factory(list)

    def all(self) -> dict[str, Any]:
        """The results of all metrics that can be computed, by name.  Raises UnbraidError for unknown parameters."""
        for component in self.metrics:
            self._result(component)
        return {name: r for name, r in self.results.items() if r is not None}

    def _result(self, component: Component) -> Any:
        """The metric's result, or None where evidence is missing."""
        name = name_of(component)
        if name in self.results:
            return self.results[name]
        if name in self._asked:
            raise UnbraidError(f"the metrics {' -> '.join([*self._asked, name])} wait for each other")
        self._asked.append(name)
        try:
            self.results[name] = self._call(component)
        except Exception as error:
            if component.bundled or isinstance(error, UnbraidError):
                raise
            self.results[name] = None
            self.notes.append(f"the metric {name} failed: {type(error).__name__}: {error}")
        finally:
            self._asked.pop()
        return self.results[name]

    def _call(self, component: Component) -> Any:
        given: dict[str, Any] = {}
        for parameter in inputs_of(component):
            value = self._value(parameter.name, component)
            if value is None and parameter.default is parameter.empty:
                return None
            if value is not None:
                given[parameter.name] = value
        options = {o.name: value for o in component.options
                   for value in [{"seed": self.seed, "device": self.evidence.get("device")}.get(o.name)]
                   if value is not None}
        return component.target(**options)(**given) if component.is_class else component.target(**given, **options)

    def _value(self, name: str, component: Component) -> Any:
        if name in EVIDENCE:
            return self.evidence.get(name)
        for other in self.metrics:
            if other.name == name and (other.bundled or other.plugin == component.plugin):
                return self._result(other)
        known = [*EVIDENCE, *(m.name for m in self.metrics if m.bundled)]
        raise UnbraidError(f"the metric {component.full_name} asks for {name!r}, which is no evidence and no metric",
                           hint=closest(name, known) or f"there is {', '.join(known)}")


def name_of(component: Component) -> str:
    """The name of a metric in results: bare for a bundled one."""
    return component.name if component.bundled else component.full_name


def as_json(v: Any) -> Any:
    """A result as dicts, lists, numbers and strings; hidden fields are left out, and what is not finite is None."""
    if attrs.has(type(v)):
        return {a.name: as_json(getattr(v, a.name)) for a in attrs.fields(type(v)) if not a.metadata.get("hidden")}
    if isinstance(v, Mapping):
        return {str(k): as_json(x) for k, x in v.items()}
    if isinstance(v, np.ndarray):
        return as_json(v.tolist())
    if isinstance(v, list | tuple):
        return [as_json(x) for x in v]
    if isinstance(v, np.generic):
        v = v.item()
    if isinstance(v, float):
        return round(v, 6) if np.isfinite(v) else None
    return v
