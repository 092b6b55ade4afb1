"""The views of models that translate between domains, and of those that make meshes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from unbraid_plugins.tools.viewer.controls import Picture
from unbraid_plugins.tools.viewer.function_views import solid
from unbraid_plugins.tools.viewer.outputs import Mesh, Picture as Drawn
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.view import View


def domain_views(scene: Scene) -> Iterator[View]:
    """Yield a view for every direction of translation, and one of the mesh that an image gives."""
    for source, target in scene.model.translations:
        yield translate(scene, source, target)
    if len(scene.model.functions.get("mesh_of", ())) == 1:
        yield mesh(scene)


def translate(scene: Scene, source: str, target: str) -> View:
    """Return the view of a translation, and of the way back where the model has it."""
    model = scene.model
    domain = source if source in scene.gallery.tests else ""

    def draw(values: Mapping[str, Any]) -> dict[str, Drawn]:
        there = model.translate(values[source], source, target)
        found = {target: Drawn(there)}
        if (target, source) in model.translations:
            found[f"back to {source}"] = Drawn(model.translate(there, target, source))
        return found

    def command(values: Mapping[str, Any]) -> str:
        return shlex.join(["unbraid", "translate", scene.reference, values[source], "--from", source, "--to", target])

    return View(f"{source} to {target}", [Picture(source, source=domain)], draw,
                f"An image of the domain {source} as one of {target}.", command)


def mesh(scene: Scene) -> View:
    """Return the view of the mesh that the model makes of an image."""
    model = scene.model
    rebuilds = next((n for n in ("rebuild", "reconstruct", "draw") if len(model.functions.get(n, ())) == 1), None)

    def draw(values: Mapping[str, Any]) -> dict[str, Mesh | Drawn]:
        found: dict[str, Mesh | Drawn] = {"mesh": solid(model("mesh_of", values["A"]))}
        if scene.edits:
            found["drawn by the model's renderer"] = Drawn(model.reconstruct(values["A"]))
        elif rebuilds is not None:
            found["drawn by the model's renderer"] = Drawn(model(rebuilds, values["A"]).clamp(0, 1))
        return found

    def command(values: Mapping[str, Any]) -> str:
        return shlex.join(["unbraid", "render", scene.reference, "--image", values["A"], "--out", "mesh.png"])

    return View("3D", [Picture("A")], draw, "The mesh that the model makes of A: drag to turn it, scroll to zoom.",
                command)
