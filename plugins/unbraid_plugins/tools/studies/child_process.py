"""A child process of a sweep, which runs commands of `unbraid` one after the other while the sweep lives.

    python -P -m unbraid_plugins.tools.studies.child_process '[["train", ...], ["evaluate", ...]]'

Its stdin is a pipe whose other end the sweep holds. When the sweep ends for any reason, the pipe closes and the child
stops as after a SIGTERM: a training finishes its step and writes a checkpoint.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the commands until one fails; return its exit code, or 0."""
    from unbraid.cli import main as unbraid

    threading.Thread(target=_watch, args=(os.dup(0),), daemon=True).start()
    with open(os.devnull, "rb") as nothing:        # the commands read nothing
        os.dup2(nothing.fileno(), 0)
    for command in json.loads(arguments[0]):
        sys.argv = ["unbraid", *command]           # the run's record shows this command
        code = unbraid(command)
        if code:
            return code
    return 0


def _watch(descriptor: int) -> None:
    while os.read(descriptor, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
