"""A child process of a sweep: commands of `unbraid`, one after the other, for as long as the sweep is there.

    python -P -m unbraid_plugins.tools.studies.child_process DESCRIPTOR '[["train", ...], ["evaluate", ...]]'

The descriptor is the reading end of a pipe whose writing end the sweep holds. When the sweep is gone, however it ended,
the pipe ends, and the child stops as at a SIGTERM: a training after its step, with a checkpoint.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Run the commands until one fails; returns its exit code."""
    from unbraid.cli import main as unbraid

    descriptor, commands = int(arguments[0]), json.loads(arguments[1])
    threading.Thread(target=_watch, args=(descriptor,), daemon=True).start()
    for command in commands:
        sys.argv = ["unbraid", *command]           # what the run's record tells
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
