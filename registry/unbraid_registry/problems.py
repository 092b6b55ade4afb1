"""Records of found plugins and of their problems."""

from __future__ import annotations

import traceback
from typing import Literal

import attrs

from unbraid_registry.errors import UnbraidError

Stage = Literal["block", "metadata", "name", "clash", "import", "api", "hooks", "components", "recipes", "run"]
Status = Literal["loaded", "blocked", "failed"]


@attrs.frozen(kw_only=True)
class PluginProblem:
    """A plugin that is not loaded, or a hook that failed in a run: one line, a remedy and the traceback."""

    plugin: str
    distribution: str = ""
    version: str = ""
    stage: Stage
    message: str                                   # one line
    remedy: str = ""                               # what to do next
    traceback: str = attrs.field(default="", repr=False)   # for `unbraid doctor`

    def __str__(self) -> str:
        stop = "" if self.message.endswith(("?", ".", "!")) else "."
        return f"{self.message}{stop}  {self.remedy}" if self.remedy else self.message


@attrs.frozen(kw_only=True)
class PluginInfo:
    """A plugin that was found."""

    name: str
    distribution: str = ""                         # empty for a single file
    version: str = ""
    bundled: bool = False
    status: Status
    components: int = 0
    path: str = ""                                 # its file; the name of its module where it was not imported
    reason: str = ""                               # the option or variable that blocks it
    seconds: float = 0.0                           # time that loading took

    @property
    def origin(self) -> str:
        """`acme-tv 1.0`, or the file of a single-file plugin."""
        return f"{self.distribution} {self.version}".rstrip() if self.distribution else self.path


class PluginError(UnbraidError):
    """A problem with a plugin, in strict mode."""

    def __init__(self, problem: PluginProblem) -> None:
        super().__init__(problem.message, hint=problem.remedy)
        self.problem = problem


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an exception, as Python prints it."""
    return "".join(traceback.format_exception(error))
