"""Facts about the data that a method may know: enough to build its networks again without the data."""

from __future__ import annotations

from typing import Any

import attrs
import cattrs

from unbraid.data.images import Images

MOST_TEXT = 2 ** 18                                # characters in the names of a field's classes


@attrs.frozen
class FieldFacts:
    """A named field.  shape: the shape of one image's numbers, () for a class."""

    classes: int | None
    names: tuple[str, ...] | None
    shape: tuple[int, ...]


@attrs.frozen
class DrawFacts:
    """A draw.  image: (C, H, W); count: the number of images in its set, None for a single image."""

    source: str
    image: tuple[int, int, int]
    count: int | None
    fields: dict[str, FieldFacts]


@attrs.frozen
class SourceFacts:
    """A source.  splits: the number of images in each."""

    type: str
    images: int
    image: tuple[int, int, int]
    splits: dict[str, int]
    notes: tuple[str, ...] = ()


@attrs.frozen
class DataFacts:
    """All draws and sources of a recipe, as opened."""

    draws: dict[str, DrawFacts]
    sources: dict[str, SourceFacts]
    batch: int

    def to_json(self) -> dict[str, Any]:
        """Return the facts as plain dicts, lists, numbers and strings."""
        return _converter.unstructure(self)

    @classmethod
    def from_json(cls, tree: dict[str, Any]) -> DataFacts:
        """Return the facts that `to_json` wrote."""
        return _converter.structure(tree, cls)


def field_facts(images: Images) -> dict[str, FieldFacts]:
    """Return the facts of all fields of a source; without the names of classes where they are too long for records."""
    return {name: FieldFacts(f.classes, f.names if sum(map(len, f.names or ())) <= MOST_TEXT else None, f.shape)
            for name, f in images.fields.items()}


_converter = cattrs.Converter()
_converter.register_unstructure_hook(tuple, list)
_converter.register_unstructure_hook_func(lambda t: getattr(t, "__origin__", None) is tuple, list)
_converter.register_structure_hook_func(lambda t: t == tuple[str, ...] | None,
                                        lambda v, _: None if v is None else tuple(v))
