"""A tiny recipe, a run of it, and pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from unbraid.cli import main

TINY = """\
title: A tiny mixing
data:
  source: {type: sprites, size: 16, count: 60}
  draw: {"x1, x2": {}}
  batch: 4
code: {chunk: 2 x 4}
networks:
  encoder:    {type: conv_encoder, width: 4}
  generator:  {type: conv_generator, width: 4}
  critic:     {type: conv_critic, width: 4}
flow:
  f1:   encoder(x1)
  f2:   encoder(x2)
  mask: mixing.random_mask()
  x3:   generator(mix(f1, f2, mask))
players:
  autoencoder:
    trains: [encoder, generator]
    minimizes:
      rebuild: 10 * mse(generator(f2), x2)
      realism: gan.fool(critic(x3))
  critic:
    trains: critic
    minimizes:
      realism: gan.tell_apart(critic(x1), critic(x3))
functions:
  encode(x): encoder(x)
  decode(f): generator(f)
train: {steps: 2, log_every: 1, checkpoint_every: 2, picture_every: 2, tensorboard: false, device: cpu}
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """The file of a tiny recipe."""
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY)
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the tiny recipe, not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "tiny.yaml").write_text(TINY)
    assert main(["train", str(folder / "tiny.yaml"), "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two image files of different size."""
    from PIL import Image

    paths = [tmp_path / "A.png", tmp_path / "B.png"]
    for path, size, colour in zip(paths, ((16, 16), (40, 30)), ("orange", "teal"), strict=True):
        Image.new("RGB", size, colour).save(path)
    return paths
