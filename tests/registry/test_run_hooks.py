"""A plugin that raises during a run is contained."""

from __future__ import annotations

import logging

import pytest
from fake_site import Site

from unbraid_registry import PluginError

BAD = """
calls = []
@hookimpl
def unbraid_step_end(run, step):
    calls.append(step)
    raise ValueError("no gradient")
@hookimpl
def unbraid_evaluate(run):
    raise SystemExit(1)
"""
GOOD = """
@hookimpl
def unbraid_step_end(values, step):
    return (step, values)
@hookimpl
def unbraid_evaluate(run, step):
    return None
"""


def test_others_are_called_all_the_same(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    site.add("first", a=GOOD)
    site.add("middle", "0.4", bad=BAD)
    site.add("zlast", z=GOOD)
    r = site.load()
    with caplog.at_level(logging.WARNING):
        for step in range(3):
            assert r.call("unbraid_step_end", run=None, step=step, values={}) == [(step, {}), (step, {})]
        assert r.call("unbraid_evaluate", run=None, step=3) == []
        assert r.call_by_plugin("unbraid_step_end", run=None, step=9, values={}) == {"a": (9, {}), "z": (9, {})}
    import middle_bad
    assert middle_bad.calls == [0, 1, 2, 9]
    assert len(caplog.records) == 1                                            # once for each plugin
    assert "plugin 'bad': its hook unbraid_step_end failed: ValueError: no gradient, at " in caplog.text
    assert "middle_bad.py:10 in unbraid_step_end" in caplog.text                # the line of the author's code
    assert [(p.plugin, p.distribution, p.version, p.stage) for p in r.problems] == [("bad", "middle", "0.4", "run")] * 2
    assert "no gradient" in r.problems[0].traceback
    assert "unbraid_evaluate" in r.problems[1].message


def test_strict_raises_every_time(site: Site) -> None:
    site.add("middle", bad=BAD)
    r = site.load(strict=True)
    for _ in range(2):
        with pytest.raises(PluginError, match="no gradient") as caught:
            r.call("unbraid_step_end", run=None, step=0, values={})
        assert isinstance(caught.value.__cause__, ValueError)


def test_the_engines_own_mistakes_are_not_contained(site: Site) -> None:
    site.add("first", a=GOOD)
    r = site.load()
    with pytest.raises(AttributeError):
        r.call("unbraid_stepend")
    with pytest.raises(KeyError):
        r.call("unbraid_step_end", run=None, step=0)
    assert r.problems == []
