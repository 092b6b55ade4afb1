"""The views of codes: edit, strip, traverse, map and sample; each for the models that it fits."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from unbraid.model import ModelError
from unbraid.values import Code, choose
from unbraid_plugins.tools.editing import blended, walks
from unbraid_plugins.tools.viewer.controls import Choice, Control, Picture, Seed, Slider, Values
from unbraid_plugins.tools.viewer.outputs import Picture as Drawn, Points, Strip
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.view import View

STEPS = 9                                          # images of a strip
ROWS = 8                                           # dimensions of a factor that a traversal shows
SAMPLES = 12
WHOLE = "the whole code"
DRAWN = "drawn"


def code_views(scene: Scene) -> Iterator[View]:
    """Yield the views that fit a model."""
    if scene.edits:
        yield edit(scene)
        yield strip(scene)
        yield traverse(scene)
        yield map_of_codes(scene)
    if samples(scene):
        yield sample(scene)


def edit(scene: Scene) -> View:
    """Return the view that moves each factor of A's code towards B's."""
    model, names = scene.model, scene.model.layout.names
    pair = _pair()
    sliders = [Slider(n, scene.label(n), low_label="A", high_label="B", link=("strip", "factor", scene.label(n)))
               for n in names]

    def draw(values: Values) -> dict[str, Drawn]:
        a, b = scene.code(values.names["A"], values.names["B"]).tensor.split(1)
        return {"A with B's factors": Drawn(model.decoded(blended(Code(a, model.layout), Code(b, model.layout),
                                                                  {n: values[n] for n in names})))}

    def command(values: Mapping[str, Any]) -> str:
        moved = {n: values[n] for n in names if values[n]}
        if not moved:
            return _line(scene, "edit", "reconstruct", values["A"])
        return _line(scene, "edit", "blend", values["A"], values["B"],
                     *(word for n, by in moved.items() for word in ("--by", f"{n}={by:g}")))

    return View("edit", [*pair, *sliders], draw, "A, with every factor moved from A's code towards B's.", command)


def strip(scene: Scene) -> View:
    """Return the view of the whole way of a factor from A to B."""
    model = scene.model
    parts = {WHOLE: "", **{scene.label(n): n for n in model.layout.all_names}}

    def draw(values: Values) -> dict[str, Strip]:
        a, b = (scene.code(values.names[n]) for n in ("A", "B"))
        chosen = parts[values["factor"]]
        names = [chosen] if chosen else list(model.layout.all_names)
        shares = torch.linspace(0, 1, STEPS).tolist()
        codes = torch.cat([blended(a, b, dict.fromkeys(names, t)).tensor for t in shares])
        return {f"{values['factor']}, from A to B": Strip(model.decoded(Code(codes, a.layout)),
                                                          [f"{t:.0%}" for t in shares])}

    def command(values: Mapping[str, Any]) -> str:
        chosen = parts[values["factor"]]
        return _line(scene, "edit", "interpolate", values["A"], values["B"], "--steps", str(STEPS),
                     *(["--factor", chosen] if chosen else []))

    return View("strip", [*_pair(), Choice("factor", options=parts)], draw, "The whole way of a factor from A to B.",
                command)


def traverse(scene: Scene) -> View:
    """Return the view that moves along the dimensions of a code, or over the classes of a factor."""
    model = scene.model
    parts = {scene.label(n): n for n in model.layout.names}

    def draw(values: Values) -> dict[str, Strip]:
        f, name = scene.code(values.names["A"]), parts[values["factor"]]
        dimensions = [n for a, b in model.layout.spans([name]) for n in range(a, b)]
        rows = {}
        for walk in walks(model.layout, dimensions[:ROWS] if _prior(scene, name) != "classes" else dimensions):
            codes = walk.along(f, STEPS)
            ends = torch.linspace(walk.first, walk.last, len(codes.tensor)).tolist()
            what = f"dimension {walk.what}" if isinstance(walk.spot, int) else f"classes of {walk.what}"
            rows[what] = Strip(model.decoded(codes), [f"{v:.3g}" for v in ends])
        return rows

    def command(values: Mapping[str, Any]) -> str:
        return _line(scene, "traverse", values["A"], "--factor", parts[values["factor"]])

    return View("traverse", [Picture("A"), Choice("factor", options=parts)], draw,
                f"A, with one dimension of a factor moved at a time (the first {ROWS}).", command)


def map_of_codes(scene: Scene) -> View:
    """Return the view of the test images' codes in two dimensions."""
    model = scene.model
    parts = {WHOLE: "", **{scene.label(n): n for n in model.layout.all_names}}
    classes = [n for n, f in next(iter(model.method.facts.draws.values())).fields.items() if f.classes]

    def draw(values: Mapping[str, Any]) -> dict[str, Points]:
        codes, names = scene.codes()
        chosen, target = parts[values["factor"]], values["a click sets"]
        tensor = (codes.part(chosen) if chosen else codes).tensor.flatten(1)
        groups: torch.Tensor | None = None
        labels: tuple[str, ...] = ()
        if values["colours"] != "none":
            source = names[0].rpartition(":")[0]
            groups = scene.gallery.tests[source].fields[values["colours"]].index[:len(names)]
            labels = scene.gallery.tests[source].names.get(values["colours"], ())
        return {f"{len(names):,} test images": Points(plane(tensor), names, groups, labels, target,
                                                            scene.gallery.size)}

    return View("map", [Choice("factor", options=parts), Choice("colours", options=[*classes, "none"]),
                        Choice("a click sets", options=["A", "B"])], draw,
                "Codes of test images along their two largest principal axes; a click takes an image.")


