"""A child process of a sweep, which runs commands of `unbraid` one after the other while the sweep lives.

    python -P -m unbraid_plugins.tools.studies.child_process DESCRIPTOR '[["train", ...], ["evaluate", ...]]'

The descriptor is the reading end of a pipe; the sweep holds its writing end. When the sweep ends for any reason, the
pipe closes and the child stops as after a SIGTERM: a training finishes its step and writes a checkpoint.
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

    descriptor, commands = int(arguments[0]), json.loads(arguments[1])
    threading.Thread(target=_watch, args=(descriptor,), daemon=True).start()
    for command in commands:
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
