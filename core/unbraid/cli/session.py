"""What holds for a whole command line: which plugins it wants, how loud it is, and which run it works on."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import attrs
import click

ROOTS = tuple(f"{os.sep}{package}{os.sep}" for package in ("unbraid", "unbraid_registry", "unbraid_configs",
                                                           "unbraid_plugins"))


class _Yellow(logging.Handler):
    """Problems with plugins, one yellow line each on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        click.secho(record.getMessage(), fg="yellow", err=True)


@attrs.define
class Session:
    """The options of the whole program; every command takes them too."""

    files: list[Path] = attrs.Factory(list)
    block: list[str] = attrs.Factory(list)
    strict: bool = False
    traceback: bool = False
    run: Path | None = None                        # the folder of the run, once it is known
    _handler: logging.Handler = attrs.Factory(_Yellow)
    _showwarning: Any = None

    def configure(self) -> None:
        """Tell the registry which plugins are wanted; none is loaded by this."""
        from unbraid_registry import configure

        configure(files=self.files, block=self.block, strict=self.strict or None)

    def listen(self) -> None:
        """Show problems of plugins, and the project's own warnings, as single lines."""
        logging.getLogger("unbraid").addHandler(self._handler)
        self._showwarning = warnings.showwarning
        if not sys.warnoptions:
            warnings.showwarning = self._warn

    def unlisten(self) -> None:
        """Put everything back."""
        logging.getLogger("unbraid").removeHandler(self._handler)
        warnings.showwarning = self._showwarning

    def _warn(self, message: Warning | str, category: type[Warning], filename: str, *_: Any, **__: Any) -> None:
        if any(root in filename for root in ROOTS):
            click.secho(f"warning: {message}", fg="yellow", err=True)

    @staticmethod
    def leave_pipe() -> None:
        """Nobody reads on (`unbraid list | head`): let the rest go nowhere, quietly."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
