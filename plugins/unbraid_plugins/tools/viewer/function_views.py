"""The views of a recipe's functions: controls from their parameters, outputs from what they give."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from math import ceil, floor
from typing import Any

import attrs
import numpy as np
import torch
from torch import Tensor

from unbraid.values import Code, Gaussian, Label, Record, Set, Value, plain, tensors
from unbraid_plugins.tools.viewer import outputs
from unbraid_plugins.tools.viewer.controls import Choice, Control, Picture, PictureSet, Seed, Slider, Values
from unbraid_plugins.tools.viewer.outputs import MOST_FRAMES, Film, Mesh, Output, Strip, Text
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.view import View

SLIDERS = 32                                       # largest number of numbers that become sliders
NUMBERS = 64                                       # largest number of numbers to write out
PLAIN = ("encode", "decode")                       # the edit view shows these where it is there


def function_views(scene: Scene) -> Iterator[View]:
    """Yield a view for every declared function whose parameters a person can give."""
    for name, parameters in scene.model.functions.items():
        if name in PLAIN and scene.edits:
            continue
        known = scene.model.method.parameters.get(name, {})
        if all(p in known for p in parameters) and (view := _view(scene, name)) is not None:
            yield view


def _view(scene: Scene, name: str) -> View | None:
    model = scene.model
    known, parameters = model.method.parameters[name], model.functions[name]
    inputs = {p: _input(scene, p, known[p], n) for n, p in enumerate(parameters)}
    if any(found is None for found in inputs.values()):
        return None
    fields = [p for p in known if p not in parameters]          # `x.joints`: taken from the test image
    controls: list[Control] = [c for found in inputs.values() if found is not None for c in found.controls]

    def draw(values: Values) -> dict[str, Output]:
        given = [found.value(values) for found in inputs.values() if found is not None]
        read = {f: scene.gallery.field(values.names[f.partition(".")[0]], f.partition(".")[2]) for f in fields}
        return shown(model(name, *given, n=4, seed=values["seed"], fields=read))

    def command(values: Mapping[str, Any]) -> str:
        words = [str(values[c.name]) for c in controls if isinstance(c, Picture)]
        return shlex.join(["unbraid", "call", scene.reference, name, *words, "--seed", str(values["seed"])])

    expressible = all(isinstance(c, Picture) for c in controls) and not fields
    text = f"{name}({', '.join(parameters)})"
    return View(text, [*controls, Seed()], draw, f"The recipe's function {text}: "
                f"{scene.model.method.recipe.functions[name].body.text}", command if expressible else None)


@attrs.frozen(eq=False)
class Input:
    """A parameter of a function: its controls, and the value that it gets from theirs."""

    controls: list[Control]
    value: Any                                     # values of all controls -> value


def _input(scene: Scene, name: str, known: Value, number: int) -> Input | None:
    """Return controls for a parameter of this shape; None where no control fits."""
    if isinstance(known, Set) and _is_image(known.folded):
        control: Control = PictureSet(name, size=_size(known.folded), source=_source(scene, name), start=number,
                                      count=known.count)
        return Input([control], lambda values: Set(values[name], len(values[name])))
    if _is_image(known):
        return Input([Picture(name, size=_size(known), source=_source(scene, name), start=number)],
                     lambda values: values[name])
    if isinstance(known, Label):
        titles = _titles(scene, name, known.classes)
        return Input([Choice(name, options=titles)], lambda values: Label(torch.tensor([titles.index(values[name])]),
                                                                          known.classes))
    if isinstance(known, Gaussian):
        known = known.mean
    if isinstance(known, Code) and scene.edits and all(p in scene.model.layout.parts for p in known.layout.parts):
        layout = known.layout

        def coded(values: Values) -> Code:
            f = scene.code(values.names[name])
            return Code(f.layout.take(f.tensor, *layout.names), layout)

        return Input([Picture(name, f"{name}: the code of", start=number)], coded)
    tensor = plain(known)
    if isinstance(tensor, Tensor) and tensor.ndim > 1 and 0 < tensor[0].numel() <= SLIDERS:
        return _sliders(scene, name, tensor.shape[1:])
    return None


def _sliders(scene: Scene, name: str, shape: torch.Size) -> Input:
    """Return a slider for each number of a parameter; where another function gives such numbers, they start there."""
    spots = list(np.ndindex(*shape))
    parts = [name] if len(spots) == 1 else [f"{name}[{', '.join(map(str, spot))}]" for spot in spots]
    starts = _numbers_of_an_image(scene, name, shape).flatten().tolist()
    sliders = [Slider(p, low=min(-3, floor(v)), high=max(3, ceil(v)), start=round(v, 2)) for p, v in
               zip(parts, starts, strict=True)]
    return Input([*sliders], lambda values: torch.tensor([values[p] for p in parts]).view(1, *shape))


def _numbers_of_an_image(scene: Scene, name: str, shape: torch.Size) -> Tensor:
    """Return what `light_of(x)` (for `light`) or `viewpoint(x)` (for `view`) gives for a test image, else zeros."""
    model, images = scene.model, [scene.gallery.image(n) for n in scene.gallery.names(count=1)]
    takes_an_image = [f for f, known in model.method.parameters.items() if len(known) == 1 and
                      all(_is_image(v) and tuple(v.shape[1:]) == scene.gallery.size for v in known.values())]
    likely = sorted((f for f in takes_an_image if f.startswith(name) or f.endswith("_of")),
                    key=lambda f: (f != f"{name}_of", not f.startswith(name)))
    for function in likely if images else ():
        found = plain(model(function, images[0]))
        if isinstance(found, Tensor) and found.shape[1:] == shape:
            return found[0]
    return torch.zeros(shape)


def shown(v: Value) -> dict[str, Output]:
    """Return outputs for what a function gave: images, sets as films, meshes, the parts of records, numbers as text."""
    if isinstance(v, Record):
        return {f"{name} {inner}".strip(): o for name, part in v.parts.items() for inner, o in shown(part).items()}
    if isinstance(v, tuple):
        return {f"{i + 1} {inner}".strip(): o for i, part in enumerate(v) for inner, o in shown(part).items()}
    if any(not len(t) for t in tensors(v) if t.ndim):
        return {"": Text("nothing")}
    if hasattr(v, "surface"):
        return {"": solid(v)}
    if isinstance(v, Set) and _is_image(v.folded):
        return {"": Film(v.folded[:MOST_FRAMES].clamp(0, 1))}
    if isinstance(v, Label):
        return {"": Text("class " + ", ".join(map(str, v.index.tolist()[:NUMBERS])))}
    found = plain(v)
    if isinstance(found, Set):
        found = found.folded
    if _is_image(found):
        images = found[:MOST_FRAMES].clamp(0, 1)
        return {"": outputs.Picture(images) if len(images) == 1 else Strip(images)}
    if isinstance(found, Tensor):
        numbers = found.flatten().tolist()
        more = f" ... ({len(numbers):,} numbers)" if len(numbers) > NUMBERS else ""
        names = f"{', '.join(v.layout.names)}: " if isinstance(v, Code) else ""
        return {"": Text(names + ", ".join(f"{x:.4g}" for x in numbers[:NUMBERS]) + more)}
    fields = {a.name: getattr(v, a.name) for a in attrs.fields(type(v))} if attrs.has(type(v)) else {}
    found = {f"{name} {inner}".strip(): o for name, part in fields.items() if isinstance(part, Tensor | Code | Label)
             for inner, o in shown(part).items()}
    return found or {"": Text(f"a {type(v).__name__}")}


def solid(v: Any) -> Mesh:
    """Return the first mesh of a value with `surface()`, with its texture where it has one at the faces' corners."""
    vertices, faces, colours = v.surface()
    texture, uv, topology = (getattr(v, n, None) for n in ("texture", "uv", "topology"))
    if isinstance(texture, Tensor) and isinstance(uv, Tensor) and topology is not None and topology.materials is None:
        corners = topology.faces if topology.texture_faces is None else topology.texture_faces
        own = None if v.colours is None else v.colours.expand(len(vertices), -1, -1)[0]
        return Mesh(vertices[0], faces, own, uv.expand(len(vertices), -1, -1)[0][corners.cpu()], texture[0])
    return Mesh(vertices[0], faces, None if colours is None else colours[0])


def _is_image(v: Value) -> bool:
    return isinstance(v, Tensor) and v.ndim == 4 and v.shape[1] in (1, 3) and min(v.shape[2:]) >= 8


def _size(v: Tensor) -> tuple[int, int, int]:
    return int(v.shape[1]), int(v.shape[2]), int(v.shape[3])


def _source(scene: Scene, name: str) -> str:
    draws = scene.model.method.facts.draws
    return draws[name].source if name in draws else ""


def _titles(scene: Scene, name: str, classes: int) -> list[str]:
    """Return the names of a label's classes: those of the field of its name, else numbers."""
    for facts in scene.model.method.facts.draws.values():
        field = facts.fields.get(name)
        if field is not None and field.names and field.classes == classes:
            return list(field.names)
    return [str(i) for i in range(classes)]
