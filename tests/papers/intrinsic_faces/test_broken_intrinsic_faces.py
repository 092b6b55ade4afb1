"""Broken variants show in the measures: harmonics in another order, a detached renderer, a brightness nothing fixes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from by_hand import players_of
from tiny_face_model import LOOKS, write_face_model

from unbraid import UnbraidError, make_recipe
from unbraid_plugins.opengl.faces import MorphableFaces
from unbraid_plugins.opengl.image_renderers import Shading
from unbraid_plugins.shared.metrics import albedo_error, normal_angle, relight_psnr

NARROW = (*(f"networks.{name}.width=4" for name in ("encoder", "paint", "relief", "behind", "cutout", "critic")),
          "data.batch=4", "data.split_by=null", "data.source.size=16", "data.source.identities=2",
          "data.source.yaws=[0]", "data.source.surroundings=2", "data.source.count=null", "data.source.backend=torch")
DETACHED = "flow.shading=detach(shine(normals, light))"
UNTOLD = "players.autoencoder.minimizes.light=null"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(write_face_model(tmp_path_factory.mktemp("model") / "tiny.npz"))


@pytest.fixture(autouse=True)
def variable(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNBRAID_FACE_MODEL", model)


def test_harmonics_in_another_order_relight_no_better_than_no_edit(model: str) -> None:
    """The true layers of a face, under the light of another image of it."""
    images = MorphableFaces(path=model, identities=3, expressions=LOOKS, yaws=(0,), lamps=(), surroundings=4, size=24,
                            backend="torch").open()
    field = {n: images.fields[n].values for n in ("albedo", "normals", "mask", "harmonics", "light")}
    pixels = images.images / 255
    albedo, normals = field["albedo"] / 255, torch.from_numpy(2.0 * field["normals"] / 255 - 1).float()
    order = np.arange(len(pixels)).reshape(-1, 4)
    other = np.roll(order, 1, axis=1).reshape(-1)                        # the same head under the next light
    light = torch.from_numpy(field["harmonics"][other])
    mean = torch.from_numpy(field["harmonics"].mean(0, keepdims=True)).expand(len(pixels), -1, -1)

    def made(light: torch.Tensor) -> np.ndarray:
        return (albedo * Shading()(normals, light).numpy()).clip(0, 1)

    found, broken = (relight_psnr(made(v), pixels[other], pixels, made(mean), field["mask"] / 255)
                     for v in (light, light[..., [0, 3, 2, 1, 5, 4, 6, 7, 8]]))
    assert found.score > 24
    assert found.gain > 4
    assert broken.score < found.score - 6
    assert broken.gain < 1


def test_a_renderer_without_gradients_leaves_the_light_to_its_label() -> None:
    """Without the label too, no loss reaches the light, and the recipe is refused."""
    whole, detached = (players_of({"base": "intrinsic-faces-small"}, *NARROW, *changes)
                       for changes in ((UNTOLD,), (DETACHED,)))
    for players in (whole, detached):
        before = {n: [p.detach().clone() for p in players.method.modules[n].parameters()] for n in ("lamp", "relief")}
        players.step(0)
        moved = {n: max(float((a - b).detach().abs().max()) for a, b in zip(old, players.method.modules[n].parameters(),
                                                                  strict=True)) for n, old in before.items()}
        assert all(v > 0 for v in moved.values())
    with pytest.raises(UnbraidError, match="lamp"):
        players_of({"base": "intrinsic-faces-small"}, *NARROW, DETACHED, UNTOLD)


def test_brightness_is_free_where_nothing_fixes_it_and_the_measure_of_albedo_says_so() -> None:
    truth = np.random.default_rng(0).uniform(0.2, 0.8, (4, 3, 8, 8))
    gains = np.array([0.5, 0.8, 1.0, 1.2])[:, None, None, None]
    assert albedo_error(truth * gains, truth).score == pytest.approx(0, abs=1e-12)
    assert albedo_error(truth * gains, truth).spread > 0.2


def test_normals_that_face_the_camera_are_the_floor(model: str) -> None:
    images = MorphableFaces(path=model, identities=2, expressions=LOOKS, yaws=(0, 30), lamps=(), surroundings=1,
                            size=24, rough=10.0, backend="torch").open()
    true, coarse = (2.0 * images.fields[n].values / 255 - 1 for n in ("normals", "rough_normals"))
    found = normal_angle(np.zeros_like(true) + np.array([0, 0, 1])[:, None, None], true,
                         images.fields["mask"].values / 255, np.round(coarse, 2))
    assert found.score == pytest.approx(found.front)
    assert found.label < found.ball < found.front
    assert make_recipe({"base": "intrinsic-faces-small"}).watch
