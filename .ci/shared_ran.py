"""A pytest plugin: tests that are marked `shared` must have run, and some there must be."""

from __future__ import annotations

from typing import Any

import pytest

MARK = "shared"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Name the tests with shared data that were skipped."""
    ran, skipped = _outcomes(terminalreporter)
    if skipped or not ran:
        terminalreporter.section("shared data", sep="=", red=True)
        for report in skipped:
            terminalreporter.line(f"SKIPPED although it needs shared data: {report.nodeid}")
        if not ran:
            terminalreporter.line("no test ran with shared data")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session for them."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or hasattr(session.config, "workerinput"):
        return
    ran, skipped = _outcomes(reporter)
    if session.exitstatus == pytest.ExitCode.OK and (skipped or not ran):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _outcomes(reporter: Any) -> tuple[list[Any], list[Any]]:
    """The reports of tests with the mark: those that ran, and those that were skipped."""
    marked = {kind: [r for r in reporter.stats.get(kind, []) if MARK in getattr(r, "keywords", {})]
              for kind in ("passed", "failed", "skipped")}
    return marked["passed"] + marked["failed"], marked["skipped"]
