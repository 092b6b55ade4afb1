"""The scene that views are made from: the model, its pictures, and the factors that the evaluation found."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import attrs
import torch

from unbraid.model import Model, ModelError
from unbraid.values import Code, map_tensors
from unbraid_plugins.tools.encoding import needed_fields
from unbraid_plugins.tools.viewer.gallery import MOST, Gallery

KEPT = 16                                          # codes of pictures


@attrs.define(eq=False)
class Scene:
    """A model to look at.

    reference: how the person named it: `runs/sprites`.
    carries: part of the code -> what the evaluation found it to carry: {"chunk3": "pose"}.
    """

    model: Model
    gallery: Gallery
    reference: str
    carries: Mapping[str, str] = attrs.Factory(dict)
    _codes: Code | None = None
    _kept: OrderedDict[tuple[str, ...], Code] = attrs.Factory(OrderedDict)

    @classmethod
    def of(cls, model: Model, reference: str) -> Scene:
        """Read test images and the evaluation, where there are such."""
        return cls(model, Gallery.of(model), reference, carried(model))

    @property
    def edits(self) -> bool:
        """Whether the model encodes one image and decodes one code."""
        functions = self.model.functions
        return len(functions.get("encode", ())) == 1 == len(functions.get("decode", ())) and bool(
            self.model.layout.size) and bool(self.model.layout.parts)

    def label(self, part: str) -> str:
        """Return a part of the code, with what it carries: `chunk3: pose`."""
        return f"{part}: {self.carries[part]}" if part in self.carries else part

    def code(self, *pictures: str) -> Code:
        """Return the codes of pictures by name, (n, D).

        Fields that `encode` reads, such as joints, are those of test images.  Raises ControlError for other pictures.
        """
        if pictures in self._kept:                 # the same two, for every move of a slider
            return self._kept[pictures]
        first = self.model.functions["encode"][0]
        given = {f: [self.gallery.field(p, f) for p in pictures] for f in needed_fields(self.model, "encode")}
        fields = {f"{first}.{f}": map_tensors(lambda *t: torch.cat(t), *values) for f, values in given.items()}
        found = self.model.code(torch.cat([self.gallery.image(p) for p in pictures]), fields)
        self._kept[pictures] = found
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return found

    def codes(self) -> tuple[Code, list[str]]:
        """Return the codes of the test images, (N, D), and these images' names.  Raises ModelError."""
        names = self.gallery.names(count=MOST)
        if not names:
            raise ModelError(self.gallery.note or "there are no test images")
        if self._codes is None:
            parts = [self.code(*names[i:i + 100]) for i in range(0, len(names), 100)]
            self._codes = Code(torch.cat([p.tensor for p in parts]), parts[0].layout)
        return self._codes, names


def carried(model: Model) -> dict[str, str]:
    """Return the factors that the run's evaluation assigned to parts of the code; empty without an evaluation."""
    from unbraid_plugins.tools.packs import measured
    from unbraid_registry import UnbraidError

    found: dict[str, list[str]] = {}
    try:
        for factor, part in measured(model.run)["carries"].items() if model.run is not None else ():
            found.setdefault(str(part), []).append(str(factor))
    except UnbraidError:
        return {}                                  # a damaged evaluation takes names from sliders, no more
    return {part: ", ".join(sorted(factors)) for part, factors in found.items()}
