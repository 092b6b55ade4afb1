"""What a trained DR-GAN offers: rotations, edits, fused sets, export, resume; and that it needs its pose code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PEOPLE, SIZE, YAWS, drawn

import unbraid
from unbraid import Code, Label, Set
from unbraid.model import Model, ModelError
from unbraid.runs import checkpoint
from unbraid.values import map_tensors
from unbraid_configs import make_recipe
from unbraid_plugins.tools.evaluation import evaluate
from unbraid_plugins.tools.export import export_function

NETWORKS = {name: {"width": 4, "layers": 1} for name in ("encoder", "generator", "critic")}


def recipe(people: dict[str, Any], base: str = "drgan", *overrides: str) -> Any:
    return make_recipe({
        "base": base, "data": {"source": people, "batch": 24, "splits": {"train": 1}, "workers": 0},
        "code": {"identity": 16, "yaw": f"{YAWS} classes", "noise": "4 uniform"}, "flow": {"noise": "uniform(size=4)"},
        "networks": NETWORKS,
        "train": {"steps": 120, "log_every": 20, "checkpoint_every": 60, "picture_every": 1000, "tensorboard": False,
                  "optimizer": {"lr": "4.0e-3"}}}, overrides)


@pytest.fixture(scope="module")
def trained(people: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("run") / "drgan"
    unbraid.train(recipe(people), folder)
    return unbraid.load(folder)


@pytest.fixture(scope="module")
def of_sets(people: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("run") / "sets"
    unbraid.train(recipe(people, "drgan-sets", "data.batch=4", "train.steps=4", "train.checkpoint_every=2"), folder)
    return unbraid.load(folder)


def faces(copies: int = 1) -> tuple[torch.Tensor, np.ndarray, np.ndarray]:
    images, who, yaw = drawn(copies)
    return torch.from_numpy(images).movedim(-1, 1).float() / 255, who, yaw


def seen_yaw(images: torch.Tensor) -> np.ndarray:
    """The brightest column."""
    columns = images.mean((1, 2))
    return torch.stack([columns[:, np.arange(SIZE) // 6 == k].mean(1) for k in range(YAWS)], 1).argmax(1).numpy()


def obeyed(model: Model) -> float:
    """How often a rotated image shows the pose that was asked for."""
    x, _, _ = faces()
    return float(np.mean([(seen_yaw(model.rotate(x, np.full(len(x), k))) == k).mean() for k in range(YAWS)]))


def test_rotate_obeys_the_pose(trained: Model) -> None:
    assert obeyed(trained) > 0.9


@pytest.mark.parametrize("broken", [
    ("players.generator.minimizes.pose=cross_entropy(seen.yaw, x.yaw)",),
    ("players.generator.minimizes.pose=-1 * cross_entropy(seen.yaw, pose)",),
    ("flow.fake=generator(join(f, as_factor(0 * one_hot(pose), name='yaw'), as_factor(noise, name='noise')))",)],
    ids=["source pose", "sign", "no pose told"])
def test_it_does_not_when_broken(people: dict[str, Any], tmp_path: Path, broken: tuple[str, ...]) -> None:
    unbraid.train(recipe(people, "drgan", *broken), tmp_path / "run")
    assert obeyed(unbraid.load(tmp_path / "run")) < 0.6


def test_frontalise_turns_to_the_middle(trained: Model) -> None:
    x, _, _ = faces()
    torch.testing.assert_close(trained.frontalise(x), trained.rotate(x, np.full(len(x), YAWS // 2)))


def test_edits_by_the_names_of_factors(trained: Model) -> None:
    x, who, yaw = faces()
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
    alone = of_sets.fuse(Set.fold(images[:, :1]))          # a set of one
    torch.testing.assert_close(alone.tensor, f[:, 0])
    with pytest.raises(ModelError, match=r"takes a set of codes[\s\S]*Set.fold"):
        of_sets.fuse(x)


def test_a_model_of_sets_turns_single_images(of_sets: Model) -> None:
    x, _, _ = faces()
    turned = of_sets.rotate(x, np.zeros(len(x), int))
    assert turned.shape == x.shape
    fused = of_sets.with_pose(of_sets.fuse(Set.fold(x.unflatten(0, (PEOPLE, -1)))),
                              Label(torch.zeros(PEOPLE, dtype=torch.long), YAWS))
    assert isinstance(fused, Code)
    assert of_sets.decoded(fused).shape == (PEOPLE, 3, SIZE, SIZE)
    assert of_sets.reconstruct(x).shape == x.shape


@pytest.mark.parametrize("base", ["drgan", "drgan-fake-class", "drgan-sets"])
def test_a_resumed_run_is_an_undisturbed_one(people: dict[str, Any], tmp_path: Path, base: str) -> None:
    small = ("data.batch=4", "train.checkpoint_every=2")
    for folder, lengths in (("whole", (4,)), ("cut", (2, 4))):
        for i, steps in enumerate(lengths):
            unbraid.train(recipe(people, base, *small, f"train.steps={steps}"), tmp_path / folder, resume=i > 0)
    states = [checkpoint.flat(checkpoint.read(checkpoint.steps(tmp_path / folder / "checkpoints")[4]).groups)
              for folder in ("whole", "cut")]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(("function", "shape"), [("rotate", (2, 3, SIZE, SIZE)), ("identity", (2, 16))])
def test_functions_are_exported(trained: Model, tmp_path: Path, function: str, shape: tuple[int, ...]) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    path = tmp_path / f"{function}.onnx"
    export_function(trained, function, path)
    session = onnxruntime.InferenceSession(str(path))
    names = [i.name for i in session.get_inputs()]
    x, _, _ = faces()
    given = {name: x[:2].numpy() if name == "x" else np.asarray([0, 2]) if "pose" in name else
             np.zeros((2, 4), np.float32) for name in names}
    answer = session.run(None, given)[0]
    assert answer.shape == shape
    if function == "identity":
        np.testing.assert_allclose(answer, trained.identity(x[:2]).tensor.numpy(), atol=1e-4)


def test_evaluation_measures_identities_and_poses(trained: Model) -> None:
    result = evaluate(trained.run, images=24)
    own = result["arms"]["model"]
    assert own["pose_control"]["accuracy"]["yaw"] > 0.8
    assert own["pose_control"]["chance"] == {"yaw": pytest.approx(1 / YAWS)}
    assert own["rank_1_identification"]["chunk"] == "identity"
    assert own["rank_1_identification"]["pose"] == "yaw"
    assert 0 <= own["verification"]["eer"] <= 1
    assert result["arms"]["untrained"]["pose_control"]["accuracy"]["yaw"] < 0.6


def test_sets_are_evaluated_too(of_sets: Model) -> None:
    result = evaluate(of_sets.run, images=24, metrics=["rank_1_identification", "pose_control"])
    assert result["arms"]["model"]["rank_1_identification"]["identities"] == PEOPLE
    assert "yaw" in result["arms"]["model"]["pose_control"]["accuracy"]


def test_map_keeps_confidences(of_sets: Model) -> None:
    """A record of the encoder is a value: the engine can move it."""
    found = of_sets.method.modules["encoder"](faces()[0])
    assert map_tensors(lambda t: t + 1, found).parts["confidence"].min() > 1
