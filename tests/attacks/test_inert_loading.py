"""Nothing loaded from a file runs code: an audit hook watches good files and files that want to."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import pytest
import torch
from PIL import Image

import unbraid
from unbraid_configs import load_recipe
from unbraid_plugins.opengl.scene.mesh import Mesh
from unbraid_plugins.opengl.scene.mesh_files import write_mesh
from unbraid_plugins.tools.studies import Plan, Study

HERE = Path(__file__).parent


class Bomb:
    """Unpickling it leaves a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


WATCHED = """
import sys, pickle
sys.path.insert(0, {here!r})
import inert
sys.argv = ['inert.py', {folder!r}]
inert.main()
inert.load_all = lambda folder: {{'x': str(pickle.loads(open({careless!r}, 'rb').read()))}}
inert.main()
"""


@attrs.frozen
class Watched:
    """What was seen while files were loaded, by us and by a loader that unpickles one; `ran`: what bombs leave."""

    ours: dict[str, Any]
    careless: dict[str, Any]
    ran: Path


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    place = tmp_path_factory.mktemp("attack")
    bombs = laid_out(place / "files", unbraid.train(load_recipe(HERE / "small.yaml"), place / "run").folder,
                     place / "ran")
    (place / "careless").write_bytes(pickle.dumps(Bomb(place / "careless-ran")))
    code = WATCHED.format(here=str(HERE), folder=str(bombs), careless=str(place / "careless"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    ours, careless = (json.loads(line) for line in done.stdout.splitlines() if line.startswith("{"))
    return Watched(ours, careless, place / "ran")


def laid_out(folder: Path, run: Path, marker: Path) -> Path:
    """A folder of good files of every kind, and of bad ones."""
    folder.mkdir()
    shutil.copytree(run, folder / "run")
    shutil.copytree(sorted((HERE.parent / "engine" / "golden").glob("format-*"))[0], folder / "golden")
    shutil.copy(HERE / "small.yaml", folder / "recipe.yaml")
    Study(folder / "study").begin(Plan.of([str(folder / "recipe.yaml")], ["seed=0..1"]))
    shutil.copytree(folder / "study", folder / "bad-study")
    (folder / "bad-study" / "study.yaml").write_text(f"recipe: !!python/object/apply:os.system ['touch {marker}']\n")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "data.npz", images=pixels, labels=np.arange(4))
    (folder / "pictures").mkdir()
    Image.fromarray(pixels[0]).save(folder / "pictures" / "a.png")
    Image.fromarray(pixels[1]).save(folder / "b.png")
    bomb = Bomb(marker)
    for name, text in {
            "yaml-object": f"title: !!python/object/apply:os.system ['touch {marker}']\n",
            "yaml-new": f"train: !!python/object/new:os.system [touch {marker}]\n",
            "expression": "functions:\n  encode(x): __import__('os').system('touch x')\n",
            "attribute": "functions:\n  encode(x): x.__class__.__mro__\n",
            "lambda": "functions:\n  encode(x): (lambda: 1)()\n",
            "spec": "networks:\n  net: {type: os.system, command: ls}\n",
            "base": "base: ../../../../../../etc/passwd\n"}.items():
        (folder / f"{name}.yaml").write_text(text)
    np.savez(folder / "objects.npz", images=np.asarray([bomb], dtype=object))
    (folder / "pickled.npz").write_bytes(pickle.dumps(bomb))
    (folder / "pickled.png").write_bytes(pickle.dumps(bomb))
    shutil.copytree(run, folder / "torch")
    weights = max((folder / "torch" / "checkpoints").iterdir()) / "networks.safetensors"
    torch.save({"encoder": bomb}, weights)
    shutil.copytree(run, folder / "pickle")
    (max((folder / "pickle" / "checkpoints").iterdir()) / "state.json").write_bytes(pickle.dumps(bomb))
    shutil.copytree(run, folder / "record")
    (folder / "record" / "run.json").write_bytes(pickle.dumps(bomb))
    lay_out_meshes(folder, bomb)
    return folder


def lay_out_meshes(folder: Path, bomb: Bomb) -> None:
    """A good mesh of every format; textures that another program would decode, that are far away, that are code."""
    square = Mesh.of(torch.tensor([[[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]]), torch.tensor([[0, 1, 2]]),
                     uv=torch.rand(1, 3, 2), texture=torch.rand(1, 3, 4, 4))
    write_mesh(folder / "mesh.obj", square)
    write_mesh(folder / "mesh.glb", square)
    write_mesh(folder / "mesh.ply", Mesh(square.vertices, square.topology))
    Image.new("RGB", (4, 4)).save(folder / "program.bin", format="EPS")
    (folder / "code.bin").write_bytes(pickle.dumps(bomb))
    for name, picture in {"program": "program.bin", "network": "http://localhost:9/a.png", "password": "/etc/passwd",
                          "code": "code.bin"}.items():
        (folder / f"{name}.mtl").write_text(f"newmtl m\nmap_Kd {picture}\n")
        (folder / f"{name}.obj").write_text(f"mtllib {name}.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl m\n"
                                            "f 1/1 2/1 3/1\n")
    (folder / "pickled.glb").write_bytes(pickle.dumps(bomb))


def test_loading_reads_and_nothing_else(watched: Watched) -> None:
    assert watched.ours["seen"] == []
    assert not watched.ran.exists()


def test_files_that_want_to_run_code_are_refused(watched: Watched) -> None:
    outcomes = watched.ours["outcomes"]
    assert len(outcomes) == 30
    assert {name for name, outcome in outcomes.items() if outcome == "loaded"} == {
        "run", "golden", "study", "recipe.yaml", "data.npz", "pictures", "b.png", "mesh.obj", "mesh.glb", "mesh.ply",
        "mesh.png"}
    assert "never loaded" in outcomes["objects.npz"] or "objects" in outcomes["objects.npz"]


def test_the_hook_would_see_it(watched: Watched) -> None:
    """The same watch on a loader that does unpickle."""
    seen = watched.careless["seen"]
    assert any(event.startswith("pickle.find_class") for event in seen)
    assert any(event.startswith("os.system") for event in seen)
