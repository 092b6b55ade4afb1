"""The command line: `unbraid`.

Errors that a user can cause are one clear message and exit code 2, never a traceback. Nothing heavy is imported
before a command needs it: neither torch nor matplotlib nor plugins for `unbraid --help`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from unbraid.cli.program import program
from unbraid.cli.session import Session

INTERRUPTED = 130                                  # the shells' exit code for SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit code."""
    session = Session()
    session.listen()
    if arguments is None:                          # the process's own: it ends with this
        from unbraid.cli.faults import tell_leftovers

        tell_leftovers()
    try:
        code = program.main(None if arguments is None else list(arguments), prog_name="unbraid", obj=session,
                            standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort as error:
        click.echo("Interrupted." if isinstance(error.__cause__, KeyboardInterrupt) else "Not done.", err=True)
        return INTERRUPTED if isinstance(error.__cause__, KeyboardInterrupt) else 1
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        session.leave_pipe()
        return 0
    except Exception as error:
        from unbraid.cli.faults import report

        return report(error, session)
    finally:
        session.unlisten()
