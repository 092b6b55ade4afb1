"""Faces of a morphable model: images, fields, announcements, the cache; and faces turned to another yaw."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import ClassVar

import attrs
import numpy as np
import pytest
import torch
from tiny_face_model import LOOKS, write_face_model
from torch.nn import functional

from unbraid import DataError, UnbraidError, make_recipe
from unbraid.data import open_data
from unbraid.testing import RendererSuite, SourceSuite
from unbraid.testing.samples import small_context
from unbraid_plugins.opengl.faces import FaceTurner, MorphableFaces, read_model, turned
from unbraid_plugins.opengl.faces.drawing import layers, smaller
from unbraid_plugins.opengl.faces.looks import surroundings
from unbraid_plugins.opengl.faces.model import camera, posed
from unbraid_plugins.opengl.scene.light import DirectionalLight, HarmonicLight

SHARED = Path(os.environ.get("UNBRAID_SHARED", "../shared")) / "data" / "faces" / "ict_face_basis.npz"
FEW = {"identities": 2, "expressions": LOOKS, "yaws": (-30, 0, 30), "size": 24, "backend": "torch"}


@pytest.fixture(scope="module", autouse=True)
def kept(tmp_path_factory):
    """A cache of the tests' own."""
    patch = pytest.MonkeyPatch()
    patch.setenv("UNBRAID_CACHE", str(tmp_path_factory.mktemp("cache")))
    yield
    patch.undo()


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> str:
    return str(write_face_model(tmp_path_factory.mktemp("model") / "tiny.npz"))


@pytest.fixture(scope="module")
def images(model):
    return MorphableFaces(path=model, surroundings=1, rough=10.0, **FEW).open()


def values(images, name):
    return images.fields[name].values


def vectors(pictures):
    return 2.0 * pictures.astype(np.float64) / 255 - 1


class TestMorphableFaces(SourceSuite):
    component = MorphableFaces
    options: ClassVar = {**FEW, "path": "", "yaws": (0, 40), "lamps": ((0, 0.3, 1),)}

    def make(self, folder):
        return MorphableFaces(**{**self.options, "path": str(write_face_model(folder / "tiny.npz"))})


def test_every_combination_is_there_once_with_all_its_fields(images):
    assert images.shape == (3, 24, 24)
    rows = np.stack([values(images, f) for f in ("identity", "expression", "yaw", "pitch", "light")], 1)
    assert len(images) == len(np.unique(rows, axis=0)) == 2 * 2 * 3 * 4
    assert images.fields["yaw"].names == ("-30", "+0", "+30")
    assert images.fields["light"].names == ("lamp 0", "lamp 1", "lamp 2", "surroundings 0")
    assert np.allclose(np.degrees(values(images, "view")[:, 0]), np.array([-30, 0, 30])[rows[:, 2]], atol=1e-4)
    assert values(images, "coefficients").shape == (48, 12)
    assert np.allclose(values(images, "coefficients")[rows[:, 1] == 1, 3:6], [1, 1, 0])      # smile: both of its halves


def test_images_are_albedo_times_the_shading_of_their_light(images):
    """Inside, where no pixel is a mean over an outline."""
    inside = (values(images, "mask") == 255) & (functional.avg_pool2d(torch.from_numpy(
        values(images, "mask")).float(), 3, 1, 1).numpy() > 254)
    normals = vectors(values(images, "normals"))
    assert np.allclose(np.linalg.norm(normals, axis=1)[inside[:, 0]], 1, atol=0.02)
    light = HarmonicLight(torch.from_numpy(values(images, "harmonics")))
    n, _, h, w = normals.shape
    flat = torch.from_numpy(normals).float().permute(0, 2, 3, 1).reshape(-1, 3)
    white = light.shading(flat, torch.arange(n).repeat_interleave(h * w)).reshape(n, h, w, 3).permute(0, 3, 1, 2)
    made = (values(images, "albedo") / 255 * white.numpy()).clip(0, 1)
    off = np.abs(made - images.images / 255)
    soft = values(images, "light") == 3
    assert off[soft][np.repeat(inside[soft], 3, 1)].mean() < 0.02                      # the light is these harmonics
    assert off[~soft][np.repeat(inside[~soft], 3, 1)].mean() < 0.05                          # a lamp is nearly its own
    wrong = light.harmonics.flip(0)
    other = HarmonicLight(wrong).shading(flat, torch.arange(n).repeat_interleave(h * w)).reshape(n, h, w, 3)
    worse = np.abs((values(images, "albedo") / 255 * other.permute(0, 3, 1, 2).numpy()).clip(0, 1)
                   - images.images / 255)
    assert worse[soft][np.repeat(inside[soft], 3, 1)].mean() > 0.06


