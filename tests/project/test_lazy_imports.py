"""What is quick stays quick: `import unbraid` and `--help` load no numerical library or plugin, a list no compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "torch._dynamo", "torchvision", "numpy", "sklearn", "matplotlib", "tensorboardX", "moderngl",
         "trimesh", "unbraid_plugins")


def loaded_by(code: str) -> list[str]:
    """The heavy modules that a fresh Python has loaded after running the code."""
    script = f"{code}\nimport sys\nprint('LOADED', *(m for m in {HEAVY!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.rpartition("LOADED")[2].split()


def test_import_unbraid():
    assert loaded_by("import unbraid; unbraid.loss; unbraid.hookimpl; unbraid.load_recipe; unbraid.Recipe") == []


def test_that_the_probe_can_fail():
    assert "torch" in loaded_by("import unbraid; unbraid.Code")


def loaded_by_command(*arguments: str) -> list[str]:
    return loaded_by(f"""
from unbraid.cli import main
import sys
sys.argv = ["unbraid", *{arguments!r}]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
""")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["train", "--help"]], ids=" ".join)
def test_help(arguments):
    assert loaded_by_command(*arguments) == []


def test_a_list_of_all_components():
    loaded = loaded_by_command("list")
    assert "unbraid_plugins" in loaded
    assert not {"torch._dynamo", "sklearn", "matplotlib", "tensorboardX"} & {*loaded}


def test_pytest_in_a_foreign_project_loads_nothing_of_ours():
    code = """
import sys, tempfile, pytest
with tempfile.TemporaryDirectory() as folder:
    pytest.main(["-q", "-p", "no:cacheprovider", "--rootdir", folder, folder])
assert not any(m.partition(".")[0].startswith("unbraid") for m in sys.modules), "unbraid was imported"
"""
    assert "torch" not in loaded_by(code)
