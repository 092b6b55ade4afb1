"""Saying which plugin is being waited for, and keeping its prints out of the output of commands."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from unbraid_registry.discovery import Candidate

SLOW = 3.0                                         # seconds after which a user is told what is being waited for
LOG = logging.getLogger("unbraid.plugins")


@contextmanager
def waiting_for(candidate: Candidate) -> Iterator[None]:
    """While a plugin is loaded: what it prints goes to stderr, and after a while one line says that it is slow.

    A bundled plugin is not told: what takes long there is torch.
    """
    version = f" ({candidate})" if candidate.distribution else ""
    block = f"--no-plugin {candidate.name} leaves it out" if candidate.distribution else "it was given by --plugin"
    timer = threading.Timer(SLOW, LOG.warning, ("still loading plugin %r%s; %s", candidate.name, version, block))
    timer.daemon = True
    if not candidate.bundled:
        timer.start()
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        timer.cancel()
        if timer.is_alive():
            timer.join()
