import attrs
import pytest
import torch
from torch import nn

from unbraid import Gaussian, Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers import unit
from unbraid_plugins.papers.unit.blocks import WithPlaces


def content(size):
    return Layout.of({"content": Factor(name="content", size=size)})


def chain(around, pieces, value, after=lambda v: v):
    """The pieces built one on the other, and what the last makes."""
    boxes = []
    for spec in pieces:
        boxes.append(spec.build(around, value))
        value = boxes[-1](value)
        value = value.mean if isinstance(value, Gaussian) else value
    return boxes, value


@pytest.mark.parametrize("image", [(3, 32, 32), (1, 28, 28), (3, 64, 20)], ids=str)
def test_translation_keeps_the_layout_and_the_range_of_images(context, image):
    around, x = context(*image, code=content(8)), torch.rand(2, *image)
    boxes, y = chain(around, [unit.Front(width=2, blocks=1), unit.Inner(), unit.Outer(), unit.Back(blocks=1)], x)
    assert boxes[1](boxes[0](x)).mean.shape == (2, 8, image[1] // 4, image[2] // 4)
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    judges, score = chain(around, [unit.Look(width=2), unit.Critic()], x)
    assert score.shape[:2] == (2, 1)
    (y.square().sum() + score.sum()).backward()
    assert all(p.grad is not None for box in (*boxes, *judges) for p in box.parameters())


def test_the_layers_are_the_authors_at_128_pixels(context):
    around = context(3, 128, 128, code=content(256))
    with torch.device("meta"):
        x = torch.empty(1, 3, 128, 128)
        boxes, _ = chain(around, [unit.Front(), unit.Inner(), unit.Outer(), unit.Back()], x)
        judges, score = chain(around, [unit.Look(), unit.Critic()], x)
    convolutions = [[(m.in_channels, m.out_channels, m.kernel_size[0]) for m in box.modules()
                     if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)] for box in (*boxes, *judges)]
    assert convolutions[0] == [(3, 64, 7), (64, 128, 3), (128, 256, 3), *[(256, 256, 3)] * 6]
    assert convolutions[1] == convolutions[2] == [(256, 256, 3)] * 2
    assert convolutions[3] == [*[(256, 256, 3)] * 6, (256, 128, 3), (128, 64, 3), (64, 3, 1)]
    assert convolutions[4] == [(3, 64, 7), (64, 128, 3)]
    assert convolutions[5] == [(128, 256, 3), (256, 512, 3), (512, 1024, 3), (1024, 2048, 3), (2048, 1, 1)]
    assert score.shape == (1, 1, 2, 2)


def test_the_variance_of_a_code_is_one_or_learned(context):
    x = torch.rand(2, 8, 4, 4)
    assert unit.Inner().build(context(code=content(8)), x)(x).logvar.abs().max() == 0
    learned = unit.Inner(variance="learned").build(context(code=content(8)), x)(x).logvar
    assert learned.requires_grad
    assert learned.std() > 0


def test_digits_have_the_authors_sizes_and_learn_from_every_piece(context):
    around = attrs.evolve(context(1, 32, 32, code=content(32)), factors={"label": 10})
    x = torch.rand(3, 1, 32, 32)
    boxes, y = chain(around, [unit.DigitFront(width=4), unit.DigitInner(), unit.DigitOuter(), unit.DigitBack()], x)
    q = boxes[1](boxes[0](x))
    assert q.mean.shape == (3, 32, 1, 1)
    assert (q.std > 0).all()
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    judges, verdict = chain(around, [unit.DigitLook(width=4), unit.DigitCritic(label="label")], x)
    assert {n: tuple(verdict.parts[n].shape) for n in verdict.parts} == {"features": (3, 128), "score": (3, 1),
                                                                         "label": (3, 10)}
    sum(t.square().sum() for t in (y, q.std, verdict.parts["score"], verdict.parts["label"])).backward()
    assert all(p.grad is not None for box in (*boxes, *judges) for p in box.parameters())


def test_places_run_from_minus_one_to_one_across_and_down():
    seen = WithPlaces(nn.Identity())(torch.zeros(1, 1, 3, 5))
    assert seen[0, 1, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert seen[0, 2, :, 0].tolist() == [-1, 0, 1]


@pytest.mark.parametrize(("spec", "shape", "said"), [
    (unit.Front(), (2, 3, 30, 30), "multiples of 4; these images are 30 x 30"),
    (unit.Inner(), (2, 12, 4, 4), r"12 channels; the recipe's has 8[\s\S]*content: 12"),
    (unit.Outer(), (2, 12), r"called with a vector[\s\S]*unit.front"),
    (unit.Back(), (2, 6, 4, 4), "6 is no multiple of 4"),
    (unit.DigitFront(), (2, 1, 28, 28), r"32 x 32; these are 28 x 28[\s\S]*size: 32"),
    (unit.DigitOuter(), (2, 8, 4, 4), "8 x 4 x 4"),
    (unit.DigitCritic(label="digit"), (2, 8, 16, 16), "no labelled factor 'digit'"),
])
def test_what_does_not_fit_is_explained(context, spec, shape, said):
    with pytest.raises(UnbraidError, match=said):
        spec.build(context(code=content(8)), torch.empty(shape))
