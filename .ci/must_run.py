"""A pytest plugin: tests with shared data and tests of OpenGL must have run; some with shared data there must be."""

from __future__ import annotations

from typing import Any

import pytest

SHARED = "shared_data"                            # the mark of tests with shared data
NO_OPENGL = "no OpenGL context"                    # as the renderer says it


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name what did not run."""
    if missed := _missed(terminalreporter):
        terminalreporter.section("tests that must run", sep="=", red=True)
        for line in missed:
            terminalreporter.line(line)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session for it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    if session.exitstatus == pytest.ExitCode.OK and _missed(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _missed(reporter: Any) -> list[str]:
    skipped = reporter.stats.get("skipped", [])
    ran = [r for kind in ("passed", "failed") for r in reporter.stats.get(kind, [])]
    shared = [r for r in skipped if SHARED in getattr(r, "keywords", {})]
    opengl = [r for r in skipped if NO_OPENGL in str(r.longrepr)]
    return [*(f"SKIPPED although it needs shared data: {r.nodeid}" for r in shared),
            *(f"SKIPPED for want of OpenGL: {r.nodeid}" for r in opengl),
            *["no test ran with shared data"] * (not any(SHARED in getattr(r, "keywords", {}) for r in ran)),
            *["install EGL and a driver: apt install libegl1 libgl1-mesa-dri"] * bool(opengl)]
