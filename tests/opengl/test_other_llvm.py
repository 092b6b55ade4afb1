"""An OpenGL context beside triton: both bring an LLVM, and which comes first decides (triton >= 3.7)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ORDER = """
import sys
import moderngl
from unbraid_plugins.opengl.raster.gl_context import new_context

order = []
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "triton":
            order.append(name)
sys.meta_path.insert(0, Finder())
moderngl.create_standalone_context = lambda **options: order.append("context")
new_context()
assert order == ["triton", "context"], order
"""
DRAW_THEN_TRAIN = """
import torch
from unbraid_plugins.opengl.hooks import unbraid_doctor
from unbraid_plugins.opengl.raster.gl_context import screen

unbraid_doctor()
screen()
layer = torch.nn.Linear(2, 2)
optimizer = torch.optim.Adam(layer.parameters())
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
try:
    import triton
except ImportError:
    pass
print("trained")
"""


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=120,
                          check=False)


def test_triton_is_imported_before_a_context_is_opened(tmp_path: Path) -> None:
    done = python(ORDER, tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_process_that_drew_can_train(tmp_path: Path) -> None:
    """With triton 3.7 or newer beside a software driver this once ended by SIGSEGV."""
    done = python(DRAW_THEN_TRAIN, tmp_path)
    assert (done.returncode, done.stdout) == (0, "trained\n"), done.stderr
