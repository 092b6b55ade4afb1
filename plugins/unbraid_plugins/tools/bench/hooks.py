"""The hooks of this plugin: the command `unbraid bench`, its suites, and the processor time of its trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unbraid import hookimpl

MARK = "bench.json"                                # in the folder of a benchmark, three above its runs
_sessions: dict[Path, tuple[list[dict[str, Any]], Any]] = {}


@hookimpl
def unbraid_commands() -> list[Any]:
    """Return the plugin's command."""
    from unbraid_plugins.tools.bench.command import command

    return [command]


@hookimpl
def unbraid_suites() -> Path:
    """Return the folder of the bundled suites."""
    return Path(__file__).with_name("suites")


@hookimpl
def unbraid_run_start(run: Any, step: int) -> None:
    """Begin to measure the processor time of a training that belongs to a benchmark."""
    from time import process_time

    from unbraid_plugins.tools.bench.processor import Session, read_sessions

    if len(run.folder.absolute().parents) > 3 and (run.folder.absolute().parents[3] / MARK).is_file():
        before = [s for s in read_sessions(run.folder) if step > 0]
        _sessions[run.folder] = before, Session(step, process_time(), last=step)


@hookimpl
def unbraid_step_end(run: Any, step: int) -> None:
    """Count the step."""
    if run.folder in _sessions:
        _sessions[run.folder][1].note(step)


@hookimpl
def unbraid_log(run: Any) -> None:
    """Write the processor time from time to time, so that a killed training keeps it."""
    if run.folder in _sessions and _sessions[run.folder][1].is_due():
        _write(run)


@hookimpl
def unbraid_run_end(run: Any) -> None:
    """Write the processor time of the session."""
    _write(run)
    _sessions.pop(run.folder, None)


def _write(run: Any) -> None:
    if run.folder in _sessions:
        from unbraid_plugins.tools.bench.processor import write_sessions

        write_sessions(run.folder, *_sessions[run.folder])
