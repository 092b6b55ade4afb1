"""A view: a tab of the viewer, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from unbraid_plugins.tools.viewer.controls import Control, Values
from unbraid_plugins.tools.viewer.outputs import Output, Text
from unbraid_registry import UnbraidError

Drawing: TypeAlias = Callable[[Values], "Mapping[str, Output] | Output"]
Commanding: TypeAlias = Callable[[Mapping[str, Any]], str]


def _controls(controls: Iterable[Control]) -> tuple[Control, ...]:
    return tuple(controls)


class ViewError(UnbraidError):
    """Raised for a view that is not what the viewer can show."""


@attrs.frozen(eq=False)
class View:
    """A tab of the viewer: controls, and a function that draws outputs from their values.

    title: the tab's name.
    controls: what a person sets, in order.
    draw: values of the controls by name -> one output, or outputs by name.  It runs in one thread at a time.
    about: what it shows, in a sentence.
    command: values of the controls (pictures as `A.png`) -> the shell command that makes the same, or None.
    live: draw anew while a slider moves; else a button draws.
    """

    title: str
    controls: Sequence[Control] = attrs.field(converter=_controls)
    draw: Drawing
    about: str = ""
    command: Commanding | None = None
    live: bool = True

    def __attrs_post_init__(self) -> None:
        names = [c.name for c in self.controls if isinstance(c, Control)]
        if len(names) < len(self.controls):
            raise ViewError(f"the view {self.title!r} has a control that is none of "
                            "unbraid_plugins.tools.viewer.controls")
        if double := [n for n in names if names.count(n) > 1]:
            raise ViewError(f"the view {self.title!r} has two controls named {double[0]!r}")

    def outputs(self, values: Values) -> Mapping[str, Output]:
        """Draw.  Raises what `draw` raises, and ViewError where it gives no output."""
        found = self.draw(values)
        return found if isinstance(found, Mapping) else {"": Text("nothing") if found is None else found}

    def described(self) -> dict[str, Any]:
        """Return the view for the page: title, sentence, controls."""
        return {"title": self.title, "about": self.about, "live": self.live,
                "controls": [attrs.asdict(c) for c in self.controls], "command": self.command is not None}
