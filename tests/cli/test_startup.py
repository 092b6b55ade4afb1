"""What a newcomer types first is quick: no torch, no matplotlib, no plugin."""

import subprocess
import sys

import pytest

SHOWN = """
import sys
from unbraid.cli import main
code = main(sys.argv[1:])
heavy = [m for m in ("torch", "numpy", "matplotlib", "rich", "unbraid_plugins") if m in sys.modules]
process = sys.modules.get("unbraid_registry.process")
print("loaded:", heavy, "code:", code, "plugins:", bool(process and process._loaded))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], [], ["train", "--help"], ["evaluate", "--help"],
                                       ["demo", "--help"], ["new-plugin", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", SHOWN, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: [] code: 0 plugins: False\n")


def test_help_names_every_command_with_the_summary_of_its_own_help() -> None:
    import click

    from unbraid.cli.program import COMMANDS, program

    context = click.Context(program)
    for group in COMMANDS.values():
        for name, (_, summary) in group.items():
            command = program.get_command(context, name)
            assert command is not None
            assert command.name == name
            assert (command.help or "").splitlines()[0] == summary
