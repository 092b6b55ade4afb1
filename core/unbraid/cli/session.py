"""The state of one command line: its plugins, its error output, and the run that it works on."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import attrs

from unbraid_registry.terminal import echo

ROOTS = tuple(f"{os.sep}{package}{os.sep}" for package in ("unbraid", "unbraid_registry", "unbraid_configs",
                                                           "unbraid_plugins"))


class _Yellow(logging.Handler):
    """A log handler that prints problems with plugins on stderr, in one yellow line each."""

    def emit(self, record: logging.LogRecord) -> None:
        trace = "".join(traceback.format_exception(record.exc_info[1])) if record.exc_info else ""
        echo(f"{record.getMessage()}\n{trace}".rstrip(), fg="yellow", err=True)


@attrs.define
class Session:
    """The options that all commands share, and the run that a command works on."""

    files: list[Path] = attrs.Factory(list)
    block: list[str] = attrs.Factory(list)
    strict: bool = False
    traceback: bool = False
    follow_links: bool = False
    run: Path | None = None                        # the folder of the run, once it is known
    overrides: list[str] = attrs.Factory(list)     # of a run's recipe, by --set
    _handler: logging.Handler = attrs.Factory(_Yellow)
    _showwarning: Any = None
    _until_unlisten: ExitStack = attrs.Factory(ExitStack)

    def configure(self) -> None:
        """Tell the registry which plugins to use, without loading any."""
        from unbraid_registry import configure
        from unbraid_registry.files import followed_links

        logging.getLogger("unbraid").setLevel(logging.INFO if self.traceback else logging.WARNING)
        configure(files=self.files, block=self.block, strict=self.strict or None)
        if self.follow_links:
            self._until_unlisten.enter_context(followed_links())

    def listen(self) -> None:
        """Print problems of plugins, and the project's own warnings, as single lines."""
        logging.getLogger("unbraid").addHandler(self._handler)
        self._showwarning = warnings.showwarning
        if not sys.warnoptions:
            warnings.showwarning = self._warn

    def unlisten(self) -> None:
        """Undo `listen` and what options set."""
        self._until_unlisten.close()
        logging.getLogger("unbraid").removeHandler(self._handler)
        warnings.showwarning = self._showwarning

    def _warn(self, message: Warning | str, category: type[Warning], filename: str, *_: Any, **__: Any) -> None:
        if any(root in filename for root in ROOTS):
            echo(f"warning: {message}", fg="yellow", err=True)

    @staticmethod
    def leave_pipe() -> None:
        """Discard the rest of stdout after its reader has closed the pipe (`unbraid list | head`)."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
