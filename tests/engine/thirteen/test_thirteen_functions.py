"""What the trained models of the thirteen offer: every function, called as users call it."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_games import THIRTEEN, game, recipe_of

from unbraid import Code, Gaussian
from unbraid.model import Model, ModelError
from unbraid.model.compute import map_tensors
from unbraid.values import Set, tensors

FUNCTIONS = [(name, function) for name in THIRTEEN for function in recipe_of(name).functions]


def some(meta: Any) -> Any:
    """Numbers of the shapes of a value."""
    return map_tensors(lambda t: torch.rand(t.shape) if t.is_floating_point() else torch.zeros(t.shape, dtype=t.dtype),
                       meta)


@pytest.mark.parametrize(("name", "function"), FUNCTIONS)
def test_every_function_answers(name: str, function: str) -> None:
    small = game(name)
    model = Model(small.method, small.method.modules)
    known = {key: some(v) for key, v in small.method.parameters[function].items()}
    given = [known[p] for p in model.functions[function]]
    fields = {key: v for key, v in known.items() if "." in key}
    answer, again = (model(function, *given, fields=fields, n=2) for _ in range(2))
    assert all(torch.isfinite(t).all() for t in tensors(answer))
    assert all(torch.equal(a, b) for a, b in zip(tensors(answer), tensors(again), strict=True))


def test_a_function_is_an_intervention_on_the_flow() -> None:
    small = game("intrinsic_faces")
    model = Model(small.method, small.method.modules)
    x = torch.rand(2, 3, 16, 16)
    light = model.method.modules["lamp"](model.encode(x).light.tensor)
    torch.testing.assert_close(model.relight(x, light), model.decode(model.encode(x)))
    assert not torch.allclose(model.relight(x, light + 3), model.decode(model.encode(x)))
    matte = model.method.modules["cutout"](model.encode(x).matte.tensor)
    white, black = (model.replace_background(x, torch.full_like(x, grey)) for grey in (1.0, 0.0))
    torch.testing.assert_close(white - black, (1 - matte).expand(-1, 3, -1, -1))


def test_functions_that_need_labels_say_so() -> None:
    small = game("ma1")
    model = Model(small.method, small.method.modules)
    x = torch.rand(2, 3, 16, 16)
    with pytest.raises(ModelError, match=r"encode\(x\) also needs x.joints, x.flat_joints"):
        model.encode(x)
    f = model.encode(x, fields={"x.joints": torch.rand(2, 18, 3), "x.flat_joints": torch.rand(2, 54)})
    assert isinstance(f, Code)
    assert f.layout == small.method.layout


def test_labels_may_be_given_as_numbers() -> None:
    small = game("drgan")
    model = Model(small.method, small.method.modules)
    x = torch.rand(2, 3, 16, 16)
    turned = [model.rotate(x, torch.tensor(pose), torch.zeros(2, 50)) for pose in ([0, 1], [3, 1])]
    assert not torch.allclose(turned[0][0], turned[1][0])
    torch.testing.assert_close(turned[0][1], turned[1][1])


def test_generate_makes_as_many_as_wanted() -> None:
    small = game("infogan")
    model = Model(small.method, small.method.modules)
    five, other = model.generate(n=5, seed=1), model.generate(n=5, seed=2)
    assert five.shape == (5, 1, 16, 16)
    assert not torch.equal(five, other)
    assert torch.equal(five, model.generate(n=5, seed=1))


def test_a_variational_code_is_encoded_as_its_mean() -> None:
    small = game("betavae")
    model = Model(small.method, small.method.modules)
    x = torch.rand(2, 1, 16, 16)
    q = small.method.modules["encoder"](x)
    assert isinstance(q, Gaussian)
    torch.testing.assert_close(model.encode(x).tensor, q.mean)


def test_one_set_alone_is_a_batch_too() -> None:
    small = game("drgan")
    model = Model(small.method, small.method.modules)
    people, poses, noise = torch.rand(2, 4, 3, 16, 16), torch.tensor([3, 5]), torch.rand(2, 50)
    both = model.rotate(Set.fold(people), poses, noise)
    alone = model.rotate(Set.fold(people[1:]), poses[1:], noise[1:])
    torch.testing.assert_close(next(tensors(alone)), next(tensors(both))[4:])


def test_what_is_no_code_is_not_taken_for_one() -> None:
    small = game("infogan")                        # its encode gives logits and a Gaussian over plain numbers
    with pytest.raises(ModelError, match="`encode` gives a record, not a code"):
        Model(small.method, small.method.modules).code(torch.rand(2, 1, 16, 16))
