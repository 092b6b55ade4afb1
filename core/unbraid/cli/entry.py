"""The entry point of the command `unbraid`.

An error that a user can cause ends in one clear message and exit code 2, never in a traceback. Nothing heavy is
imported before a command needs it: `unbraid --help` imports neither torch nor matplotlib nor plugins.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import click

from unbraid.cli.program import program
from unbraid.cli.session import Session
from unbraid.engine import Terminated, terminable
from unbraid_registry.terminal import begun, echo, open_streams

INTERRUPTED, TERMINATED = 130, 143                 # the shells' exit codes for SIGINT and SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit code."""
    open_streams()
    session = Session()
    session.listen()
    if arguments is None:                          # the process ends with this command
        from unbraid.cli.errors import tell_leftovers

        tell_leftovers()
        os.environ |= {"PYTHONSAFEPATH": "1", "MPLBACKEND": "agg"}  # children import nothing from here; files are drawn
        gc.set_threshold(700, 10, 1000)            # searching all that was imported for garbage takes 0.3 s
    ends = arguments is None and "WORLD_SIZE" not in os.environ     # a rank may be waiting for others: it ends at once
    try:
        with begun(" ".join(["unbraid", *sys.argv[1:2]])) if ends else nullcontext(), (
                terminable() if ends else nullcontext()):
            code = program.main(None if arguments is None else list(arguments), prog_name="unbraid", obj=session,
                                standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            echo("Not done.", err=True)
            return 1
        return interrupted(error.__cause__)
    except KeyboardInterrupt as error:
        return interrupted(error)
    except BrokenPipeError:
        session.leave_pipe()
        return 0
    except Exception as error:
        from unbraid.cli.errors import report

        return report(error, session)
    finally:
        session.unlisten()


def interrupted(by: BaseException) -> int:
    """Print that the command was interrupted, and return the exit code of the signal."""
    echo("Interrupted.", err=True)
    return TERMINATED if isinstance(by, Terminated) else INTERRUPTED
