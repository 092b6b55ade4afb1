"""Components: functions and attrs classes that plugins contribute, each of one kind."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol, TypeVar, cast, get_type_hints, overload

import attrs

KINDS = ("encoder", "generator", "critic", "renderer", "network", "loss", "operation", "source", "metric")
NETWORK_KINDS = ("encoder", "generator", "critic", "renderer", "network")
CALLED_KINDS = ("loss", "operation", "metric")     # expressions call these, and networks

FILLED = ("random", "layout")                   # keywords that the engine fills in, never a recipe

Target = TypeVar("Target", bound=Callable[..., Any])


@attrs.frozen(kw_only=True)
class Mark:
    """The mark that a decorator puts on a function or class.

    remembers: a network with state, called once per round.
    sets: a component that takes whole sets, (B, n, ...).
    renamed: former names of options -> the present ones.
    formerly: former names of the component.
    better: the better score of a metric, "higher", "lower" or "neither".
    """

    kind: str
    name: str
    remembers: bool = False
    sets: bool = False
    better: str = ""
    renamed: Mapping[str, str] = attrs.Factory(dict)
    formerly: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Option:
    """A hyper-parameter of a component: a keyword-only argument or an attrs field."""

    name: str
    type: Any
    default: Any = attrs.NOTHING
    validator: Callable[..., Any] | None = None

    @property
    def required(self) -> bool:
        """Whether a recipe must give it."""
        return self.default is attrs.NOTHING


@attrs.frozen(kw_only=True)
class Component:
    """A marked function or attrs class, with the plugin and the distribution that it came from.

    absent: why it is not there, where it is the placeholder of a component that a run used.
    better: the better score of a metric, "higher", "lower" or "neither".
    """

    kind: str
    name: str
    target: Callable[..., Any]
    plugin: str
    distribution: str = ""
    version: str = ""
    bundled: bool = False
    remembers: bool = False
    sets: bool = False
    renamed: Mapping[str, str] = attrs.field(factory=dict, eq=False)
    formerly: tuple[str, ...] = ()
    absent: str = ""
    better: str = ""

    @property
    def full_name(self) -> str:
        """`plugin.name`, the name that runs store."""
        return f"{self.plugin}.{self.name}"

    def present(self, option: str) -> str:
        """Return the present name of an option, given its present name or a former one."""
        return self.renamed.get(option, option)

    @property
    def summary(self) -> str:
        """First line of the docstring."""
        return (inspect.getdoc(self.target) or "").partition("\n")[0]

    @property
    def location(self) -> str:
        """`file:line` of its definition."""
        target = inspect.unwrap(self.target)
        try:
            return f"{inspect.getsourcefile(target)}:{inspect.getsourcelines(target)[1]}"
        except (OSError, TypeError):
            return "?"

    @property
    def is_class(self) -> bool:
        """Whether it is an attrs class, and not a function."""
        return inspect.isclass(self.target)

    @property
    def random(self) -> bool:
        """Whether it is a function with the parameter `random`, its source of random numbers."""
        return not self.is_class and "random" in inspect.signature(self.target).parameters

    @property
    def inputs(self) -> tuple[inspect.Parameter, ...]:
        """The positional parameters of a function, with resolved annotations; empty for a class."""
        if self.is_class:
            return ()
        hints = _hints(self.target)
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD,
                      inspect.Parameter.VAR_POSITIONAL)
        return tuple(p.replace(annotation=hints.get(p.name, p.empty))
                     for p in inspect.signature(self.target).parameters.values() if p.kind in positional)

    @property
    def options(self) -> tuple[Option, ...]:
        """Its hyper-parameters, in the order of the definition."""
        hints = _hints(self.target)
        if self.is_class:
            return tuple(Option(name=a.alias, type=hints.get(a.name, Any), default=a.default, validator=a.validator)
                         for a in attrs.fields(cast(Any, self.target)) if a.init)
        return tuple(
            Option(name=p.name, type=hints.get(p.name, Any),
                   default=attrs.NOTHING if p.default is inspect.Parameter.empty else p.default)
            for p in inspect.signature(self.target).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY and p.name not in FILLED)


@lru_cache(maxsize=4096)
def _hints(target: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotations of a function or class, evaluated; empty where they cannot be evaluated."""
    try:
        return get_type_hints(target)
    except (NameError, TypeError):
        return {}


class Decorator(Protocol):
    """A decorator that marks a function or an attrs class as a component: `@loss`, or `@loss(name="l1")`."""

    @overload
    def __call__(self, target: Target, /) -> Target: ...
    @overload
    def __call__(self, *, name: str = ..., remembers: bool = ..., sets: bool = ..., renamed: Mapping[str, str] = ...,
                 formerly: str | Iterable[str] = ..., better: str = ...) -> Callable[[Target], Target]: ...


def marked(kind: str) -> Decorator:
    """Make the decorator of one kind."""

    def decorator(target: Any = None, /, *, name: str = "", remembers: bool = False, sets: bool = False,
                  renamed: Mapping[str, str] | None = None, formerly: str | Iterable[str] = (),
                  better: str = "") -> Any:
        def mark(target: Any) -> Any:
            target.__unbraid__ = Mark(
                kind=kind, name=name or _snake_case(target.__name__), remembers=remembers, sets=sets, better=better,
                renamed=dict(renamed or {}), formerly=(formerly,) if isinstance(formerly, str) else tuple(formerly))
            return target

        return mark if target is None else mark(target)

    decorator.__name__ = kind
    decorator.__doc__ = f"""Mark a function or attrs class as a component of kind {kind}.

    name: its name in recipes, by default that of the function or class.
    remembers: a network with state, called once per round.
    sets: it takes whole sets, (B, n, ...).
    renamed: options that had other names, as {{"hidden": "units"}}: old recipes and runs still load.
    formerly: names that the component had, which old recipes and runs may still use.
    better: the better score of a metric, "higher", "lower" or "neither".

    >>> from unbraid import {kind}
    >>> @{kind}
    ... class MyOwn:
    ...     'A component.'
    >>> MyOwn.__unbraid__.kind, MyOwn.__unbraid__.name
    ('{kind}', 'my_own')
    """
    return cast(Decorator, decorator)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


encoder = marked("encoder")
generator = marked("generator")
critic = marked("critic")
renderer = marked("renderer")
network = marked("network")
loss = marked("loss")
operation = marked("operation")
source = marked("source")
metric = marked("metric")
