"""Nothing loaded from a file runs code: an audit hook watches good files and files that want to."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import unbraid
from unbraid_configs import load_recipe

HERE = Path(__file__).parent


class Bomb:
    """Unpickling it leaves a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unbraid.train(load_recipe(HERE / "small.yaml"), tmp_path_factory.mktemp("attack") / "run").folder


def watched(folder: Path) -> dict[str, object]:
    done = subprocess.run([sys.executable, HERE / "inert.py", folder], capture_output=True, text=True, timeout=120,
                          check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def whole(folder: Path, run: Path) -> Path:
    """A folder of good files of every kind."""
    folder.mkdir()
    shutil.copytree(run, folder / "run")
    shutil.copy(HERE / "small.yaml", folder / "recipe.yaml")
    pixels = np.random.default_rng(0).integers(0, 255, (4, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "data.npz", images=pixels, labels=np.arange(4))
    (folder / "pictures").mkdir()
    Image.fromarray(pixels[0]).save(folder / "pictures" / "a.png")
    Image.fromarray(pixels[1]).save(folder / "b.png")
    return folder


def test_loading_reads_and_nothing_else(tmp_path: Path, run: Path) -> None:
    found = watched(whole(tmp_path / "files", run))
    assert found["seen"] == []
    assert found["outcomes"] == dict.fromkeys(("run", "recipe.yaml", "data.npz", "pictures", "b.png"), "loaded")


def test_files_that_want_to_run_code_are_refused_and_do_not(tmp_path: Path, run: Path) -> None:
    folder, marker = whole(tmp_path / "files", run), tmp_path / "ran"
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
    found = watched(folder)
    assert found["seen"] == []
    assert not marker.exists()
    good = {"run", "recipe.yaml", "data.npz", "pictures", "b.png"}
    assert {name for name, outcome in found["outcomes"].items() if outcome == "loaded"} == good
    assert "never loaded" in found["outcomes"]["objects.npz"] or "objects" in found["outcomes"]["objects.npz"]


def test_the_hook_would_see_it(tmp_path: Path) -> None:
    """The same watch on a loader that does unpickle."""
    code = f"""
import sys, pickle; sys.argv = ['inert.py', {str(tmp_path)!r}]; sys.path.insert(0, {str(HERE)!r})
import inert
inert.load_all = lambda folder: {{'x': str(pickle.loads(open({str(tmp_path / 'x')!r}, 'rb').read()))}}
inert.main()
"""
    (tmp_path / "x").write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    seen = json.loads(done.stdout.splitlines()[-1])["seen"]
    assert any(event.startswith("pickle.find_class") for event in seen)
    assert any(event.startswith("os.system") for event in seen)


def test_nothing_unpickles() -> None:
    """Neither pickle nor torch.load nor eval occurs in what is installed."""
    root = HERE.parents[1]
    files = [p for folder in ("core", "plugins", "registry", "configs") for p in (root / folder).rglob("*.py")]
    assert len(files) > 200
    words = ("pickle.load", "torch.load(", "allow_pickle=True", "import pickle", "marshal.", " eval(", " exec(",
             "os.system", "shell=True")
    found = [f"{p.relative_to(root)}: {w}" for p in files for w in words if w in p.read_text(encoding="utf-8")]
    assert found == []
