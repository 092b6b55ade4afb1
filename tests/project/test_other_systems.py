"""Windows and macOS: nothing that they lack is imported or called on the way to a trained and loaded model.

This is tried on Linux with what Windows lacks hidden, which is not Windows: locks and paths there are untested.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from house import HOUSE

MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline")
FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_DIRECTORY", "getuid", "geteuid", "killpg", "sched_getaffinity",
         "mkfifo")
HIDE = f"""
import importlib, os, sys
for name in {MODULES}:
    sys.modules[name] = None                       # an import of it fails
import torch, matplotlib.pyplot, scipy.stats, sklearn.svm
for name in {FLAGS}:
    delattr(os, name)
"""
PROGRAM = HIDE + """
import warnings
from unbraid.engine.devices import peak_memory
from tiny_autoencoder import tiny_autoencoder

for name in sys.argv[1:]:
    importlib.import_module(name)
import unbraid

with warnings.catch_warnings(record=True) as told:
    warnings.simplefilter("always")
    run = unbraid.train(tiny_autoencoder("train.steps=2"), "run")
assert any("can't be locked" in str(w.message) for w in told), told
unbraid.train(unbraid.load_recipe(run.recipe_file, ["train.steps=3"]), "run", resume=True)
assert unbraid.load("run").step == 3
assert peak_memory() == 0
"""


def test_every_module_is_imported_and_a_model_trained_without_what_windows_lacks(tmp_path: Path) -> None:
    modules = [m for m in HOUSE.files if not m.endswith("__main__") and ".template" not in m]
    there = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "USERNAME": "somebody"}
    done = subprocess.run([sys.executable, "-P", "-c", PROGRAM, *modules], cwd=tmp_path, env=there, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
