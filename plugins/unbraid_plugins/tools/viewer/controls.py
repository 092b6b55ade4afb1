"""Controls of a view: what a person sets in the browser, and the values that a view's `draw` gets for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import attrs
from torch import Tensor

from unbraid_plugins.tools.viewer.requests import ControlError as ControlError

MOST_PICTURES = 64                                 # in a set


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


class Pictures(Protocol):
    """Images by the names that a browser sends."""

    def image(self, name: str, size: tuple[int, int, int] | None = None) -> Tensor:
        """Return an image (1, C, H, W) in [0, 1]."""


@attrs.frozen
class Picture:
    """An image of the model's size; `draw` gets a tensor (1, C, H, W) in [0, 1].

    name: controls of one name and size in several views show the same picture.
    size: (C, H, W), or None for the model's.
    source: the source whose test images are offered; "": the first draw's.
    start: the number of the test image that stands there at first.
    """

    name: str
    label: str = ""
    size: tuple[int, int, int] | None = None
    source: str = ""
    start: int = 0
    kind: str = attrs.field(default="picture", init=False)

    def value(self, given: Any, pictures: Pictures) -> Tensor:
        """Return the image.  Raises ControlError."""
        return pictures.image(_text(self, given), self.size)


@attrs.frozen
class PictureSet:
    """Several images, in order: a clip, or views of one thing; `draw` gets a tensor (N, C, H, W) in [0, 1].

    count: how many stand there at first.
    """

    name: str
    label: str = ""
    size: tuple[int, int, int] | None = None
    source: str = ""
    start: int = 0
    count: int = 4
    kind: str = attrs.field(default="pictures", init=False)

    def value(self, given: Any, pictures: Pictures) -> Tensor:
        """Return the images.  Raises ControlError."""
        import torch

        if not isinstance(given, list) or not 0 < len(given) <= MOST_PICTURES:
            raise ControlError(f"{self.name} takes 1 to {MOST_PICTURES} pictures")
        return torch.cat([pictures.image(_text(self, name), self.size) for name in given])


@attrs.frozen
class Slider:
    """A number between two others; `draw` gets a float.

    start: the value at first.
    step: the distance of its values.
    low_label, high_label: what the ends are; views of such sliders have buttons that move all of them to an end.
    link: title of another view, name of a choice there, and an option; a button beside the slider opens that view so.
    """

    name: str
    label: str = ""
    low: float = 0.0
    high: float = 1.0
    start: float = 0.0
    step: float = 0.01
    low_label: str = ""
    high_label: str = ""
    link: tuple[str, str, str] | None = None
    kind: str = attrs.field(default="slider", init=False)

    def value(self, given: Any, pictures: Pictures) -> float:
        """Return the number.  Raises ControlError."""
        if isinstance(given, bool) or not isinstance(given, int | float) or not self.low <= given <= self.high:
            raise ControlError(f"{self.name} is a number from {self.low:g} to {self.high:g}")
        return float(given)


@attrs.frozen
class Choice:
    """One of several texts; `draw` gets the text.  The first one is chosen at first."""

    name: str
    label: str = ""
    options: Sequence[str] = attrs.field(default=(), converter=_texts)
    kind: str = attrs.field(default="choice", init=False)

    def value(self, given: Any, pictures: Pictures) -> str:
        """Return the chosen text.  Raises ControlError."""
        if given not in self.options:
            raise ControlError(f"{self.name} is one of {', '.join(self.options)}")
        return str(given)


@attrs.frozen
class Seed:
    """A whole number for random operations, with a button for another one; `draw` gets an int."""

    name: str = "seed"
    label: str = ""
    start: int = 0
    kind: str = attrs.field(default="seed", init=False)

    def value(self, given: Any, pictures: Pictures) -> int:
        """Return the number.  Raises ControlError."""
        if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given < 2 ** 31:
            raise ControlError(f"{self.name} is a whole number from 0 to {2 ** 31 - 1:,}")
        return given


@attrs.frozen
class Point:
    """A place in a square, set with the pointer or two sliders; `draw` gets (x, y), each in [low, high]."""

    name: str
    label: str = ""
    low: float = -1.0
    high: float = 1.0
    start: tuple[float, float] = (0.0, 0.0)
    kind: str = attrs.field(default="point", init=False)

    def value(self, given: Any, pictures: Pictures) -> tuple[float, float]:
        """Return the place.  Raises ControlError."""
        if not (isinstance(given, list) and len(given) == 2 and all(
                isinstance(v, int | float) and not isinstance(v, bool) and self.low <= v <= self.high for v in given)):
            raise ControlError(f"{self.name} is a place: two numbers from {self.low:g} to {self.high:g}")
        return float(given[0]), float(given[1])


Control: TypeAlias = Picture | PictureSet | Slider | Choice | Seed | Point


class Values(dict[str, Any]):
    """The values of a view's controls by name.  names: the pictures' names in the gallery, by control."""

    def __init__(self, values: Mapping[str, Any], names: Mapping[str, str]) -> None:
        super().__init__(values)
        self.names = dict(names)


def values_of(controls: Sequence[Control], given: Mapping[str, Any], pictures: Pictures) -> Values:
    """Return the values of all controls from a browser's.  Raises ControlError where one is missing or wrong."""
    foreign = sorted(given.keys() - {c.name for c in controls})
    if foreign:
        raise ControlError(f"the view has no control {foreign[0]!r}")
    missing = [c.name for c in controls if c.name not in given]
    if missing:
        raise ControlError(f"the control {missing[0]!r} has no value")
    return Values({c.name: c.value(given[c.name], pictures) for c in controls},
                  {c.name: given[c.name] for c in controls if isinstance(c, Picture)})


def _text(control: Control, given: Any) -> str:
    if not isinstance(given, str):
        raise ControlError(f"{control.name} takes the name of a picture")
    return given
