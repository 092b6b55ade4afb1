"""Error messages: for mistakes of the user, and for faults of the program or of a plugin."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from pathlib import Path

from unbraid.cli.session import Session
from unbraid_registry.terminal import echo, style

USERS, OURS = 2, 1                                 # exit codes
MOST_MISTAKES = 100                                # of a recipe that are printed


def report(error: Exception, session: Session) -> int:
    """Print an error on stderr and return its exit code."""
    from unbraid_configs import RecipeError
    from unbraid_registry import UnbraidError, culprit, line_of, one_line
    from unbraid_registry.usual_errors import in_words

    if session.traceback:
        echo("".join(traceback.format_exception(error)), err=True, nl=False)
    if isinstance(error, RecipeError):
        for mistake in error.mistakes[:MOST_MISTAKES]:
            echo(str(mistake), err=True)
        if len(error.mistakes) > MOST_MISTAKES:
            echo(f"... and {len(error.mistakes) - MOST_MISTAKES} mistakes more", err=True)
        return error.exit_code
    if isinstance(error, UnbraidError):
        if not getattr(error, "shown", False):     # another process of the same training prints it
            say(error.message, error.hint)
        return error.exit_code
    if plain := in_words(error):
        say(*plain)
        return USERS
    whose = culprit(error)
    at = f", at {line}" if (line := line_of(error)) else ""
    say(f"this is a fault of {whose}, not of yours: {one_line(error)}{at}",
        "" if session.traceback else f"the traceback is in {keep(error, session.run)}")
    return OURS


def tell_leftovers() -> None:
    """Print later failures, at exit or in a plugin's thread, as one line on stderr instead of a traceback."""
    def at_exit(failed: sys.UnraisableHookArgs) -> None:
        if failed.exc_value is not None:
            _tell_leftover(failed.exc_value, "at exit" if "atexit" in (failed.err_msg or "") else "while cleaning up")

    def in_thread(failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None and not isinstance(failed.exc_value, SystemExit):
            whose = f"in the thread {failed.thread.name!r}" if failed.thread else "in a thread"
            _tell_leftover(failed.exc_value, whose)

    sys.unraisablehook, threading.excepthook = at_exit, in_thread


def _tell_leftover(error: BaseException, where: str) -> None:
    from unbraid_registry import culprit, one_line

    echo(f"{culprit(error)} failed {where}: {one_line(error)}", fg="yellow", err=True)


def say(message: str, hint: str = "") -> None:
    """Print an error and its hint on stderr."""
    echo(style("Error:", fg="red") + f" {message}" + (f"\n  {hint}" if hint else ""), err=True)


def keep(error: Exception, run: Path | None) -> Path:
    """Write the traceback to the run's folder, or else to a temporary file, and return the path."""
    from unbraid_registry import UnbraidError
    from unbraid_registry.files import write_whole

    text = f"{time.strftime('%Y-%m-%d %H:%M:%S')}  {' '.join(sys.argv)}\n\n{''.join(traceback.format_exception(error))}"
    if run is not None and run.is_dir():
        with suppress(UnbraidError):
            return write_whole(run / "traceback.txt", text)
    with tempfile.NamedTemporaryFile("w", prefix="unbraid-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(text)
    return Path(file.name)
