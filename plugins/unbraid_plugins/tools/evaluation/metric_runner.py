"""Calls of metrics with the evidence that their parameters name."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import attrs
import numpy as np

from unbraid_plugins.tools.evaluation.evidence import EVIDENCE, Evidence
from unbraid_registry import Component, UnbraidError, closest, fault_of, inputs_of

LOG = logging.getLogger("unbraid.metrics")


@attrs.define
class Measuring:
    """The state of computing metrics: each metric with enough evidence is computed once.

    A metric's parameter names a piece of evidence or another metric, whose result it then gets. A parameter with a
    default may lack its evidence. A metric raises ValueError to say that it can't measure: it has no result, and a note
    says why. Any other failure, except UnbraidError, costs its result too, and no other metric's.

    metrics: all known metrics.
    evidence: name -> value.
    options: values for the metrics' options of these names.
    results: metric -> result, None where it can't be computed.
    notes: remarks for the reader.
    costs: metric -> seconds, without those of the metrics that it asks for.
    faults: metric -> the exception that ended it, with type and line.
    """

    metrics: Sequence[Component]
    evidence: Evidence
    options: Mapping[str, Any] = attrs.Factory(dict)
    results: dict[str, Any] = attrs.Factory(dict)
    notes: list[str] = attrs.Factory(list)
    costs: dict[str, float] = attrs.Factory(dict)
    faults: dict[str, str] = attrs.Factory(dict)
    _asked: list[str] = attrs.Factory(list)

    def all(self, names: Collection[str] | None = None) -> dict[str, Any]:
        """Compute the metrics of these names (None: all), and those that they ask for, and return all results.

        Metrics that can't be computed are left out.  Raises UnbraidError for unknown parameters.
        """
        for component in self.metrics:
            if names is None or name_of(component) in names:
                self._result(component)
        return {name: r for name, r in self.results.items() if r is not None}

    def done(self, names: Collection[str] | None = None) -> Measuring:
        """Compute these metrics, drop the evidence, and return self."""
        self.all(names)
        self.evidence = {}
        return self

    def asked_for(self, names: Collection[str]) -> set[str]:
        """Return the names, and the names of the metrics that these ask for."""
        found: set[str] = set()
        waiting = [m for m in self.metrics if name_of(m) in names]
        while waiting:
            component = waiting.pop()
            if name_of(component) not in found:
                found.add(name_of(component))
                others = (self._other(p.name, component) for p in inputs_of(component) if p.name not in EVIDENCE)
                waiting += [m for m in others if m is not None]
        return found

    def possible(self, names: Collection[str]) -> set[str]:
        """Return those of the metrics that have their evidence, and the metrics that these ask for."""
        known: dict[str, bool] = {}

        def can(component: Component) -> bool:
            name = name_of(component)
            if name not in known:
                known[name] = False                # a circle of metrics can't be computed
                known[name] = all(p.default is not p.empty or self._there(p.name, component, can)
                                  for p in inputs_of(component))
            return known[name]

        return self.asked_for({name_of(m) for m in self.metrics if name_of(m) in names and can(m)})

    def _there(self, name: str, component: Component, can: Callable[[Component], bool]) -> bool:
        if name in EVIDENCE:
            return self.evidence.get(name) is not None
        other = self._other(name, component)
        return other is None or can(other)

    def _result(self, component: Component) -> Any:
        """Return the metric's result, or None where evidence is missing."""
        name = name_of(component)
        if name in self.results:
            return self.results[name]
        if name in self._asked:
            raise UnbraidError(f"the metrics {' -> '.join([*self._asked, name])} wait for each other")
        self._asked.append(name)
        try:
            self.results[name] = self._call(component)
        except UnbraidError:
            raise
        except Exception as error:
            self.results[name] = None
            if isinstance(error, ValueError) and component.bundled:
                self.notes.append(f"{name} is not measured: {error}")
            else:
                self.faults[name] = fault_of(error, component)
                LOG.info("the metric %s failed: %s", name, self.faults[name], exc_info=error)      # by --traceback
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
        values = {"device": self.evidence.get("device"), **self.options}
        options = {o.name: values[o.name] for o in component.options if values.get(o.name) is not None}
        start = time.perf_counter()
        result = component.target(**options)(**given) if component.is_class else component.target(**given, **options)
        self.costs[name_of(component)] = time.perf_counter() - start
        return result

    def _value(self, name: str, component: Component) -> Any:
        if name in EVIDENCE:
            return self.evidence.get(name)
        other = self._other(name, component)
        if other is not None:
            return self._result(other)
        known = [*EVIDENCE, *(m.name for m in self.metrics if m.bundled)]
        raise UnbraidError(f"the metric {component.full_name} asks for {name!r}, which is no evidence and no metric",
                           hint=closest(name, known) or f"there is {', '.join(known)}")

    def _other(self, name: str, component: Component) -> Component | None:
        """Return the metric that another metric refers to by a name."""
        return next((m for m in self.metrics if m.name == name and (m.bundled or m.plugin == component.plugin)), None)


def name_of(component: Component) -> str:
    """Return the name of a metric in results: without its plugin for a bundled one."""
    return component.name if component.bundled else component.full_name


def told_faults(arms: Mapping[str, Measuring]) -> list[str]:
    """Return a note for every fault of a metric, with the arms in which it failed."""
    failed: dict[tuple[str, str], list[str]] = {}
    for arm, measuring in arms.items():
        for name, text in measuring.faults.items():
            failed.setdefault((name, text), []).append(arm)
    return [f"the metric {name} failed on {', '.join(arms)}: {text}" for (name, text), arms in failed.items()]


def as_json(v: Any) -> Any:
    """Return a result as dicts, lists, numbers and strings.

    Hidden fields are left out. Floats are rounded to 6 digits; those that are not finite become None.
    """
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


def result_json(v: Any) -> dict[str, Any]:
    """Return a metric's result as a map; that of a metric that returns a number has it as `score`."""
    found = as_json(v)
    return found if isinstance(found, dict) else {"score": found}


LEVEL = 0.95


def interval(score: float, resampled: np.ndarray) -> list[float] | None:
    """Return the middle 95 % of bootstrapped scores, moved so that their mean is the score (Efron 1979).

    A bootstrap draws some images twice, which biases the scores: without the move, the score may lie outside the
    interval. A score that is never negative gets no negative end.

    resampled: (B,) scores of images that were drawn again with replacement.

    Returns None where no resampled score is finite, or the score is not.

    >>> interval(0.5, np.asarray([0.6, 0.7, 0.8]))
    [0.405, 0.595]
    """
    values = np.asarray(resampled, np.float64)
    values = values[np.isfinite(values)]
    if not len(values) or not np.isfinite(score):
        return None
    low, high = score + np.quantile(values - values.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return [round(float(max(low, min(score, values.min(), 0))), 6), round(float(high), 6)]
