"""The kinds of parameters of a model's functions: images, clips, codes, labels, numbers."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs
from torch import Tensor

from unbraid.model import Model
from unbraid.values import Code, Label, Set, Value

Kind: TypeAlias = Literal["image", "clip", "code", "label", "numbers", "unknown"]
SHOWN_ELSEWHERE = ("encode", "decode", "classify", "mesh_of")       # by edits, metrics and renderers


@attrs.frozen
class ImageFunction:
    """A function of a model.  kinds: the kind of each parameter, by name and in order."""

    name: str
    kinds: dict[str, Kind]

    @property
    def clips(self) -> int:
        """The number of clips among its parameters."""
        return list(self.kinds.values()).count("clip")


def kinds_of(model: Model, function: str) -> dict[str, Kind]:
    """Return the kind of every parameter of a function, as the recipe was checked with it."""
    known, images = model.method.parameters[function], {d.image for d in model.method.facts.draws.values()}
    return {name: _kind(known.get(name), images) for name in model.functions[function]}


def _kind(known: Value, images: set[tuple[int, int, int]]) -> Kind:
    match known:
        case Set(folded=Tensor() as frames) if _pictures(frames, images):
            return "clip"
        case Code():
            return "code"
        case Label():
            return "label"
        case Tensor() if _pictures(known, images):
            return "image"
        case Tensor() if known.ndim == 2:
            return "numbers"
    return "unknown"


def _pictures(t: Tensor, images: set[tuple[int, int, int]]) -> bool:
    return t.ndim == 4 and tuple(t.shape[1:]) in images


def functions_of_images(model: Model) -> list[ImageFunction]:
    """Return the functions that take images or one clip, and nothing else, and that no other tool shows already.

    Left out are encode, decode, classify, mesh_of and translations; and functions that read fields of their images.
    """
    found = []
    for name, parameters in model.functions.items():
        if name in SHOWN_ELSEWHERE or name in model.translations.values() or not parameters:
            continue
        one = ImageFunction(name, kinds_of(model, name))
        if set(one.kinds.values()) <= {"image", "clip"} and one.clips <= 1 and (
                set(model.method.parameters[name]) == set(parameters)):
            found.append(one)
    return found
