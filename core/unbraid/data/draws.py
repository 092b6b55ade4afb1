"""The draws of a recipe, checked against the data: the relations between the images of a sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import numpy as np

from unbraid.data.errors import DataError, located, unknown_name
from unbraid.data.images import Images
from unbraid_configs import Draw


@attrs.frozen
class DrawPlan:
    """A checked draw.  source: the source of its images; parent: the draw that it is related to."""

    name: str
    draw: Draw
    source: str
    parent: str | None

    @property
    def count(self) -> int | None:
        """The number of images in its set, None for a single image."""
        return self.draw.count or self.draw.frames

    @property
    def where(self) -> str:
        """Its place, as the beginning of a message."""
        return located(self.draw.place, f"data.draw.{self.name}")


def plan_draws(draws: Mapping[str, Draw], images: Mapping[str, Images]) -> dict[str, DrawPlan]:
    """Check all draws and return their plans, parents before children.  Raises DataError for an impossible draw."""
    plans: dict[str, DrawPlan] = {}

    def plan(name: str) -> DrawPlan:
        if name not in plans:
            draw = draws[name]
            parent = plan(draw.as_) if draw.as_ is not None else None
            source = draw.from_ or (parent.source if parent else next(iter(images)))
            made = DrawPlan(name, draw, source, draw.as_)
            _check_factors(made, images, parent)
            plans[name] = made
        return plans[name]

    for name in draws:
        plan(name)
    return plans


def _check_factors(plan: DrawPlan, images: Mapping[str, Images], parent: DrawPlan | None) -> None:
    d, own = plan.draw, images[plan.source]
    named = [(key, f) for key, names in (("same", d.same), ("different", d.different), ("where", d.where))
             for f in names]
    for key, factor in named:
        for source in dict.fromkeys([plan.source, *([parent.source] if parent and key != "where" else [])]):
            fields = images[source].fields
            if factor not in fields:
                of = f" (of the source {source!r})" if len(images) > 1 else ""
                raise unknown_name(f"factor{of}", factor, fields, f"{plan.where}{key}: ")
            if fields[factor].is_picture:
                raise DataError(f"{plan.where}{key}: {factor!r} is a picture, no factor")
    if (d.next is not None or d.frames is not None) and not own.has_clips:
        raise DataError(f"{plan.where}`{'next' if d.next is not None else 'frames'}` needs clips; the source "
                        f"{plan.source!r} has single images", hint="use a source with the fields clip and frame")
    if d.next is not None and parent is not None and parent.source != plan.source:
        raise DataError(f"{plan.where}`next` cannot reach from the source {parent.source!r} into {plan.source!r}")
    for factor, wanted in d.where.items():
        if not rows_where(plan, own, factor, wanted).any():
            raise DataError(f"{plan.where}where: no image of the source {plan.source!r} has {factor} = {wanted!r}")


def rows_where(plan: DrawPlan, images: Images, factor: str, wanted: Any) -> np.ndarray:
    """Return (N,) booleans: where the factor has the wanted value, or one of them.

    Raises DataError for an unknown value.
    """
    field, found = images.fields[factor], np.zeros(len(images), bool)
    for value in wanted if isinstance(wanted, list | tuple) else [wanted]:
        if field.classes is not None:
            if isinstance(value, str) and value in (field.names or ()):
                value = (field.names or ()).index(value)
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < field.classes:
                raise unknown_name(f"value of {factor}", value, field.names or range(field.classes),
                                   f"{plan.where}where: ")
            found |= field.values == value
        elif isinstance(value, int | float) and field.shape == (1,):
            found |= np.isclose(field.values.reshape(-1), value)
        else:
            raise DataError(f"{plan.where}where: {factor} has {' x '.join(map(str, field.shape))} numbers, which "
                            f"{value!r} cannot choose")
    return found
