"""What a newcomer types first is quick: no torch, no matplotlib, no plugin."""

import ast
import subprocess
import sys
from pathlib import Path

import click
import pytest

from unbraid.cli import Session
from unbraid.cli.commands import INDEX
from unbraid.cli.program import program

SHOWN = """
import sys
from unbraid.cli import main
code = main(sys.argv[1:])
heavy = [m for m in ("torch", "numpy", "matplotlib", "rich", "unbraid_plugins") if m in sys.modules]
from unbraid_registry import loaded_so_far
found = loaded_so_far()
plugins = [p.name for p in found.plugins] if found else []
print({"heavy": heavy, "plugins": plugins, "code": code})
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["train", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(arguments) == ([], [])


def test_help_lists_the_commands_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "leaky.py"
    file.write_text("import click\nfrom unbraid import hookimpl\n\n@click.command('leakage')\ndef command():\n"
                    "    \"\"\"Measure it.\"\"\"\n\n@hookimpl\ndef unbraid_commands():\n    return [command]\n")
    done = subprocess.run([sys.executable, "-m", "unbraid", "--plugin", str(file), "--help"], capture_output=True,
                          text=True, check=True)
    assert "leakage" in done.stdout


def test_help_leaves_out_the_commands_of_plugins_that_are_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_PLUGINS_BLOCK", "studies")
    done = subprocess.run([sys.executable, "-m", "unbraid", "--no-plugin", "export", "--no-plugin", "bench", "--help"],
                          capture_output=True, text=True, check=True)
    listed = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    assert listed >= {"train", "evaluate", "new-plugin"}
    assert not listed & {"export", "sweep", "compare", "train-seeds", "bench"}
    assert "Studies:" not in done.stdout


@pytest.mark.parametrize(("command", "plugin"), [(name, plugin) for name, (plugin, _) in INDEX.items() if plugin])
def test_help_of_a_plugins_command_loads_that_plugin_alone(command: str, plugin: str) -> None:
    assert loaded_by([command, "--help"]) == (["unbraid_plugins"], [plugin])


def loaded_by(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The heavy modules, and the plugins, that a command line loads."""
    done = subprocess.run([sys.executable, "-c", SHOWN, *arguments], capture_output=True, text=True, check=True)
    found = ast.literal_eval(done.stdout.splitlines()[-1])
    assert found["code"] == 0
    return found["heavy"], found["plugins"]


def test_the_index_is_what_plugins_contribute() -> None:
    from unbraid_registry import registry

    context = click.Context(program, obj=Session())
    for name, (_, summary) in INDEX.items():
        command = program.get_command(context, name)
        assert command is not None
        assert command.name == name
        assert (command.help or "").splitlines()[0] == summary
    bundled = {p.name for p in registry().plugins if p.bundled}
    contributed = registry().call_by_plugin("unbraid_commands")
    assert {(c.name, plugin) for plugin, commands in contributed.items() if plugin in bundled for c in commands} == {
        (name, plugin) for name, (plugin, _) in INDEX.items() if plugin}