def test_a_positive_yaw_turns_the_face_to_the_right_and_a_positive_pitch_down():
    nose = torch.tensor([[[0.0, 0.0, 1.0]]])
    right, down = (posed(nose, torch.tensor([v]))[0, 0] for v in ((0.5, 0.0), (0.0, 0.5)))
    assert torch.allclose(right, torch.tensor([math.sin(0.5), 0, math.cos(0.5)]))
    assert torch.allclose(down, torch.tensor([0.0, -math.sin(0.5), math.cos(0.5)]))


def test_landmarks_lie_where_the_camera_sees_them_and_those_behind_are_hidden(images, model):
    face, row = read_model(model), int(np.flatnonzero(values(images, "yaw") == 2)[0])
    coefficients, view = (torch.from_numpy(values(images, n)[row:row + 1]) for n in ("coefficients", "view"))
    points = posed(face.shape(coefficients), view)
    clip = camera().projected(points[:, face.landmarks])[0]
    place = 0.5 + 0.5 * clip[:, :2] / clip[:, 3:] * torch.tensor([1.0, -1.0])
    assert np.allclose(values(images, "landmarks")[row], place, atol=1e-5)
    seen = values(images, "visible")
    assert set(np.unique(seen)) <= {0.0, 1.0}
    ahead, aside = (seen[values(images, "yaw") == i].mean() for i in (1, 0))
    assert ahead > 0.95
    assert aside < ahead
    side = torch.from_numpy(values(images, "landmarks"))[values(images, "yaw") == 2]
    hidden = side[torch.from_numpy(seen[values(images, "yaw") == 2]) == 0]
    assert hidden[:, 0].mean() > side[..., 0].mean()                      # to the right: the right side is hidden


def test_a_coarse_fit_is_off_by_about_what_is_asked_for(images):
    true, fit = (vectors(values(images, n)) for n in ("normals", "rough_normals"))
    both = (np.linalg.norm(true, axis=1) > 0.9) & (np.linalg.norm(fit, axis=1) > 0.9)
    angle = np.degrees(np.arccos(np.clip((true * fit).sum(1), -1, 1)))[both].mean()
    assert 4 < angle < 25
    light, found = (values(images, n).reshape(48, -1) for n in ("harmonics", "rough_harmonics"))
    off = np.linalg.norm(found - light, axis=1) / np.linalg.norm(light, axis=1)
    assert 0.1 < off.mean() < 0.3
    assert len(np.unique(found, axis=0)) == 48                            # every image has an error of its own


def test_another_seed_has_nobody_in_common_and_the_same_seed_is_a_prefix(model):
    one, more, others = (MorphableFaces(path=model, layers=False, **{**FEW, **change}).open() for change in (
        {}, {"identities": 3}, {"seed": 1}))
    assert np.array_equal(one.images, more.images[:len(one)])
    shapes = [np.unique(values(i, "coefficients")[:, :3], axis=0) for i in (one, others)]
    assert np.abs(shapes[0][:, None] - shapes[1]).max(2).min() > 0.05
    assert "albedo" not in one.fields


def test_colourings_are_a_factor_of_their_own(model):
    found = MorphableFaces(path=model, colourings=2, **{**FEW, "yaws": (0,), "lamps": ((0, 0.3, 1),)}).open()
    assert len(found) == 2 * 2 * 2
    person, worn, albedo = values(found, "identity"), values(found, "colouring"), values(found, "albedo").astype(float)
    inside = values(found, "mask") == 255
    mean = np.stack([(a * m).sum((1, 2)) / m.sum() for a, m in zip(albedo, inside, strict=True)])
    between = [np.abs(mean[(worn == c) & (person == 0)].mean(0) - mean[(worn == d) & (person == 1)].mean(0)).max()
               for c, d in ((0, 0), (0, 1))]
    assert between[0] < 8
    assert between[1] > 2 * between[0]


def test_kept_images_are_not_drawn_again(model, monkeypatch):
    source = MorphableFaces(path=model, **{**FEW, "identities": 1})
    first = source.open()
    monkeypatch.setattr("unbraid_plugins.opengl.faces.drawing.layers", None)                # nothing can be drawn now
    assert np.array_equal(source.open().images, first.images)
    with pytest.raises(TypeError):
        attrs.evolve(source, zoom=1.5).open()


