"""The viewer without the network: views by number, one drawing at a time, and of several requests the latest."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import attrs
import torch
from torch import Tensor

from unbraid_plugins.tools.viewer.controls import ControlError, Picture, PictureSet, values_of
from unbraid_plugins.tools.viewer.outputs import OutputError, encoded
from unbraid_plugins.tools.viewer.requests import Superseded
from unbraid_plugins.tools.viewer.scene import Scene
from unbraid_plugins.tools.viewer.view import View
from unbraid_registry import UnbraidError, fault_of, registry

MOST_TABS = 1000                                   # browser tabs whose latest request is remembered
HEAVY = 0.05                                       # seconds of a core; views that take longer get all threads
QUICK = 0.01                                       # seconds of a core; views that take less need no thread of their own


@attrs.define(eq=False)
class Viewing:
    """A scene and its views.

    views: the tabs, with the plugin that each is from.
    problems: plugins that gave no views, told once.
    threads: torch's threads for views that take long, while others get one; 0 leaves their number alone.
    """

    scene: Scene
    views: list[tuple[str, View]]
    problems: list[str] = attrs.Factory(list)
    threads: int = 0
    _latest: dict[tuple[str, int], int] = attrs.Factory(dict)
    _took: dict[int, float] = attrs.Factory(dict)
    _heavy: set[int] = attrs.Factory(set)
    _turn: threading.Lock = attrs.Factory(threading.Lock)
    _note: threading.Lock = attrs.Factory(threading.Lock)

    @classmethod
    def of(cls, scene: Scene) -> Viewing:
        """Ask all plugins for their views of a scene; a plugin that fails costs one message."""
        known = registry()
        before = len(known.problems)
        found = known.call_by_plugin("unbraid_views", check=checked, scene=scene)
        own = sorted(found.items(), key=lambda item: item[0] != "viewer")           # ours come first
        problems = [problem.message for problem in known.problems[before:]]
        return cls(scene, [(plugin, view) for plugin, views in own for view in views], problems)

    def described(self) -> dict[str, Any]:
        """Return what the page needs to know of the model and its views."""
        model, gallery = self.scene.model, self.scene.gallery
        recipe = model.method.recipe
        views = []
        for plugin, view in self.views:
            described = view.described()
            for facts, control in zip(described["controls"], view.controls, strict=True):
                if isinstance(control, Picture | PictureSet):
                    facts["size"] = list(control.size or gallery.size)
                    facts["pictures"] = gallery.names(control.source, control.size)
            views.append({**described, "plugin": plugin})
        return {"title": recipe.title or self.scene.reference, "paper": recipe.paper, "step": model.step,
                "reference": self.scene.reference, "note": gallery.note, "problems": self.problems, "views": views}

    def draw(self, number: int, given: Mapping[str, Any], tab: str, request: int) -> bytes:
        """Draw a view and return its outputs for the browser.

        tab, request: the browser tab, and the number of its request.

        A request waits for the one that is drawn now; it is dropped where a newer one of its tab and view has come.

        Raises Superseded, ControlError for values that the controls don't take, and UnbraidError where drawing fails.
        """
        if not 0 <= number < len(self.views):
            raise ControlError(f"there is no view {number}")
        plugin, view = self.views[number]
        self._announce((tab, number), request)
        with self._turn:
            if self._latest.get((tab, number), request) > request:
                raise Superseded
            values = values_of(view.controls, given, self.scene.gallery)
            try:
                with self._threads(number):
                    outputs = view.outputs(values)
                files = {**values, **{name: f"{name}.png" for name in values.names}}
                command = None if view.command is None else view.command(files)
                return encoded(outputs, {"request": request, "command": command})
            except Exception as error:
                if isinstance(error, UnbraidError) and not isinstance(error, OutputError):
                    raise
                fault = f"is wrong: {error.message}" if isinstance(error, OutputError) else f"failed: {fault_of(error)}"
                raise UnbraidError(f"the view {view.title!r} of the plugin {plugin!r} {fault}; drawn with "
                                   f"{_in_words(values)}") from error

    def quick(self, number: int) -> bool:
        """Return whether a view took next to no time when it was last drawn, and nothing is drawn now."""
        return self._took.get(number, HEAVY) < QUICK and not self._turn.locked()

    def give(self, content: bytes, number: int, control: str) -> str:
        """Take a picture file for a control of a view, and return the picture's name.  Raises ControlError."""
        controls = self.views[number][1].controls if 0 <= number < len(self.views) else ()
        found = next((c for c in controls if c.name == control and isinstance(c, Picture | PictureSet)), None)
        if found is None:
            raise ControlError(f"the view has no picture {control!r}")
        with self._turn:
            return self.scene.gallery.give(content, found.size)

    @contextmanager
    def _threads(self, number: int) -> Iterator[None]:
        """Let a view draw with one thread, unless it took long before.

        Threads wait for each other: a small model gains nothing of them, and waits for the slower core where both are
        busy. Changing their number costs time too, so it is done where a view needs another one than the view before.
        """
        wanted = self.threads if number in self._heavy else 1
        if self.threads and wanted != torch.get_num_threads():
            torch.set_num_threads(wanted)
        began = time.thread_time()
        yield
        self._took[number] = time.thread_time() - began
        if self._took[number] > HEAVY:
            self._heavy.add(number)

    def _announce(self, key: tuple[str, int], request: int) -> None:
        with self._note:
            latest = max(self._latest.pop(key, 0), request)
            self._latest[key] = latest             # popped before, so that the oldest tabs come first
            while len(self._latest) > MOST_TABS:
                del self._latest[next(iter(self._latest))]


def checked(views: Any) -> Sequence[View]:
    """Return what a plugin gives as views: one, or a sequence.  Raises UnbraidError for anything else."""
    views = [views] if isinstance(views, View) else views
    if not isinstance(views, Sequence) or not all(isinstance(v, View) for v in views):
        raise UnbraidError("it returned something else than a list of `View`s")
    return list(views)


def _in_words(values: Mapping[str, Any]) -> str:
    """Return the values of controls as messages show them: `A (1, 3, 32, 32), by 0.5`."""
    shown = (f"{name} {tuple(v.shape) if isinstance(v, Tensor) else v}" for name, v in values.items())
    return ", ".join(shown) or "no controls"
