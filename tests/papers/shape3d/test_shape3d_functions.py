"""What a model of shape3d offers: views, swaps of surface, texture and background, meshes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

import unbraid
from unbraid.model import Model
from unbraid_plugins.opengl.scene.mesh_files import read_mesh
from unbraid_plugins.opengl.viewing.model_meshes import export_mesh

NARROW = (*(f"networks.{name}.width=3" for name in ("generator", "critic", "encoder")), "networks.generator.points=9",
          "networks.generator.form=ball", "data.batch=4", "data.source.size=16", "train.steps=4",
          "players.critic.until_step=2", "players.generator.until_step=2", "players.encoder.from_step=2",
          "train.tensorboard=false", "train.picture_every=1000", "train.device=cpu")
AHEAD, ASIDE = torch.tensor([[0.0, 0.0]]), torch.tensor([[0.6, 0.2]])


@pytest.fixture(scope="module")
def model(source: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("shape3d")
    unbraid.train(unbraid.make_recipe({"base": "shape3d-small", "data": {"source": source}}, NARROW), folder / "run")
    model = unbraid.load(folder / "run")
    with torch.no_grad():                          # as different as after many steps
        for name in ("shape", "texture", "background"):
            getattr(model.modules["generator"], name).last.weight.normal_(generator=torch.Generator().manual_seed(1))
    return model


@pytest.fixture
def images() -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(3)
    return tuple(torch.rand(1, 3, 16, 16, generator=dice) for _ in range(2))


def angles_of(direction: torch.Tensor) -> torch.Tensor:
    x, y, z = direction.unbind(1)
    return torch.stack([torch.atan2(x, z), torch.atan2(y, (x**2 + z**2).sqrt())], 1)


def different(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool((a - b).abs().mean() > 1e-3)


def test_views(model, images):
    x, _ = images
    own = angles_of(model.modules["encoder"](x)[:, 128:])
    assert torch.allclose(model.novel_view(x, own), model.decode(model.encode(x)), atol=1e-5)
    assert different(model.novel_view(x, AHEAD), model.novel_view(x, ASIDE))
    z = torch.randn(1, 128)
    assert torch.equal(model.look(z, AHEAD), model.look(z, AHEAD))
    assert different(model.look(z, AHEAD), model.look(z, ASIDE))
    assert model.sample(3).shape == (3, 3, 16, 16)


def test_the_background_moves_with_the_camera_and_a_still_one_does_not(model):
    """Seen beside the object, in the corners of the image."""
    z = torch.randn(1, 128)
    options = model.modules["render"].options
    corners = [model.look(z, v)[..., :2, :2] for v in (AHEAD, ASIDE)]
    assert different(*corners)
    still = type(options)(field_of_view=options.field_of_view)
    generator, render = model.modules["generator"], model.modules["render"]
    scene = generator(z)
    mesh = model.solid(z)
    render.options = still
    try:
        corners = [render(mesh, v, scene.background[..., :16, :16])[..., :2, :2] for v in (AHEAD, ASIDE)]
    finally:
        render.options = options
    assert not different(*corners)


@pytest.mark.parametrize("part", ["surface", "texture", "background"])
def test_one_part_is_exchanged_and_the_others_stay(model, images, part):
    x, y = images
    swapped = model(f"swap_{part}", x, y)
    assert torch.equal(model(f"swap_{part}", x, x), model.decode(model.encode(x)))
    assert different(swapped, model.decode(model.encode(x)))
    parts = {name: model(f"{name}_of", y if name == part else x) for name in ("surface", "texture", "background")}
    view = angles_of(model.encode(x).view.tensor)
    by_hand = model("picture", parts["surface"], parts["texture"], parts["background"], view)
    assert torch.allclose(swapped, by_hand, atol=1e-5)


def test_the_view_is_a_factor_that_edits_know(model, images):
    f, g = (model.encode(x) for x in images)
    turned = unbraid.values.code.swap(f, g, "view")
    assert torch.equal(turned.object.tensor, f.object.tensor)
    assert torch.allclose(model.decode(turned), model.novel_view(images[0], angles_of(g.view.tensor)), atol=1e-5)


@pytest.mark.parametrize("kind", ["obj", "glb"])
def test_meshes_go_to_files(model, images, tmp_path: Path, kind):
    mesh = model.mesh_of(images[0])
    again = read_mesh(export_mesh(model, tmp_path / f"object.{kind}", images[0]))
    assert again.faces.shape == mesh.faces.shape == (128, 3)
    was, read = (m.vertices[0][m.faces].reshape(-1, 3).sort(0).values for m in (mesh, again))
    assert torch.allclose(was, read, atol=1e-4)
    assert torch.allclose(again.texture, mesh.texture, atol=1 / 255)


def test_meshes_of_noise_go_to_files(model, images, tmp_path: Path):
    first, again, other = (read_mesh(export_mesh(model, tmp_path / f"{seed}.glb", seed=seed)) for seed in (0, 0, 1))
    assert torch.equal(first.vertices, again.vertices)
    assert different(first.vertices, other.vertices)
    with pytest.raises(unbraid.UnbraidError, match=r"encode\(x\) gives a Code, not a mesh"):
        export_mesh(model, tmp_path / "code.glb", images[0], function="encode")
    assert not (tmp_path / "code.glb").exists()
