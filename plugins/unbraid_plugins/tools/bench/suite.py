"""A suite: the methods, the data and the measures of a benchmark, read from a YAML file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
import cattrs
from cattrs import ClassValidationError, IterableValidationError, transform_error

from unbraid_configs import Mistake, RecipeError
from unbraid_configs.reading import read_file
from unbraid_registry import UnbraidError, closest

SPLITS = {"train": 0.8, "validation": 0.1, "test": 0.1}


class SuiteError(UnbraidError):
    """A suite that can't be read, or that names what it has not."""


@attrs.frozen(kw_only=True)
class DataSet:
    """The data that several methods see.

    source: a source, as in a recipe.
    sources: several sources by name, in place of one.
    split_by: a factor whose values no two splits share.
    """

    source: dict[str, Any] | None = None
    sources: dict[str, dict[str, Any]] = attrs.Factory(dict)
    split_by: str | None = None


@attrs.frozen(kw_only=True)
class Entry:
    """A method of a suite.

    recipe: a recipe's name, or its file beside the suite's.
    set: overrides for all data, where the widths stand.
    on: data -> the overrides for it; a method sees the data that it names here.
    blind: data -> the reason why the method can't see it.
    shares: path -> the share of the training's steps that is its value, such as the end of a first stage.
    """

    recipe: str
    set: tuple[str, ...] = ()
    on: dict[str, tuple[str, ...]] = attrs.Factory(dict)
    blind: dict[str, str] = attrs.Factory(dict)
    shares: dict[str, float] = attrs.Factory(dict)


@attrs.frozen(kw_only=True)
class Tuning:
    """The grid on which every method is tuned, judged on the validation split.

    rates: factors of the recipe's learning rates.
    share: the share of the budget that a try gets.
    by: the metric that chooses.
    """

    rates: tuple[float, ...] = (0.5, 1.0, 2.0)
    share: float = 0.25
    by: str = "retrieval_map"


@attrs.frozen(kw_only=True)
class Probing:
    """The probe of every run.

    labels: numbers of labels of every class, and "all".
    fit_on, judge_on: the sources to fit and to judge on, where there are several.
    supervised: whether networks are trained on the same labels, once for each data set.
    """

    labels: tuple[Any, ...] = (5, 20)
    fit_on: str | None = None
    judge_on: str | None = None
    supervised: bool = False

    @property
    def file(self) -> str:
        """The name of its file in a run."""
        ends = self.fit_on, self.judge_on
        return f"probe-{ends[0]}-{ends[1]}.json" if all(ends) else "probe.json"

    @property
    def options(self) -> list[str]:
        """Its options for `unbraid probe`."""
        ends = {"--from": self.fit_on, "--to": self.judge_on}
        return ["--labels", ",".join(map(str, self.labels)), *(text for name, end in ends.items() if end
                                                               for text in (name, end))]


@attrs.frozen(kw_only=True)
class Measure:
    """A column of the page.

    of: a metric, or a part of its result, `transfer_accuracy.common`; for probes `probe.linear.5`, the mean over the
        factors with 5 labels of every class.
    told: what the number says, in a few words.
    """

    of: str
    told: str


@attrs.frozen(kw_only=True)
class Suite:
    """A benchmark.

    budget: processor seconds of one training.
    seeds: the number of seeds of a method.
    images: the largest number of test images.
    source: the source that is measured on; None for that of the recipe's first draw.
    file: the file that it was read from.
    """

    name: str
    file: Path
    title: str
    about: str = ""
    budget: float = attrs.field(default=60.0, validator=attrs.validators.gt(0))
    seeds: int = attrs.field(default=3, validator=attrs.validators.ge(1))
    images: int = 1000
    source: str | None = None
    splits: dict[str, float] = attrs.Factory(lambda: dict(SPLITS))
    tuning: Tuning = Tuning()
    probe: Probing | None = None
    data: dict[str, DataSet]
    methods: dict[str, Entry]
    measures: dict[str, Measure]

    @property
    def metrics(self) -> list[str]:
        """The metrics that the columns need, each once."""
        return list(dict.fromkeys(m.of.partition(".")[0] for m in self.measures.values()
                                  if not m.of.startswith("probe.")))

    def checked(self) -> Suite:
        """Return the suite.  Raises SuiteError where a method is silent about data, or splits have no validation."""
        for name in (*self.methods, *self.data):
            if not re.fullmatch(r"\w[\w .+-]{0,40}", name):
                raise SuiteError(f"{self.file}: {name!r} can't be the name of a folder")
        for name, entry in self.methods.items():
            for data in (*entry.on, *entry.blind):
                _known(data, self.data, f"{self.file}: methods.{name}: there is no data {data!r}")
            if silent := [d for d in self.data if d not in entry.on and d not in entry.blind]:
                raise SuiteError(f"{self.file}: methods.{name} says nothing about the data {', '.join(silent)}",
                                 hint="name it under `on`, or under `blind` with the reason")
        if list(self.splits) != list(SPLITS):
            raise SuiteError(f"{self.file}: splits are {', '.join(self.splits)}; expected {', '.join(SPLITS)}, in this "
                             "order")
        return self

    def only(self, methods: tuple[str, ...]) -> Suite:
        """Return the suite with these methods alone; with all, where none is named.  Raises SuiteError."""
        for name in methods:
            _known(name, self.methods, f"the suite {self.name!r} has no method {name!r}")
        return attrs.evolve(self, methods={n: e for n, e in self.methods.items() if n in methods}) if methods else self


def _known(name: str, known: dict[str, Any], message: str) -> None:
    if name not in known:
        raise SuiteError(message, hint=closest(name, known) or f"there is {', '.join(known)}")


def read_suite(file: Path) -> Suite:
    """Read a suite from its YAML file.  Raises SuiteError, RecipeError, with the place."""
    mistakes: list[Mistake] = []
    node = read_file(file, mistakes)
    if mistakes:
        raise RecipeError(mistakes)
    found = node.plain()
    if not isinstance(found, dict):
        raise SuiteError(f"{file} is no suite: it is {type(found).__name__}, expected a map")
    converter = cattrs.Converter(forbid_extra_keys=True)
    converter.register_structure_hook(str, _text)
    converter.register_structure_hook(Path, lambda value, kind: Path(value))
    try:
        return converter.structure({**found, "name": file.stem, "file": str(file)}, Suite).checked()
    except (ClassValidationError, IterableValidationError) as error:
        raise SuiteError("\n".join(f"{file}: {text}" for text in transform_error(error)),
                         hint="docs/bench.md has all keys") from None


def _text(value: Any, kind: type) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, found {value!r}")
    return value
