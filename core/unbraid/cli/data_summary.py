"""A short description of the data for the command line."""

from __future__ import annotations

from unbraid.data import Data, DrawPlan, Field
from unbraid_registry.files import size_text


def describe(data: Data) -> str:
    """Describe all sources (number, size, splits, factors), the draws, the memory and the notes in a few lines."""
    lines = []
    for name, source in data.facts.sources.items():
        c, h, w = source.image
        colour = {1: "grey", 3: "RGB"}.get(c, f"{c} channels")
        kind = f" ({source.type})" if source.type else ""
        lines.append(f"{name}{kind}: {source.images:,} images, {h} x {w} {colour}")
        splits = ", ".join(f"{split} {n:,}" for split, n in source.splits.items())
        lines.append(f"  splits   {splits or 'none'}")
        lines += [f"  {'factors' if i == 0 else '':<8} {field_name}: {_field(field)}"
                  for i, (field_name, field) in enumerate(data.images_of[name].fields.items())]
    lines += [f"draw {name}: {_draw(plan)}" for name, plan in data.plans.items()]
    memory = data.estimate()
    lines.append("memory   " + ", ".join(f"{size_text(n)} {what}" for n, what in (
        (memory.resident, f"on {data.device}"), (memory.host, "in main memory"), (memory.streamed, "read when needed"))
        if n))
    return "\n".join([*lines, *(f"note: {note}" for note in data.notes)])


def _draw(plan: DrawPlan) -> str:
    d = plan.draw
    count = f"{d.count} images" if d.count else f"{d.frames} consecutive frames" if d.frames else "an image"
    relation = [f"with the same {', '.join(d.same)}"] * bool(d.same)
    relation += [f"with another {', '.join(d.different)}"] * bool(d.different)
    if d.next is not None:
        relation = [f"{abs(d.next)} frame{'s' * (abs(d.next) > 1)} {'after' if d.next > 0 else 'before'} {plan.parent}"]
    elif plan.parent is not None:
        relation = [f"{' and '.join(relation)} as {plan.parent}"]
    where = [f"where {name} is {wanted}" for name, wanted in d.where.items()]
    return ", ".join([f"{count} of {plan.source}", *relation, *where])


def _field(field: Field) -> str:
    if field.is_picture:
        return "pictures " + " x ".join(map(str, field.shape))
    if field.classes is None:
        return "number" if field.shape == (1,) else " x ".join(map(str, field.shape)) + " numbers"
    names = f" ({', '.join(field.names[:6])}{', ...' if field.classes > 6 else ''})" if field.names else ""
    unknown = int((field.values < 0).sum())
    return f"{field.classes} classes{names}" + (f", unknown for {unknown:,}" if unknown else "")