def plane(codes: torch.Tensor) -> torch.Tensor:
    """Return codes (N, D) in two dimensions: as they are up to two, else along their principal axes; (N, 2)."""
    if codes.shape[1] == 1:
        return torch.cat([codes, torch.zeros_like(codes)], 1)
    if codes.shape[1] == 2:
        return codes
    centred = (codes - codes.mean(0)).double()
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -2:].flip(1)
    sign = axes.gather(0, axes.abs().argmax(0, keepdim=True)).sign()            # so that the same codes look the same
    return (centred @ (axes * sign)).to(codes.dtype)


def samples(scene: Scene) -> bool:
    """Return whether a model makes images of a prior."""
    try:
        scene.model.sample(1)
    except ModelError:
        return False
    return True


def sample(scene: Scene) -> View:
    """Return the view of images from the prior, with classes that may be chosen."""
    model = scene.model
    classes = [p for p in model.layout.parts if p.prior == "classes"] if _chooses(scene) else []

    def chosen(values: Mapping[str, Any]) -> dict[str, int]:
        return {p.name: int(values[p.name]) for p in classes if values[p.name] != DRAWN}

    def draw(values: Mapping[str, Any]) -> dict[str, Strip]:
        return {"samples": Strip(model.sample(SAMPLES, values["seed"], chosen(values)))}

    def command(values: Mapping[str, Any]) -> str:
        return _line(scene, "sample", "-n", str(SAMPLES), "--seed", str(values["seed"]),
                     *(word for name, v in chosen(values).items() for word in ("--set", f"{name}={v}")))

    controls: list[Control] = [Choice(p.name, scene.label(p.name), [DRAWN, *map(str, range(p.size))]) for p in classes]
    return View("sample", [Seed(), *controls], draw, "New images: codes drawn from the prior.", command)


def _chooses(scene: Scene) -> bool:
    """Return whether samples can be made of chosen factors."""
    try:
        choose(scene.model.prior(1), {})
    except ModelError:
        return False
    return True


def _prior(scene: Scene, name: str) -> str:
    return next(p for p in scene.model.layout.parts if p.name == name).prior


def _pair() -> list[Picture]:
    return [Picture("A"), Picture("B", start=1)]


def _line(scene: Scene, command: str, *words: str) -> str:
    """Return a shell command on this model."""
    return shlex.join(["unbraid", command, scene.reference, *words])