def test_memory_and_time_are_told_before_long_drawings(model, monkeypatch, capsys):
    monkeypatch.setattr("unbraid_plugins.opengl.faces.source.SLOW", 0.0)
    MorphableFaces(path=model, **{**FEW, "identities": 5, "yaws": (-20, 0, 20)}).open()
    said = capsys.readouterr().err
    assert "draws 90 images of 24 x 24 from 30 heads: 0 MiB, about" in said
    assert "kept in" in said


def test_mistakes_are_told_with_the_remedy(model, tmp_path):
    for changes, said in (({"identity": None}, "has no identity"), ({"identity": np.zeros((3, 5, 3))}, "expected"),
                          ({"triangles": np.full((4, 3), 4000)}, "whole numbers in 0"),
                          ({"neutral": np.full((100, 3), np.nan, np.float32)}, "finite"),
                          ({"neutral": np.zeros((100, 3), np.float32)}, "no height")):
        with pytest.raises(DataError, match=said):
            MorphableFaces(path=str(write_face_model(tmp_path / "bad.npz", **changes)), **FEW).open()
    with pytest.raises(DataError, match="no mode of expression 'grin'") as error:
        MorphableFaces(path=model, **{**FEW, "expressions": {"grin": {"grin": 1.0}}}).open()
    assert "mouthSmile_L" in str(error.value.hint)
    with pytest.raises(DataError, match=r"GiB, more than 1e-05 GiB"):
        MorphableFaces(path=model, limit=1e-5, **FEW).open()
    with pytest.raises(DataError, match=r"10,000,000,000 combinations"):
        MorphableFaces(path=model, identities=10**10, expressions={"neutral": {}}, yaws=(0,), lamps=((0, 0, 1),)).open()
    with pytest.raises(ValueError, match="there is no light"):
        MorphableFaces(path=model, lamps=())
    with pytest.raises(ValueError, match="within -90"):
        MorphableFaces(path=model, yaws=(120,))


def test_a_recipe_draws_from_it(model):
    recipe = make_recipe({
        "title": "Faces", "data": {"source": {"type": "morphable_faces", "path": model, "identities": 2, "size": 16,
                                              "yaws": [0, 30], "expressions": {"neutral": {}}, "backend": "torch"},
                                   "draw": {"x1": {}, "x2": {"same": "identity", "as": "x1"}}, "batch": 4},
        "networks": {"judge": {"type": "mlp_critic"}}, "players": {
            "judge": {"trains": "judge", "minimizes": {"apart": "mse(judge(x1), judge(x2))"}}}})
    batch = open_data(recipe.data).batch(0, 0, frozenset([("x1", "mask"), ("x1", "harmonics"), ("x1", "identity"),
                                                          ("x2", "identity")]))
    assert batch["x1", "mask"].shape == (4, 1, 16, 16)
    assert batch["x1", "harmonics"].shape == (4, 3, 9)
    assert torch.equal(batch["x1", "identity"].index, batch["x2", "identity"].index)


# -- lights -----------------------------------------------------------------------------------------------------------


def test_a_lamps_harmonics_are_its_projection():
    """Against a sum over many directions of the light that comes from each."""
    direction = functional.normalize(torch.tensor([[0.4, -0.3, 0.8]], dtype=torch.float64))
    lamp = DirectionalLight(direction, torch.tensor([[0.5, 1.0, 2.0]]).double(),
                            torch.tensor([[0.2, 0.2, 0.1]]).double())
    dice = torch.Generator().manual_seed(0)
    normals = functional.normalize(torch.randn(100_000, 3, generator=dice, dtype=torch.float64), dim=1)
    sample = torch.zeros(len(normals), dtype=torch.long)
    seen, nearly = lamp.shading(normals, sample), lamp.as_harmonics().shading(normals, sample)
    assert (seen - nearly).abs().max() < 0.1 * 2.0
    alone = HarmonicLight(torch.eye(9, dtype=torch.float64)[:, None] + 10 * torch.eye(9)[0].double())
    bases = torch.stack([alone.shading(normals, sample + i)[:, 0] for i in range(9)], 1) - 10 * 0.28209479177387814
    ours, theirs = (torch.einsum("nc,nk->ck", s, bases) / len(normals) for s in (nearly, seen))
    assert torch.allclose(ours, theirs, atol=5e-3)                       # the least squares of the shading itself


def test_surroundings_light_a_head_to_three_quarters():
    for number in range(5):
        light = surroundings(0, number)
        normals = functional.normalize(torch.randn(4000, 3, generator=torch.Generator().manual_seed(1)), dim=1)
        normals[:, 2].abs_()
        assert light.shading(normals, torch.zeros(4000, dtype=torch.long)).mean() == pytest.approx(0.75, abs=0.05)
    assert not torch.equal(surroundings(0, 0).harmonics, surroundings(0, 1).harmonics)


