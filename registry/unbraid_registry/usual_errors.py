"""Errors of Python, torch and the system that are nobody's fault, in words, each with a remedy."""

from __future__ import annotations

from unbraid_registry.files import is_of_system, reason, remedy

_USUAL = {                                         # what the text of an error begins or ends with -> message, remedy
    "out of memory": ("there is not enough memory", "lower data.batch, or the size of the images or the networks"),
    "Expected more than 1 value per channel": (
        "batch norm can't be computed of one value per channel", "raise data.batch, to 2 at least"),
    "can't start new thread": ("the system starts no more threads", "set data.workers=0, or raise: ulimit -u"),
    "No space left on device": ("no space is left on the device", "free some disk space, in /tmp and /dev/shm too"),
    "Too many open files": ("too many files are open", "raise the number of files that may be open: ulimit -n 4096"),
}


def in_words(error: Exception) -> tuple[str, str] | None:
    """Return the message and the remedy of such an error; None for any other.

    >>> in_words(MemoryError())
    ('there is not enough memory', 'lower data.batch, or the size of the images or the networks')
    """
    if is_of_system(error):
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        return f"{place}{reason(error)}", remedy(error)
    text = "out of memory" if isinstance(error, MemoryError) else str(error)
    return next((words for beginning, words in _USUAL.items() if beginning in text), None)
