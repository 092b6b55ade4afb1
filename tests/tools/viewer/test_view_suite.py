"""The suite of views: what it accepts, and a fault for each of its checks."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from unbraid import hookimpl
from unbraid_plugins.tools.viewer import Scene, View, ViewSuite, controls, outputs
from unbraid_plugins.tools.viewer.hooks import unbraid_views as bundled
from unbraid_plugins.tools.viewer.session import Viewing


def tab(draw: Any, *own: Any, **more: Any) -> Any:
    """A hook with one view of an image, and of these controls."""
    @hookimpl
    def unbraid_views(scene: Scene) -> list[View]:
        if not scene.edits:
            return []
        return [View("tab", [controls.Picture("A"), *own], lambda values: draw(scene, values), **more)]

    return unbraid_views


def noisy(scene: Scene, values: controls.Values) -> dict[str, outputs.Output]:
    noise = torch.randn(values["A"].shape, generator=torch.Generator().manual_seed(values["seed"]))
    return {"noisy": outputs.Picture((values["A"] + values["by"] * noise).clamp(0, 1))}


class TestNoisy(ViewSuite):
    views = tab(noisy, controls.Slider("by"), controls.Seed(), controls.Choice("how", options=("a", "b")),
                controls.Point("at"), controls.PictureSet("clip"), command=lambda values: f"unbraid show {values['A']}")


class TestBundled(ViewSuite):
    views = bundled


@pytest.fixture(scope="module")
def scene() -> Scene:
    return ViewSuite().scene()


def trained(scene: Scene, values: Any) -> Any:
    scene.model.modules["encoder"].train()
    return shown(scene, values)


def shifted(scene: Scene, values: Any) -> Any:
    next(iter(scene.model.modules["generator"].parameters())).data.add_(1e-3)
    return shown(scene, values)


def shown(scene: Scene, values: Any) -> Any:
    return outputs.Picture(values["A"])


def divided(scene: Scene, values: Any) -> Any:
    return outputs.Picture(values["A"] / (1 if values["by"] else 0) if values["by"] < 1 else 1 / 0)


@pytest.mark.parametrize(("hook", "test", "told"), [
    (lambda scene: [], "gives_views", "it gives no view of this model"),
    (lambda scene: [View("a", [], shown), View("a", [], shown)], "gives_views", "two views have the title 'a'"),
    (lambda scene: ["a"], "gives_views", "something else than a list of `View`s"),
    (tab(lambda scene, values: outputs.Picture(torch.rand(3, 4, 4))), "draws_the_same_twice", "shows something else"),
    (tab(lambda scene, values: "text"), "draws_at_the_start_and_at_the_ends", "is wrong: a view gave str"),
    (tab(divided, controls.Slider("by")), "draws_at_the_start_and_at_the_ends",
     r"'tab' of the plugin 'tested' failed: ZeroDivisionError: division by zero.*drawn with A \(1, 3, 32, 32\), by 1"),
    (tab(shown, controls.Slider("by", start=2)), "draws_at_the_start_and_at_the_ends", "by is a number from 0 to 1"),
    (tab(lambda scene, values: outputs.Picture(torch.rand(3, 4, 4))), "leaves_the_model_and_generators_alone",
     "draws from torch's generator"),
    (tab(shifted), "leaves_the_model_and_generators_alone", "changes the network generator"),
    (tab(trained), "leaves_the_model_and_generators_alone", "leaves a network in training mode"),
    (lambda scene: View(str(scene.model.functions["decode"]), [], shown), "leaves_other_models_alone", "decode"),
    (tab(shown, command=lambda values: "rm x"), "commands_are_commands", "begins with"),
])
def test_a_fault_is_found(scene: Scene, hook: Any, test: str, told: str) -> None:
    fresh = Scene(ViewSuite().scene().model, scene.gallery, "demo") if hook.__name__ == "unbraid_views" else scene

    class Suite(ViewSuite):
        views = hook

        def scene(self) -> Scene:
            return fresh

    def failing() -> None:
        suite = Suite()
        viewing = Viewing(fresh, [("tested", view) for view in suite.of(fresh)])
        getattr(suite, f"test_{test}")(viewing)

    with pytest.raises(Exception, match=told):
        failing()
