"""Codes with chosen factors, and codes along which one factor goes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from unbraid import Code, Layout
from unbraid.model import Model, load
from unbraid.values import ChoiceError, Noise, choose
from unbraid_configs import Factor
from unbraid_plugins.tools.editing import walks

LAYOUT = Layout.of({"z": Factor(name="z", size=3, prior="uniform"), "c1": Factor(name="c1", size=4, prior="classes"),
                    "c2": Factor(name="c2", size=1, prior="uniform"), "pose": Factor(name="pose", size=2),
                    "on": Factor(name="on", size=2, prior="binary"),
                    "kind": Factor(name="kind", size=3, count=2, prior="classes")})


@pytest.fixture
def f() -> Code:
    return LAYOUT.draw(Noise(0, torch.device("cpu"), batch=5).at("test"))


def test_a_class_a_number_and_several(f):
    g = choose(f, {"c1": 2, "c2": -0.5, "pose": [1.0, 2.0], "on": 1})
    assert g.c1.tensor.tolist() == [[0, 0, 1, 0]] * 5
    assert g.c2.tensor.tolist() == [[-0.5]] * 5
    assert g.pose.tensor.tolist() == [[1, 2]] * 5
    assert g.on.tensor.tolist() == [[1, 1]] * 5
    assert torch.equal(g.z.tensor, f.z.tensor)
    assert torch.equal(g.kind.tensor, f.kind.tensor)
    assert choose(f, {}) is f


def test_a_value_for_every_code(f):
    g = choose(f, {"c1": torch.arange(5) % 4, "c2": np.linspace(-1, 1, 5), "pose": torch.arange(10.0).reshape(5, 2)})
    assert g.c1.tensor.argmax(1).tolist() == [0, 1, 2, 3, 0]
    assert g.c2.tensor[:, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert g.pose.tensor.flatten().tolist() == list(range(10))


def test_a_group_has_the_same_class_in_all_its_parts(f):
    g = choose(f, {"kind": 1, "kind2": 2})
    assert g.kind1.tensor.argmax(1).tolist() == [1] * 5
    assert g.kind2.tensor.argmax(1).tolist() == [2] * 5


@pytest.mark.parametrize(("name", "value", "says"), [
    ("c1", 4, "a class, 0 to 3, not 4"), ("c1", 1.5, "a class"), ("c1", -1, "a class"), ("c1", [0.0, 1.0], "a class"),
    ("c2", [1.0, 2.0], "one of its numbers"), ("pose", [1.0, 2.0, 3.0], "2 numbers, or one for all"),
    ("pose", float("nan"), "numbers"), ("on", 0.5, "zeros and ones"), ("c2", "left", "not 'left'"),
    ("pose", torch.zeros(4, 2), r"of shape|0.0"),
])
def test_what_a_factor_does_not_take(f, name, value, says):
    with pytest.raises(ChoiceError, match=says):
        choose(f, {name: value})


def test_an_unknown_factor_and_the_nearest(f):
    with pytest.raises(ChoiceError, match="no factor 'pse'") as found:
        choose(f, {"pse": 1})
    assert "pose" in found.value.hint


def test_walks_go_over_the_prior_and_over_all_classes(f):
    found = list(walks(LAYOUT, range(9)))
    assert [(w.what, w.first, w.last) for w in found] == [
        ("0", -1, 1), ("1", -1, 1), ("2", -1, 1), ("c1", 0, 3), ("7", -1, 1), ("8", -3, 3)]
    along = found[3].along(f, steps=9)
    assert along.c1.tensor.tolist() == torch.eye(4).tolist()
    number = found[4].along(f, steps=3)
    assert number.c2.tensor.tolist() == [[-1], [0], [1]]
    for codes, moved in ((along, slice(3, 7)), (number, slice(7, 8))):
        rest = torch.ones(LAYOUT.size, dtype=torch.bool)
        rest[moved] = False
        assert (codes.tensor[:, rest] == f.tensor[:1, rest]).all()
    asked = next(iter(walks(LAYOUT, [8], -2, 2)))
    assert (asked.first, asked.last) == (-2, 2)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    from unbraid.engine import train
    from unbraid_configs import load_recipe

    recipe = load_recipe("infogan-mnist", [
        "data.source={type: sprites, size: 8, count: 40}", "data.batch=4", "train.steps=1", "train.tensorboard=false",
        "networks.generator={width: 2, hidden: 8}", "networks.trunk={width: 2, hidden: 8}", "code.z=5 uniform"])
    return load(train(recipe, tmp_path_factory.mktemp("run") / "infogan").folder)


def test_a_model_makes_samples_of_chosen_factors(model):
    images = model.sample(3, codes={"c1": 2})
    assert images.shape == (3, *model.image_shape)
    assert torch.equal(images, model.decoded(choose(model.prior(3), {"c1": 2})))
    assert not torch.equal(images, model.sample(3, codes={"c1": 1}))
    assert not torch.equal(images, model.sample(3, seed=1, codes={"c1": 2}))
    assert torch.equal(model.prior(3).tensor, model.prior(3).tensor)
    with pytest.raises(ChoiceError):
        model.sample(3, codes={"c1": 10})
