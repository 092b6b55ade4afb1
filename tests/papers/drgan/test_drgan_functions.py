"""A trained DR-GAN: rotations, edits, fused sets, export; and games in which it ignores its pose code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PEOPLE, SIZE, YAWS, drawn

import unbraid
from unbraid import Code, Label, Set
from unbraid.model import Model
from unbraid.values import map_tensors
from unbraid_configs import make_recipe
from unbraid_plugins.tools.evaluation import evaluate
from unbraid_plugins.tools.export import export_function

NARROW = {name: {"width": 2, "layers": 1} for name in ("encoder", "generator", "critic")}
PERCEPTRONS = {"encoder": {"type": "mlp_encoder", "code": "identity", "hidden": [128]},
               "generator": {"type": "mlp_generator", "hidden": [128]},
               "critic": {"type": "mlp_critic", "hidden": [128], "heads": ["identity", "yaw"]}}


def recipe(people: dict[str, Any], base: str, *overrides: str, networks: dict[str, Any] = NARROW) -> Any:
    return make_recipe({
        "base": base, "data": {"source": people, "batch": 4, "splits": {"train": 1}, "workers": 0},
        "code": {"identity": 16, "yaw": f"{YAWS} classes", "noise": "4 uniform"}, "flow": {"noise": "uniform(size=4)"},
        "networks": networks,
        "train": {"steps": 4, "log_every": 20, "checkpoint_every": 2, "picture_every": 1000, "tensorboard": False}},
        overrides)


def made(folder: Path, what: Any) -> Model:
    unbraid.train(what, folder)
    return unbraid.load(folder)


def learned(people: dict[str, Any], folder: Path, *overrides: str) -> Model:
    """The game with perceptrons, a critic that learns slower than its opponent, and 300 steps: two seconds."""
    fast = ("data.batch=24", "train.steps=300", "train.checkpoint_every=300", "train.optimizer.lr=3.0e-3",
            "players.critic.optimizer={lr: 3.0e-4}")
    return made(folder, recipe(people, "drgan", *fast, *overrides, networks=PERCEPTRONS))


@pytest.fixture(scope="module")
def trained(people: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Model:
    return learned(people, tmp_path_factory.mktemp("run") / "drgan")


@pytest.fixture(scope="module")
def of_sets(people: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Model:
    return made(tmp_path_factory.mktemp("run") / "sets", recipe(people, "drgan-sets"))


def faces(copies: int = 1) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    images, who, yaw = drawn(copies)
    return torch.from_numpy(images).movedim(-1, 1).float() / 255, who, yaw


def seen_yaw(images: torch.Tensor) -> np.ndarray:
    """The brightest column."""
    columns = images.mean((1, 2))
    return torch.stack([columns[:, np.arange(SIZE) // 6 == k].mean(1) for k in range(YAWS)], 1).argmax(1).numpy()


def obeyed(model: Model) -> float:
    """Share of rotated images that show the pose that was asked for."""
    x, _, _ = faces()
    return float(np.mean([(seen_yaw(model.rotate(x, np.full(len(x), k))) == k).mean() for k in range(YAWS)]))


def test_rotate_obeys_the_pose(trained: Model) -> None:
    assert obeyed(trained) > 0.9


@pytest.mark.parametrize("broken", [
    "players.generator.minimizes.pose=cross_entropy(seen.yaw, x.yaw)",
    "players.generator.minimizes.pose=-1 * cross_entropy(seen.yaw, pose)",
    "functions.with_pose(face, pose)=join(face, as_factor(0 * one_hot(pose), name='yaw'), "
    "as_factor(noise, name='noise'))"],
    ids=["source pose", "sign", "pose not told"])
def test_it_does_not_when_broken(people: dict[str, Any], tmp_path: Path, broken: str) -> None:
    assert obeyed(learned(people, tmp_path / "run", broken)) < 0.6


def test_frontalise_turns_to_the_middle(trained: Model) -> None:
    x, _, _ = faces()
    torch.testing.assert_close(trained.frontalise(x), trained.rotate(x, np.full(len(x), YAWS // 2)))


def test_edits_by_the_names_of_factors(trained: Model) -> None:
    x, _, yaw = faces()
    f = trained.code(x)
    assert f.layout.names == ("identity", "yaw", "noise")
    torch.testing.assert_close(f.identity.tensor, trained.identity(x).tensor)
    assert (f.yaw.tensor.argmax(1).numpy() == yaw).mean() > 0.9                       # the critic tells the pose
    assert set(f.yaw.tensor.unique().tolist()) == {0, 1}
    other = torch.roll(x, 1, 0)
    swapped = trained.swap(x, other, "yaw")
    assert (seen_yaw(swapped) == np.roll(yaw, 1)).mean() > 0.8
    assert trained.interpolate(x[:1], x[2:3], steps=3, factor="identity").shape == (3, 3, SIZE, SIZE)


def test_the_same_noise_whenever_it_is_called(trained: Model) -> None:
    x, _, _ = faces()
    pose = np.zeros(len(x), int)
    assert torch.equal(trained.rotate(x, pose), trained.rotate(x, pose))
    assert not torch.equal(trained.rotate(x, pose), trained("rotate", x, pose, seed=1))


def test_a_fused_set_is_the_weighted_mean_of_its_images(of_sets: Model) -> None:
    x, _, _ = faces(copies=2)
    images = x.unflatten(0, (PEOPLE, -1))                  # all images of each person
    found = of_sets.fuse(Set.fold(images))
    f, w = of_sets.identity(x).tensor, of_sets.confidence(x)
    assert w.shape == (len(x), 1)
    assert ((w > 0) & (w < 1)).all()
    f, w = (t.unflatten(0, (PEOPLE, -1)) for t in (f, w))
    torch.testing.assert_close(found.tensor, (w * f).sum(1) / w.sum(1))
    pixels = (255 * images).round().byte().numpy()         # as arrays, too
    torch.testing.assert_close(of_sets.fuse(pixels).tensor, found.tensor, atol=1e-4, rtol=1e-4)
    alone = of_sets.fuse(Set.fold(images[:, :1]))          # a set of one
    torch.testing.assert_close(alone.tensor, f[:, 0])
    torch.testing.assert_close(of_sets.fuse(images[1]).tensor, found.tensor[1:2])      # the images of one person


def test_a_model_of_sets_turns_single_images(of_sets: Model) -> None:
    x, _, _ = faces()
    turned = of_sets.rotate(x, np.zeros(len(x), int))
    assert turned.shape == x.shape
    fused = of_sets.with_pose(of_sets.fuse(Set.fold(x.unflatten(0, (PEOPLE, -1)))),
                              Label(torch.zeros(PEOPLE, dtype=torch.long), YAWS))
    assert isinstance(fused, Code)
    assert of_sets.decoded(fused).shape == (PEOPLE, 3, SIZE, SIZE)
    assert of_sets.reconstruct(x).shape == x.shape


def exported(model: Model, function: str, folder: Path, **given: np.ndarray) -> np.ndarray:
    """The answer of an exported program; noise is an input, here zero: the lowest that is drawn."""
    onnxruntime = pytest.importorskip("onnxruntime")
    path = folder / f"{function}.onnx"
    export_function(model, function, path)
    session = onnxruntime.InferenceSession(str(path))
    known = {i.name: given[i.name] if i.name in given else np.zeros((2, 4), np.float32) for i in session.get_inputs()}
    return session.run(None, known)[0]


def test_rotate_is_exported(trained: Model, tmp_path: Path) -> None:
    x, pose = faces()[0][:2], np.asarray([0, 2])
    answer = exported(trained, "rotate", tmp_path, image=x.numpy(), pose=pose)
    noise = -torch.ones(2, 4)                              # U(0, 1) is drawn, and stretched to U(-1, 1)
    f = trained.code(x).replace(yaw=torch.eye(YAWS)[torch.from_numpy(pose)], noise=noise)
    np.testing.assert_allclose(answer, trained.decode(f).numpy(), atol=1e-4)


def test_the_fusion_of_a_set_is_exported(of_sets: Model, tmp_path: Path) -> None:
    x = faces(copies=2)[0].unflatten(0, (PEOPLE, -1))[:2]
    answer = exported(of_sets, "fuse", tmp_path, x=x.numpy())
    np.testing.assert_allclose(answer, of_sets.fuse(Set.fold(x)).tensor.numpy(), atol=1e-4)


def test_evaluation_measures_identities_and_poses(trained: Model) -> None:
    result = evaluate(trained.run, images=24, metrics=["rank_1_identification", "verification", "pose_control"])
    own = result["arms"]["model"]
    assert own["pose_control"]["accuracy"]["yaw"] > 0.8
    assert own["pose_control"]["chance"] == {"yaw": pytest.approx(1 / YAWS)}
    assert own["rank_1_identification"]["chunk"] == "identity"
    assert own["rank_1_identification"]["pose"] == "yaw"
    assert 0 <= own["verification"]["eer"] <= 1
    assert own["rank_1_identification"]["score"] > 0.9
    assert own["verification"]["eer"] < 0.1


def test_sets_are_evaluated_too(of_sets: Model) -> None:
    result = evaluate(of_sets.run, images=24, metrics=["rank_1_identification", "pose_control"])
    assert result["arms"]["model"]["rank_1_identification"]["identities"] >= 2
    assert "yaw" in result["arms"]["model"]["pose_control"]["accuracy"]


def test_map_keeps_confidences(of_sets: Model) -> None:
    """A record of the encoder is a value: the engine can move it."""
    found = of_sets.method.modules["encoder"](faces()[0])
    assert map_tensors(lambda t: t + 1, found).parts["confidence"].min() > 1
