"""The draws of a recipe, checked against the sources: what each image shares with which other."""

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
    """A draw that makes sense.  source: where its images come from; parent: the draw that it is related to."""

    name: str
    draw: Draw
    source: str
    parent: str | None

    @property
    def count(self) -> int | None:
        """How many images its set has, None for a single image."""
        return self.draw.count or self.draw.frames

    @property
    def where(self) -> str:
        """Its place, as the beginning of a message."""
        return located(self.draw.place, f"data.draw.{self.name}")


def plan_draws(draws: Mapping[str, Draw], images: Mapping[str, Images]) -> dict[str, DrawPlan]:
    """The plans of all draws, every parent before its children.  Raises DataError for what cannot be meant."""
    plans: dict[str, DrawPlan] = {}
    for name in draws:
        _plan(name, draws, images, plans, ())
    return plans


def _plan(name: str, draws: Mapping[str, Draw], images: Mapping[str, Images], plans: dict[str, DrawPlan],
          path: tuple[str, ...]) -> DrawPlan:
    if name in plans:
        return plans[name]
    draw = draws[name]
    where = located(draw.place, f"data.draw.{name}")
    if name in path:
        circle = " -> ".join([*path[path.index(name):], name])
        raise DataError(f"{where}the draws go round in a circle by `as`: {circle}", hint="let one of them be `{}`")
    if draw.as_ is not None and draw.as_ not in draws:
        raise unknown_name("draw", draw.as_, [d for d in draws if d != name], f"{where}as: ")
    parent = _plan(draw.as_, draws, images, plans, (*path, name)) if draw.as_ is not None else None
    plan = DrawPlan(name, draw, _source(draw, parent, images, where), draw.as_)
    _check_form(plan)
    _check_factors(plan, images, parent)
    plans[name] = plan
    return plan


def _source(draw: Draw, parent: DrawPlan | None, images: Mapping[str, Images], where: str) -> str:
    if draw.from_ is not None:
        if draw.from_ not in images:
            raise unknown_name("source", draw.from_, images, f"{where}from: ")
        return draw.from_
    if parent is not None:
        return parent.source
    if len(images) > 1:
        raise DataError(f"{where}there are {len(images)} sources and it does not say which",
                        hint=f"add `from:` with one of {', '.join(images)}")
    return next(iter(images))


def _check_form(plan: DrawPlan) -> None:
    d, where = plan.draw, plan.where
    related = bool(d.same or d.different or d.next is not None)
    if d.count is not None and d.frames is not None:
        raise DataError(f"{where}a set is either `count` images or `frames` of a clip, not both")
    if any(n is not None and n < 1 for n in (d.count, d.frames)):
        raise DataError(f"{where}a set has at least one image; found {plan.count}")
    if d.next is not None and (d.same or d.different):
        raise DataError(f"{where}`next` already says which image it is", hint="drop `same` and `different`")
    if d.next is not None and d.count is not None:
        raise DataError(f"{where}`next` is one frame; a set of them is `frames: {d.count}`")
    if d.next == 0:
        raise DataError(f"{where}`next: 0` is the image itself", hint="use next: 1 for the frame after it")
    if plan.parent is None and (d.different or d.next is not None or (d.same and d.count is None)):
        raise DataError(f"{where}`{'next' if d.next is not None else 'different' if d.different else 'same'}` does not "
                        f"say as which draw", hint="add `as:` and the name of another draw")
    if plan.parent is not None and not related:
        raise DataError(f"{where}`as: {plan.parent}` does not say what is shared",
                        hint="add `same: [factor]`, `different: [factor]` or `next: 1`")
    if both := set(d.same) & set(d.different):
        raise DataError(f"{where}{', '.join(sorted(both))} cannot be the same and different at once")


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
    """(N,) booleans: where the factor has the wanted value, or one of them.  Raises DataError for an unknown value."""
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