# -- turning ----------------------------------------------------------------------------------------------------------


def faces_at(images, yaw):
    rows = np.flatnonzero((values(images, "yaw") == yaw) & (values(images, "light") == 3))
    fields = (torch.from_numpy(values(images, n)[rows]) for n in ("coefficients", "view"))
    return torch.from_numpy(images.images[rows]).float() / 255, *fields


def test_a_turned_face_looks_like_the_one_that_was_drawn_there(tmp_path):
    """Colours are those of the mirror image on the other half, as on faces."""
    face = read_model(str(write_face_model(tmp_path / "fine.npz", rings=25, around=40)))
    x, y, z = face.mean.unbind(1)
    colours = 0.5 + 0.4 * torch.stack([(6 * x.abs()).sin(), (7 * y).sin(), (6 * z + x.abs()).cos()], 1)[None]
    coefficients, dark = torch.tensor([[0.5, -0.5, 1, 0.3, 0.3, *[0] * 7]]), torch.zeros(1, 3)

    def drawn(yaw: float) -> torch.Tensor:
        seen = layers(face, coefficients, torch.tensor([[yaw, 0.2]]), colours, 64, 1.0, "torch")
        return smaller(seen.albedo)

    ahead = drawn(0.1)
    for yaw in (0.1, -0.5, 0.7):
        truth = drawn(yaw)
        made, mask = turned(face, ahead, coefficients, torch.tensor([[0.1, 0.2]]), torch.tensor([yaw]),
                            background=dark, backend="torch")
        off, unturned, mirrored = ((a - truth).abs().mean() for a in (made, ahead, made.flip(3)))
        assert off < 0.03
        assert yaw == 0.1 or off < 0.4 * min(unturned, mirrored)
        assert mask.shape == (1, 1, 64, 64)


def test_the_ground_leaves_no_dark_patches_on_a_turned_face(tmp_path):
    """A face of one bright colour in an image of 32 pixels, whose outline is mixed with a black ground."""
    face = read_model(str(write_face_model(tmp_path / "fine.npz", rings=25, around=40)))
    coefficients, colours = torch.zeros(1, 12), torch.full((1, len(face.mean), 3), 0.8)
    seen = layers(face, coefficients, torch.zeros(1, 2), colours, 32, 1.0, "torch")
    for yaw in (0.5, 1.0):
        made, mask = turned(face, smaller(seen.albedo), coefficients, torch.zeros(1, 2), torch.tensor([yaw]),
                            background=torch.zeros(1, 3), backend="torch")
        assert (mask > 0.999).sum() > 100
        assert made[(mask > 0.999).expand_as(made)].min() > 0.7


def test_turned_faces_have_gradients_to_the_image(images, model):
    x, coefficients, view = faces_at(images, 1)
    x = x.requires_grad_()
    turned(read_model(model), x, coefficients, view, torch.full((4,), 0.4), backend="torch")[0].sum().backward()
    assert x.grad.isfinite().all()
    assert (x.grad != 0).float().mean() > 0.2


class TestFaceTurner(RendererSuite):
    component = FaceTurner
    constant = (1, 2, 3)

    @pytest.fixture(autouse=True)
    def file(self, model):
        type(self).options = {"path": model, "backend": "torch"}

    def inputs(self):
        dice = torch.Generator().manual_seed(0)
        return (torch.rand(4, *self.context().image, generator=dice), 0.3 * torch.rand(4, 12, generator=dice),
                torch.zeros(4, 2), torch.linspace(-0.5, 0.5, 4))


def test_a_turner_says_what_it_takes(model):
    with pytest.raises(UnbraidError, match="called with 2 values"):
        FaceTurner(path=model).build(small_context(), torch.empty(2, 3, 16, 16), torch.empty(2, 12))


# -- the real model ---------------------------------------------------------------------------------------------------


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.exists(), reason="no shared data")
def test_faces_of_the_real_model():
    found = MorphableFaces(path=str(SHARED), identities=1, yaws=(0, 60), lamps=((0, 0.3, 1),), size=32).open()
    assert len(found) == 8
    mask, visible = values(found, "mask") > 128, values(found, "visible")
    assert 0.25 < mask.mean() < 0.6
    assert visible[values(found, "yaw") == 0].mean() > 0.9
    assert visible[values(found, "yaw") == 1].mean() < 0.8
    skin = found.images.astype(float).transpose(0, 2, 3, 1)[mask[:, 0]].mean(0)
    assert skin[0] > skin[2]                                              # skin is more red than blue
