"""Every command in a hostile folder: `hostile.py` as a whole, and what it can't show."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hostile
import pytest
from small_runs import recipe
from torch import nn

import unbraid.engine.compile as compiling
from unbraid.cli.commands import INDEX
from unbraid.data import open_data
from unbraid.model import build_method
from unbraid_plugins.tools.datasets.command import data_command
from unbraid_plugins.tools.models.command import models_command

HERE = Path(__file__).parent


def test_no_command_starts_reaches_imports_or_writes_elsewhere(tmp_path: Path) -> None:
    faults, outcomes = hostile.attack(tmp_path, "--quick")
    assert faults == []
    assert len(outcomes) == len(hostile.COMMANDS) - len(hostile.LONG)
    assert sum(code == 0 for code, *_ in outcomes.values()) > 35


def test_every_command_is_called_there() -> None:
    """A new command fails here until `hostile.py` calls it."""
    called = {command.split(" ")[0] for command in hostile.COMMANDS}
    assert called == INDEX.keys()
    subcommands = {tuple(command.split(" ")[:2]) for command in hostile.COMMANDS}
    for group in (data_command, models_command):
        assert {(group.name, name) for name in group.commands} <= subcommands


def test_the_watch_would_see_it(tmp_path: Path) -> None:
    """The same hook on calls that do what nothing may."""
    code = ("import sys; sys.path.insert(0, {here!r}); import hostile, os, socket, subprocess, pathlib\n"
            "import unbraid.cli\n"
            "def main(words):\n"
            "    subprocess.run(['true']); socket.socket().close(); pathlib.Path({elsewhere!r}).write_text('x')\n"
            "    os.rename({elsewhere!r}, {elsewhere!r} + '2'); print('\\x1b[31m'); return 0\n"
            "unbraid.cli.main = main\n"
            "print(*hostile.inside(pathlib.Path({folder!r}), ('x',))['seen'], sep='|')\n")
    folder = tmp_path / "folder"
    folder.mkdir()
    text = code.format(here=str(HERE), elsewhere=str(tmp_path / "elsewhere"), folder=str(folder))
    around = {**os.environ, "UNBRAID_CACHE": str(folder), "TMPDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=True,
                          env=around)
    for kind in ("process: subprocess.Popen true", "socket: socket.__new__", "write: open", "write: os.rename"):
        assert kind in done.stdout, done.stdout
    assert "text: x" in done.stdout


def test_compiled_code_is_kept_in_a_folder_of_the_users_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Torch's own default is a name in the temporary folder that others can guess; what lies there is executed."""
    from torch import device

    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "x")
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    monkeypatch.setenv("UNBRAID_CACHE", str(tmp_path))
    monkeypatch.setattr(nn.Module, "compile", lambda self, **how: None)
    monkeypatch.setattr(compiling, "worth_compiling", lambda *_: True)
    small = recipe("train.steps=1")
    data = open_data(small.data)
    compiling.compile_networks(build_method(small, data.facts), device("cpu"))
    data.close()
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "inductor")
