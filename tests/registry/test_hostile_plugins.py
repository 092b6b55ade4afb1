"""Plugins that do what no plugin should: each costs one line, and the commands go on."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading

import pytest
from fake_site import Site, contributes, names, status

from unbraid_registry import loader as patience

RAISES = {
    "its own exit": ("class Gone(BaseException):\n    pass\n", "raise Gone('by itself')", "Gone: by itself"),
    "a generator's end": ("", "raise GeneratorExit", "GeneratorExit"),
    "a cancelled task": ("import asyncio\n", "raise asyncio.CancelledError('late')", "CancelledError: late"),
    "an exit": ("import sys\n", "sys.exit('enough')", "SystemExit: enough"),
    "an exit with 0": ("import sys\n", "sys.exit(0)", "SystemExit: 0"),
    "endless recursion": ("def down():\n    down()\n", "down()", "RecursionError"),
    "no memory": ("", "raise MemoryError", "MemoryError")}
PLACES = {
    "import": ("{0}{1}\n", "import"),
    "components": ("{0}@hookimpl\ndef unbraid_components():\n    {1}\n", "components"),
    "half of the components": ("{0}" + contributes("one").replace("    return [one]", "    yield one\n    {1}"),
                               "components"),
    "recipes": ("{0}" + contributes("two") + "@hookimpl\ndef unbraid_recipes():\n    {1}\n", "recipes")}


@pytest.mark.parametrize("raised", RAISES)
@pytest.mark.parametrize("place", PLACES)
def test_whatever_is_raised_is_one_problem(site: Site, place: str, raised: str) -> None:
    before, statement, text = RAISES[raised]
    source, stage = PLACES[place]
    site.add("hostile", "6.6", bad=source.format(before, statement))
    site.add("zed", last=contributes("last"))
    r = site.load()
    assert status(r) == {"bad (hostile)": "failed", "last (zed)": "loaded"}
    assert names(r) == ["last.last"]
    (problem,) = r.problems
    assert problem.stage == stage
    assert text in problem.message
    assert "\n" not in str(problem)


@pytest.mark.parametrize("raised", RAISES)
def test_whatever_a_hook_raises_in_a_run_is_contained(site: Site, raised: str) -> None:
    before, statement, text = RAISES[raised]
    site.add("hostile", bad=f"{before}@hookimpl\ndef unbraid_step_end(step):\n    {statement}\n")
    site.add("zed", good="@hookimpl\ndef unbraid_step_end(step):\n    return step\n")
    r = site.load()
    assert r.call("unbraid_step_end", run=None, step=3, values={}) == [3]
    assert [text in p.message for p in r.problems] == [True]


def test_an_interrupt_is_the_users_in_a_hook_too(site: Site) -> None:
    site.add("hostile", bad="@hookimpl\ndef unbraid_step_end(step):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        site.load().call("unbraid_step_end", run=None, step=3, values={})


def test_a_slow_plugin_is_named_while_one_waits(site: Site, caplog: pytest.LogCaptureFixture, monkeypatch) -> None:
    monkeypatch.setattr(patience, "SLOW", 0.05)
    site.add("acme-mesh", "1.4", mesh="import time\ntime.sleep(0.5)\n" + contributes("one"))
    site.add("quick", q=contributes("two"))
    with caplog.at_level(logging.WARNING):
        r = site.load()
    assert "still loading plugin 'mesh' (acme-mesh 1.4); --no-plugin mesh leaves it out" in caplog.messages
    took = {p.name: p.seconds for p in r.plugins}
    assert took["mesh"] > 0.5
    assert not any("'q'" in m for m in caplog.messages) or took["q"] > 0.05
    assert r.problems == []


def test_bundled_plugins_are_waited_for_in_silence(site: Site, caplog: pytest.LogCaptureFixture, monkeypatch) -> None:
    monkeypatch.setattr(patience, "SLOW", 0.05)
    site.add("unbraid", "1.4", mesh="import time\ntime.sleep(0.2)\n" + contributes("one"))
    with caplog.at_level(logging.WARNING):
        site.load()
    assert caplog.messages == []


def test_waiting_leaves_no_thread_behind(site: Site) -> None:
    site.add("acme", a=contributes("one"), b="1 / 0\n")
    before = threading.active_count()
    site.load()
    assert threading.active_count() == before


def test_prints_of_plugins_are_no_output(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("chatty", c="print('hello from import')\n" + contributes("one") + "    \n")
    site.load()
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "hello from import\n"


CHATTY = """
import atexit, sys, threading
print("hello")

