"""A pytest plugin: tests of OpenGL must have run, not the fallback alone."""

from __future__ import annotations

from typing import Any

import pytest

REASON = "no OpenGL context"                       # as the renderer says it


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the tests that were skipped because there was no OpenGL."""
    if skipped := _skipped(terminalreporter):
        terminalreporter.section("OpenGL", sep="=", red=True)
        for report in skipped:
            terminalreporter.line(f"SKIPPED for want of OpenGL: {report.nodeid}")
        terminalreporter.line("install EGL and a driver: apt install libegl1 libgl1-mesa-dri")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session for them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    if session.exitstatus == pytest.ExitCode.OK and _skipped(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _skipped(terminalreporter: Any) -> list[Any]:
    return [r for r in terminalreporter.stats.get("skipped", []) if REASON in str(r.longrepr)]
