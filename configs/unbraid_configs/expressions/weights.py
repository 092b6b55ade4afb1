"""Weights that change with the step: products of numbers, named weights and schedules."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from inspect import signature
from typing import NoReturn

import attrs

from unbraid_configs import Mistake, Place, RecipeError
from unbraid_configs.expressions.expression import Expression
from unbraid_configs.expressions.tree import Arithmetic, Call, Name, Number, Tree
from unbraid_registry import closest

Schedule = Callable[[int], float]
MAX_NAMED = 10                                      # named weights that refer to named weights
MAX_SCHEDULES = 100                                 # in one product


def every(n: int) -> Schedule:
    """Return a schedule: 1 at every n-th step, 0 between."""
    return lambda step: float(step % n == 0)


def after(start: int) -> Schedule:
    """Return a schedule: 0 before the step `start`, 1 from it on."""
    return lambda step: float(step >= start)


def before(end: int) -> Schedule:
    """Return a schedule: 1 before the step `end`, 0 from it on."""
    return lambda step: float(step < end)


def ramp(first: float = 0.0, last: float = 1.0, *, over: int, begin: int = 0) -> Schedule:
    """Return a schedule: a straight line from `first` to `last` over `over` steps, constant before and after."""
    return lambda step: first + (last - first) * min(max((step - begin) / over, 0.0), 1.0)


def decay(*, by: float, every: int) -> Schedule:
    """Return a schedule: 1, multiplied by `by` after each `every` steps (a staircase)."""
    def at(step: int) -> float:
        try:
            return float(by) ** (step // every)
        except OverflowError:
            return math.inf

    return at


def cosine(*, over: int) -> Schedule:
    """Return a schedule: from 1 to 0 along half a cosine (Loshchilov & Hutter 2017)."""
    return lambda step: 0.5 + 0.5 * math.cos(math.pi * min(step / over, 1.0))


SCHEDULES: dict[str, Callable[..., Schedule]] = {f.__name__: f for f in (every, after, before, ramp, decay, cosine)}


@attrs.frozen
class Weight:
    """A number times schedules; `at(step)` is its value."""

    number: float = 1.0
    schedules: tuple[Schedule, ...] = attrs.field(default=(), eq=False)
    text: str = ""                                 # its source, so that equal weights compare as equal

    def at(self, step: int) -> float:
        """Return its value at a step."""
        return math.prod((s(step) for s in self.schedules), start=self.number)

    def times(self, other: Weight) -> Weight:
        """Return the product of two weights."""
        return Weight(self.number * other.number, self.schedules + other.schedules,
                      " * ".join(filter(None, (self.text, other.text))))

    @property
    def constant(self) -> bool:
        """Whether it is the same at every step."""
        return not self.schedules


@attrs.define
class Weights:
    """The named weights of a recipe."""

    expressions: Mapping[str, Expression]
    known: dict[str, Weight] = attrs.field(init=False, factory=dict)

    def __contains__(self, name: str) -> bool:
        return name in self.expressions

    def named(self, name: str, asked: tuple[str, ...] = ()) -> Weight:
        """Return the weight of this name.  Raises RecipeError."""
        if name in asked:
            raise RecipeError([Mistake(self.expressions[name].place, f"weights.{name}",
                                       f"the weights go round: {' -> '.join((*asked, name))}")])
        if len(asked) == MAX_NAMED:
            raise RecipeError([Mistake(self.expressions[name].place, f"weights.{name}",
                                       f"more than {MAX_NAMED} weights are made of one another")])
        if name not in self.known:
            self.known[name] = self.read(self.expressions[name], f"weights.{name}", (*asked, name))
        return self.known[name]

    def read(self, expression: Expression, path: str, asked: tuple[str, ...] = ()) -> Weight:
        """Read the weight of an expression.  Raises RecipeError."""
        weight, rest = self.split(expression.tree, path, asked)
        if rest is not None:
            found = rest.name if isinstance(rest, Name) else rest.function if isinstance(rest, Call) else ""
            hint = closest(found, [*self.expressions, *SCHEDULES]) or (
                f"a product of numbers, names from `weights:` and {', '.join(SCHEDULES)}")
            raise RecipeError([Mistake(rest.place, path, f"{found!r} is no weight" if found else "this is no weight",
                                       hint)])
        return weight

    def split(self, tree: Tree, path: str, asked: tuple[str, ...] = ()) -> tuple[Weight, Tree | None]:
        """Split a product into its leading weights and the tree that they weigh (None if nothing is left)."""
        match tree:
            case Number(value=number):
                return Weight(float(number)), None
            case Name(name=name) if name in self.expressions:
                weight = self.named(name, asked)
                return attrs.evolve(weight, text=weight.text or name) if weight.schedules else weight, None
            case Call(function=function) if function in SCHEDULES:
                return self._schedule(tree, path), None
            case Arithmetic(sign="*"):
                return self._product(tree, path, asked)
        return Weight(), tree

    def _product(self, tree: Arithmetic, path: str, asked: tuple[str, ...]) -> tuple[Weight, Tree | None]:
        """Split a product in a loop, so that a long product does not count as deep nesting."""
        chain = [tree]
        while isinstance(left := chain[-1].left, Arithmetic) and left.sign == "*":
            chain.append(left)
        weight, rest = self.split(chain[-1].left, path, asked)
        for part in reversed(chain):
            if rest is not None:
                rest = Arithmetic("*", rest, part.right, part.place)
                continue
            more, rest = self.split(part.right, path, asked)
            weight = weight.times(more)
            if not math.isfinite(weight.number) or len(weight.schedules) > MAX_SCHEDULES:
                what = f"more than {MAX_SCHEDULES} schedules are multiplied" if math.isfinite(weight.number) else (
                    "the number is too large")
                raise RecipeError([Mistake(part.place, path, what)])
        return weight, rest

    def _schedule(self, call: Call, path: str) -> Weight:
        def fail(message: str) -> NoReturn:
            takes = ", ".join(signature(SCHEDULES[call.function]).parameters)
            raise RecipeError([Mistake(call.place, path, message, f"{call.function}({takes})")])

        def number(tree: Tree, place: Place) -> float:
            weight, rest = self.split(tree, path)
            if rest is not None or not weight.constant:
                fail(f"{call.function} takes numbers")
            return int(weight.number) if weight.number == int(weight.number) else weight.number

        numbers = [number(a, call.place) for a in call.arguments]
        options = {name: number(o, call.place) for name, o in call.options}
        for name in ("n", "over", "every"):
            if options.get(name, 1) <= 0 or (call.function == "every" and numbers and numbers[0] <= 0):
                fail(f"{call.function} takes a positive number of steps")
        try:
            schedule = SCHEDULES[call.function](*numbers, **options)
        except TypeError as error:
            fail(str(error).replace("()", ""))
        return Weight(1.0, (schedule,), f"{call.function}({numbers}, {sorted(options.items())})")