def at_exit():
    print("bye", file=sys.stderr)
    raise RuntimeError("at the very end")

atexit.register(at_exit)

def work():
    raise ValueError("in the background")

thread = threading.Thread(target=work, name="worker")
thread.start()
thread.join()

@hookimpl
def unbraid_commands():
    print("commands")
    import click

    @click.command("leave")
    def leave():
        sys.exit(7)

    return [leave]
"""
BROKEN_DEFAULT = '''
import sys

def nothing():
    raise LookupError("no default today")

@encoder
@attrs.frozen(kw_only=True)
class Box:
    """A box whose default can't be made."""

    width: int = attrs.field(factory=nothing)

    def build(self, context, image):
        """Nothing."""

@loss
def leaving(x):
    """Ends the process."""
    sys.exit(0)

@hookimpl
def unbraid_components():
    return [Box, leaving]
'''
RECIPE = """\
title: x
data: {source: {type: sprites, size: 16, count: 8}, draw: {x: {}}, batch: 2}
code: {z: 3}
networks: {encoder: {type: ENCODER}, generator: {type: conv_generator, width: 4}}
players: {p: {trains: [encoder, generator], minimizes: {a: LOSS}}}
train: {steps: 1, device: cpu, tensorboard: false}
"""


@pytest.fixture
def hostile_site(site: Site) -> Site:
    site.add("hostile", "6.6", chatty=CHATTY, exits="import sys; sys.exit(0)", own="raise BaseException('own')",
             hooks="@hookimpl\ndef unbraid_commands():\n    raise SystemExit(0)\n")
    site.add("broken", "0.1", defaults=BROKEN_DEFAULT)
    return site


def unbraid(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "unbraid", *arguments], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": str(site.folder)}, cwd=site.folder, check=False)


def test_all_of_them_at_once_cost_a_line_each(hostile_site: Site) -> None:
    done = unbraid(hostile_site, "plugins", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)                          # nothing else was written there
    states = {p["name"]: p["status"] for p in content["plugins"]}
    assert [states[n] for n in ("chatty", "exits", "own", "hooks", "defaults", "losses")] == [
        "loaded", "failed", "failed", "loaded", "loaded", "loaded"]
    assert content["commands"] == ["leave"]
    lines = done.stderr.splitlines()
    assert "Traceback" not in done.stderr
    for words in (["plugin 'exits'", "SystemExit: 0"], ["plugin 'own'", "BaseException: own"],
                  ["plugin 'hooks'", "unbraid_commands failed", "SystemExit: 0"],
                  ["failed in the thread 'worker'", "ValueError: in the background"],
                  ["the plugin 'chatty' (hostile 6.6) failed at exit", "RuntimeError: at the very end"]):
        assert sum(all(w in line for w in words) for line in lines) == 1, (words, done.stderr)
    assert len(lines) == 5 + 3, done.stderr                    # and what it prints: hello, commands, bye


def test_a_command_of_a_plugin_may_exit(hostile_site: Site) -> None:
    assert unbraid(hostile_site, "leave").returncode == 7


@pytest.mark.parametrize(("encoder", "loss", "says", "code"), [
    ("defaults.box", "mse(generator(encoder(x)), x)", "no default today", (1, 2)),
    ("{type: conv_encoder, width: 4}", "defaults.leaving(generator(encoder(x)))", "sys.exit(0)", (1, 2))])
def test_a_component_that_breaks_is_told_with_its_plugin(hostile_site: Site, encoder: str, loss: str, says: str,
                                                          code: tuple[int, ...]) -> None:
    own = encoder if encoder.startswith("{") else f"{{type: {encoder}}}"
    (hostile_site.folder / "recipe.yaml").write_text(RECIPE.replace("{type: ENCODER}", own).replace("LOSS", loss))
    done = unbraid(hostile_site, "check", "recipe.yaml")
    assert done.returncode in code, done.stderr
    assert says in done.stderr
    assert "defaults" in done.stderr
    assert "Traceback" not in done.stderr
