"""Inputs for the check of an exported program: images of the run, their codes and labels.

Random numbers of the right range take the place of inputs that the run's data does not have.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
import torch

from unbraid.data import Data, open_data
from unbraid.model import Model, code_of
from unbraid.values import Code, Label, Noise, Set, Value, map_tensors, tensors
from unbraid_plugins.tools.export.exportable import Formula
from unbraid_plugins.tools.export.program import sized
from unbraid_registry import UnbraidError


@attrs.frozen(eq=False)
class Examples:
    """Maker of values for the parameters of a function.

    data: the run's data; None for random images.
    of: the kind of the examples, in words.
    """

    model: Model
    data: Data | None = None
    of: str = "random images"

    def __call__(self, formula: Formula, size: int) -> dict[str, Value]:
        """Return a value for each parameter, for a batch of this size."""
        dice = np.random.default_rng(size)
        rows: dict[str, np.ndarray] = {}
        values: dict[str, Value] = {}
        for name, like in formula.parameters.items():
            image, _, field = name.partition(".")
            if image not in rows and self.data is not None:
                rows[image] = dice.choice(_rows(self.data, self._source(image)), size * _count(like))
            values[name] = self._value(image, field, like, rows.get(image), size)
        return values

    def _value(self, name: str, field: str, like: Value, rows: np.ndarray | None, size: int) -> Value:
        if isinstance(like, Set):
            return Set(self._value(name, field, like.folded, rows, size), like.count)
        if self.data is not None and rows is not None:
            source = self._source(name)
            if field and field in self.data.images_of[source or self._first()].fields:
                return self.data.field(field, rows, source)
            if isinstance(like, torch.Tensor) and like.shape[1:] == self.data.images_of[source or self._first()].shape:
                return self.data.images(rows, source)
        dice = torch.Generator().manual_seed(size)
        if isinstance(like, Label):
            shape = sized(like, size).index.shape
            return Label(torch.randint(like.classes, shape, generator=dice), like.classes)
        if isinstance(like, Code) and (found := self._codes(like, size)) is not None:
            return found
        image = isinstance(like, torch.Tensor) and like.ndim == 4
        return map_tensors(lambda t: (torch.rand(t.shape, generator=dice) if image else
                                      torch.randn(t.shape, generator=dice)) if t.is_floating_point() else t,
                           sized(like, size))

    def _codes(self, like: Code, size: int) -> Code | None:
        """Return codes of images, or None where `encode` does not make such codes from an image alone."""
        known = self.model.method.parameters.get("encode", {})
        if len(known) != 1 or len(self.model.functions["encode"]) != 1:
            return None
        image = next(iter(known))
        own = self._value(image, "", known[image], self._some(image, size), size)
        try:
            with torch.inference_mode():
                noise = Noise(0, self.model.device, batch=size)
                made = code_of(self.model.evaluated("encode", {image: own}, noise), self.model.layout)
        except UnbraidError:
            return None
        shape = next(tensors(like)).shape[1:]
        return made if made.layout == like.layout and made.tensor.shape[1:] == shape else None

    def _some(self, image: str, size: int) -> np.ndarray | None:
        if self.data is None:
            return None
        return np.random.default_rng(size).choice(_rows(self.data, self._source(image)), size)

    def _source(self, name: str) -> str | None:
        return self.data.plans[name].source if self.data is not None and name in self.data.plans else None

    def _first(self) -> str:
        return next(iter(self.data.plans.values())).source if self.data is not None else ""


def with_examples(model: Model, use: Callable[[Examples], None]) -> None:
    """Call `use` with examples of the run's data, then close the data.

    The examples are random where the model has no run or its data can't be opened.
    """
    if model.run is None:
        use(Examples(model))
        return
    try:
        recipe = model.method.recipe
        data = open_data(recipe.data, seed=recipe.train.seed)
    except UnbraidError as error:
        use(Examples(model, None, f"random images (the run's data can't be opened: {error.message})"))
        return
    try:
        use(Examples(model, data, "images of the run's data"))
    finally:
        data.close()


def _rows(data: Data, source: str | None) -> np.ndarray:
    """Return the rows of the test split; if it is empty, of the training split; if that is empty too, all rows."""
    named = source or next(iter(data.facts.sources))
    for split in ("test", "train"):
        if data.facts.sources[named].splits.get(split):
            return data.rows(split, named)
    return np.arange(len(data.images_of[named]))


def _count(v: Value) -> int:
    return v.count if isinstance(v, Set) else 1
