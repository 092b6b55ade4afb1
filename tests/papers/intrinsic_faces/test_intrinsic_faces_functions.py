"""The functions of a model of intrinsic faces: relighting, swaps of layers, moves along attributes, sheets, ONNX."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from tiny_face_model import write_face_model

import unbraid
from unbraid.model import Model
from unbraid_plugins.papers.intrinsic_faces import traversal
from unbraid_plugins.tools.evaluation import evaluate_model

WIDTHS = tuple(f"networks.{name}.width=4" for name in ("encoder", "paint", "relief", "behind", "cutout", "critic"))
SMALL = (*WIDTHS, "data.batch=4", "data.source.size=16", "data.source.identities=6", "data.source.yaws=[0, 20]",
         "data.source.surroundings=2", "data.source.count=null", "data.source.backend=torch",
         "data.source.colourings=2", "train.steps=3", "train.tensorboard=false", "train.picture_every=1000",
         "train.device=cpu", "data.splits={train: 0.5, test: 0.5}")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder, patch = tmp_path_factory.mktemp("faces"), pytest.MonkeyPatch()
    patch.setenv("UNBRAID_FACE_MODEL", str(write_face_model(folder / "tiny.npz")))
    unbraid.train(unbraid.make_recipe({"base": "intrinsic-faces-small"}, SMALL), folder / "run")
    yield unbraid.load(folder / "run")
    patch.undo()


@pytest.fixture
def images() -> tuple[torch.Tensor, torch.Tensor]:
    dice = torch.Generator().manual_seed(3)
    return tuple(torch.rand(2, 3, 16, 16, generator=dice) for _ in range(2))


def test_swaps_take_one_layer_of_the_other_image(model, images):
    x, y = images
    albedo, normals, light, matte, behind = ([getattr(model, f"{n}_of")(v) for v in images]
                                             for n in ("albedo", "normals", "light", "matte", "background"))
    shine = model.modules["shine"]

    def composed(a: int = 0, n: int = 0, at: int = 0, m: int = 0, b: int = 0) -> torch.Tensor:
        face = (albedo[a] * shine(normals[n], light[at])).clamp(0, 1)
        return matte[m] * face + (1 - matte[m]) * behind[b]

    for found, expected in ((model.decode(model.encode(x)), composed()), (model.swap_albedo(x, y), composed(a=1)),
                            (model.swap_normals(x, y), composed(n=1, m=1)), (model.swap_light(x, y), composed(at=1)),
                            (model.swap_background(x, y), composed(b=1)), (model.relight(x, light[1]), composed(at=1))):
        assert torch.allclose(found, expected, atol=1e-5)
        assert 0 <= found.min() <= found.max() <= 1
    assert torch.allclose(normals[0].norm(dim=1), torch.ones(2, 16, 16), atol=1e-5)


def test_a_brighter_light_makes_a_brighter_face(model, images):
    x, _ = images
    even = torch.zeros(2, 3, 9)
    even[..., 0] = math.sqrt(4 * math.pi)
    face = model.relight(x, even)
    matte = model.matte_of(x)
    assert torch.allclose(face, matte * model.albedo_of(x) + (1 - matte) * model.background_of(x), atol=1e-5)
    assert (model.relight(x, 0.5 * even) <= face + 1e-6).all()


def test_photographs_keep_their_details_under_another_light(model, images):
    x, y = images
    shade, other = (model.modules["shine"](model.normals_of(x), model.light_of(v)) for v in images)
    matte = model.matte_of(x)
    expected = x + matte * ((x * (other + 0.05) / (shade + 0.05)).clamp(0, 1) - x)
    assert torch.allclose(model.relight_photo(x, model.light_of(y)), expected, atol=1e-5)
    assert torch.allclose(model.relight_photo(x, model.light_of(x)), x, atol=1e-5)


def test_moves_along_an_attribute(model, images):
    x, y = images
    walk = traversal(model, x, x, y, strengths=(0, 1))
    assert walk.shape == (2, 2, 3, 16, 16)
    assert torch.allclose(walk[:, 0], model.reconstruct(x), atol=1e-6)
    assert torch.allclose(walk[:, 1], model.move(x, x, y), atol=1e-6)
    assert not torch.allclose(walk[:, 1], walk[:, 0], atol=1e-4)
    assert model.move(x, torch.cat([x, y, y]), y[:1]).shape == x.shape            # sets of other sizes


def test_a_sheet_shows_all_layers(model, images):
    x, _ = images
    sheet = model.decompose(x)
    assert sheet.shape == (2, 3, 16, 7 * 16)
    assert torch.allclose(sheet[..., :16], x)
    assert torch.allclose(sheet[..., 32:48], model.albedo_of(x), atol=1e-6)


def test_evaluation_measures_the_layers(model, tmp_path):
    found = evaluate_model(model, unbraid.data.open_data(model.method.recipe.data), metrics=[
        "normal_angle", "albedo_error", "relight_psnr", "leak_matrix"])
    result = found["arms"]["model"]
    assert 0 < result["normal_angle"]["label"] < result["normal_angle"]["front"] < 90
    assert 0 <= result["albedo_error"]["score"] <= 1
    assert result["relight_psnr"]["unedited"] > 5
    matrix = result["leak_matrix"]
    assert matrix["parts"] == ["albedo", "normals", "light", "background", "matte"]
    assert set(matrix["factors"]) == {"identity", "expression", "yaw", "colouring", "light"}
    assert found["metrics"]["normal_angle"]["better"] == "lower"


def test_functions_are_exported(model, images, tmp_path: Path):
    onnxruntime = pytest.importorskip("onnxruntime")
    from unbraid_plugins.tools import export_function

    x, y = images
    for name, given in (("decompose", (x,)), ("swap_light", (x, y))):
        file = tmp_path / f"{name}.onnx"
        export_function(model, name, file)
        session = onnxruntime.InferenceSession(str(file))
        made = session.run(None, {i.name: v.numpy() for i, v in zip(session.get_inputs(), given, strict=True)})[0]
        assert torch.allclose(torch.from_numpy(made), model(name, *given), atol=1e-4)
