"""What the command `unbraid` runs.

Errors that a user can cause are one clear message and exit code 2, never a traceback. Nothing heavy is imported
before a command needs it: neither torch nor matplotlib nor plugins for `unbraid --help`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

import click

from unbraid.cli.program import program
from unbraid.cli.session import Session
from unbraid.engine import Terminated, terminable

INTERRUPTED, TERMINATED = 130, 143                 # the shells' exit codes for SIGINT and SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit code."""
    session = Session()
    session.listen()
    if arguments is None:                          # the process's own: it ends with this
        from unbraid.cli.errors import tell_leftovers

        tell_leftovers()
        os.environ["PYTHONSAFEPATH"] = "1"         # no Python that this one starts imports from the working folder
    ends = arguments is None and "WORLD_SIZE" not in os.environ     # a rank may be waiting for others, and ends at once
    try:
        with terminable() if ends else nullcontext():
            code = program.main(None if arguments is None else list(arguments), prog_name="unbraid", obj=session,
                                standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        if not isinstance(error.__cause__, KeyboardInterrupt):
            click.echo("Not done.", err=True)
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
    """Say so, in the process's last words."""
    click.echo("Interrupted.", err=True)
    return TERMINATED if isinstance(by, Terminated) else INTERRUPTED
