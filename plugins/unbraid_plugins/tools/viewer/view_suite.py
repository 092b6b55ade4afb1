"""The suite for the views of a plugin, beside those of `unbraid.testing`."""

from __future__ import annotations

import inspect
import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import attrs
import pytest
import torch

from unbraid import load
from unbraid_plugins.tools.viewer.command import DEMO
from unbraid_plugins.tools.viewer.controls import Choice, Control, Picture, PictureSet, Point, Seed, Slider
from unbraid_plugins.tools.viewer.gallery import Gallery
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.session import Viewing, checked
from unbraid_plugins.tools.viewer.view import View

MOST_OPTIONS = 20                                  # of a choice that are tried


class ViewSuite:
    """The suite of a plugin's views: subclass it, name the hook as `views`, and pytest runs its tests.

    Views are asked for the model that `unbraid view demo` shows. Override `scene()` where they fit another one.
    """

    views: ClassVar[Callable[[Scene], Any]]

    def scene(self) -> Scene:
        """Return a model to look at, with its test images."""
        return Scene.of(load(DEMO), "demo")

    def of(self, scene: Scene) -> list[View]:
        """Return what the hook gives for a scene, as the viewer takes it.  Raises UnbraidError for anything else."""
        hook = inspect.getattr_static(type(self), "views", None)
        assert hook is not None, f"{type(self).__name__} needs: views = the hook `unbraid_views`"
        found = (hook.__func__ if isinstance(hook, staticmethod) else hook)(scene)
        return [] if found is None else list(checked(found))

    @pytest.fixture(scope="class")
    @classmethod
    def viewing(cls) -> Viewing:
        """The scene with the hook's views."""
        suite = cls()
        scene = suite.scene()
        return Viewing(scene, [("tested", view) for view in suite.of(scene)])

    def test_gives_views(self, viewing: Viewing) -> None:
        """Check that there are views for the scene, with different titles, that the page can draw."""
        titles = [view.title for _, view in viewing.views]
        assert titles, "it gives no view of this model: override `scene()` with a model that it has views of"
        assert len(set(titles)) == len(titles), f"two views have the title {max(titles, key=titles.count)!r}"
        json.dumps(viewing.described(), allow_nan=False)

    def test_leaves_other_models_alone(self, viewing: Viewing) -> None:
        """Check that a model without functions, or without test images, costs no error: every model is asked for."""
        model = viewing.scene.model
        mute = attrs.evolve(model, method=attrs.evolve(
            model.method, recipe=attrs.evolve(model.method.recipe, functions={}), function_graphs={}, parameters={}))
        self.of(Scene(mute, viewing.scene.gallery, "mute"))
        self.of(Scene(model, Gallery(model.image_shape), "without images"))

    def test_draws_at_the_start_and_at_the_ends(self, viewing: Viewing) -> None:
        """Check that every view draws outputs for what its controls are at first, and for each control's ends."""
        for number, (_, view) in enumerate(viewing.views):
            start = {c.name: _start(c, viewing) for c in view.controls}
            self._drawn(viewing, number, start)
            for control in view.controls:
                for end in _ends(control, viewing):
                    self._drawn(viewing, number, {**start, control.name: end})

    def test_draws_the_same_twice(self, viewing: Viewing) -> None:
        """Check that the same values give the same outputs: random numbers come from the control `Seed`."""
        for number, (_, view) in enumerate(viewing.views):
            start = {c.name: _start(c, viewing) for c in view.controls}
            first, second = (self._drawn(viewing, number, start) for _ in range(2))
            assert first == second, f"the view {view.title!r}, drawn twice with the same values, shows something else"

    def test_leaves_the_model_and_generators_alone(self, viewing: Viewing) -> None:
        """Check that drawing changes neither weights nor test images, and draws from no global generator of torch."""
        watched = {**{f"the network {name}": m.state_dict() for name, m in viewing.scene.model.modules.items()},
                   **{f"the test images of {name}": {"": t.images} for name, t in viewing.scene.gallery.tests.items()}}
        before = {what: {k: t.clone() for k, t in held.items()} for what, held in watched.items()}
        generator = torch.get_rng_state()
        for number, (_, view) in enumerate(viewing.views):
            self._drawn(viewing, number, {c.name: _start(c, viewing) for c in view.controls})
            assert torch.equal(generator, torch.get_rng_state()), (
                f"the view {view.title!r} draws from torch's generator")
            changed = [what for what, held in watched.items() if any(not _same(t, before[what][k])
                                                                     for k, t in held.items())]
            assert not changed, f"the view {view.title!r} changes {changed[0]}"
            assert not any(m.training for m in viewing.scene.model.modules.values()), (
                f"the view {view.title!r} leaves a network in training mode")

    def test_commands_are_commands(self, viewing: Viewing) -> None:
        """Check that a view's command is one line of `unbraid`, with quotes where a word needs them."""
        for _, view in viewing.views:
            if view.command is not None:
                values = {c.name: f"{c.name}.png" if isinstance(c, Picture) else c.value(
                    _start(c, viewing), viewing.scene.gallery) for c in view.controls}
                line = view.command(values)
                assert isinstance(line, str), f"the command of {view.title!r} is a {type(line).__name__}"
                words = shlex.split(line)
                assert "\n" not in line, f"the command of {view.title!r} has several lines"
                assert words[:1] == ["unbraid"], f"the command of {view.title!r} begins with {words[:1]}"

    def _drawn(self, viewing: Viewing, number: int, values: Mapping[str, Any]) -> bytes:
        return viewing.draw(number, values, "testing", 1)


def _start(control: Control, viewing: Viewing) -> Any:
    """Return what the page sends for an untouched control."""
    match control:
        case Slider(start=start) | Seed(start=start):
            return start
        case Choice(options=options):
            assert options, f"the choice {control.name!r} has no options"
            return options[0]
        case Point(start=start):
            return list(start)
        case Picture(start=first) | PictureSet(start=first):
            names = viewing.scene.gallery.names(control.source, control.size)
            assert names, f"there are no test images for {control.name!r}: override `scene()`"
            if isinstance(control, PictureSet):
                return [names[(first + i) % len(names)] for i in range(control.count)]
            return names[first % len(names)]
    raise AssertionError(f"{control!r} is no control")


def _ends(control: Control, viewing: Viewing) -> Iterator[Any]:
    """Yield what a person may set a control to beside its start."""
    match control:
        case Slider(low=low, high=high):
            yield from (low, high)
        case Seed(start=start):
            yield start + 1
        case Choice(options=options):
            yield from options[1:MOST_OPTIONS]
        case Point(low=low, high=high):
            yield from ([low, high], [high, low])
        case Picture() | PictureSet():
            names = viewing.scene.gallery.names(control.source, control.size)
            yield [names[-1]] if isinstance(control, PictureSet) else names[-1]


def _same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a.nan_to_num(), b.nan_to_num())
