"""A distribution that knows nothing of us but the public face: built, installed, and trained with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PYPROJECT = """
[build-system]
requires = ["hatchling>=1.27"]
build-backend = "hatchling.build"

[project]
name = "{distribution}"
version = "1.2.3"

[project.entry-points.unbraid]
{plugin} = "{module}"

[tool.hatch.build.targets.wheel]
packages = ["{module}"]
"""

GOOD = '''
"""A loss, an encoder and a recipe of somebody else."""

from pathlib import Path

import attrs
from torch import Tensor, nn

from unbraid import Context, encoder, hookimpl, loss


@loss
def steep(image: Tensor, *, power: float = 2.0) -> Tensor:
    """How steep an image is.  image: (B, C, H, W).  Returns a scalar."""
    return image.diff(dim=-1).abs().pow(power).mean() + image.diff(dim=-2).abs().pow(power).mean()


@encoder
@attrs.frozen(kw_only=True)
class Flat:
    """One linear layer: (B, C, H, W) -> (B, D)."""

    bias: bool = True

    def build(self, context: Context, image: Tensor) -> nn.Module:
        """The module for images of this shape."""
        return nn.Sequential(nn.Flatten(), nn.Linear(image[0].numel(), context.code.size, bias=self.bias))


@hookimpl
def unbraid_components():
    return [steep, Flat]


@hookimpl
def unbraid_recipes():
    return Path(__file__).parent / "recipes"
'''

RECIPE = """
title: Somebody else's method
data:
  source: {type: sprites, size: 8, count: 60}
  batch: 4
code: {z: 6}
networks:
  encoder:   {type: acme.flat, bias: false}
  generator: {type: mlp_generator, hidden: [8]}
flow:
  y: generator(encoder(x))
players:
  all:
    trains: [encoder, generator]
    minimizes:
      rebuild: mse(y, x)
      smooth:  0.1 * acme.steep(y, power=1.5)
functions:
  encode(x): encoder(x)
  decode(z): generator(z)
train: {steps: 3, tensorboard: false}
"""

CLASH = '''
from unbraid import hookimpl


@hookimpl
def unbraid_components():
    return []
'''


def install(site: Path, folder: Path, distribution: str, plugin: str, module: str, code: str,
            recipe: str = "") -> None:
    """Build a distribution's wheel and unpack it into `site`."""
    (folder / module / "recipes").mkdir(parents=True)
    (folder / "pyproject.toml").write_text(PYPROJECT.format(distribution=distribution, plugin=plugin, module=module))
    (folder / module / "__init__.py").write_text(code)
    (folder / module / "recipes" / "method.yaml").write_text(recipe or RECIPE)
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps",
                    "--no-index", "--target", str(site), str(folder)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A place where a good, a broken and two clashing distributions are installed."""
    folder = tmp_path_factory.mktemp("foreign")
    site_ = folder / "site"
    install(site_, folder / "good", "acme-plugin", "acme", "acme_plugin", GOOD)
    install(site_, folder / "broken", "broken-plugin", "broken", "broken_plugin", "raise RuntimeError('not today')")
    install(site_, folder / "one", "first-twin", "twin", "first_twin", CLASH)
    install(site_, folder / "two", "second-twin", "twin", "second_twin", CLASH)
    install(site_, folder / "thief", "thief", "mixing", "thief", CLASH)
    return site_


def unbraid(site: Path, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-m", "unbraid", *arguments], env=environment, cwd=folder, text=True,
                          capture_output=True, timeout=120)


def test_its_loss_encoder_and_recipe_train(site: Path, tmp_path: Path) -> None:
    done = unbraid(site, "train", "acme.method", "--out", "run", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    resolved = (tmp_path / "run" / "recipe.yaml").read_text()
    assert "type: acme.flat" in resolved
    assert "acme.steep" in resolved


def test_a_broken_one_beside_it_costs_one_line(site: Path, tmp_path: Path) -> None:
    done = unbraid(site, "check", "acme.method", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "broken" in line]
    assert len(told) == 1
    assert "not today" in told[0]
    assert "Traceback" not in done.stderr


def test_a_clash_names_both(site: Path) -> None:
    told = unbraid(site, "plugins").stdout + unbraid(site, "plugins").stderr
    assert "first-twin" in told
    assert "second-twin" in told
    assert "thief" in told
    assert "mixing" in told


def test_a_blocked_one_is_not_loaded(site: Path, tmp_path: Path) -> None:
    done = unbraid(site, "--no-plugin", "acme", "check", "acme.method", folder=tmp_path)
    assert done.returncode == 2
    assert "acme" in done.stderr
    assert "Traceback" not in done.stderr


def test_strict_mode_stops_at_the_first_problem(site: Path) -> None:
    done = unbraid(site, "--strict", "--no-plugin", "twin", "--no-plugin", "thief", "list")
    assert done.returncode == 2
    assert "broken" in done.stderr
    assert "Traceback" not in done.stderr
