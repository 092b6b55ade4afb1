import pytest
import torch
from torch import nn

from unbraid import Code, Gaussian, Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers.mathieu import Critic, Encoder, Generator

CODE = Layout.of({"z": Factor(name="z", size=12), "s": Factor(name="s", size=6)})


@pytest.mark.parametrize("image", [(3, 32, 32), (1, 28, 28), (1, 35, 35), (3, 16, 50)], ids=str)
def test_networks_fit_images_of_every_size_and_learn_from_all_of_them(context, image):
    around, x, label = context(*image, code=CODE), torch.rand(4, *image), torch.eye(5)[:4]
    encoder = Encoder(width=2, gaussian="z").build(around, x)
    generator = Generator(width=2).build(around, torch.empty(2, 12), torch.empty(2, 6))
    critic = Critic(width=2).build(around, x, label)
    found = encoder(x).parts
    assert isinstance(found["z"], Gaussian)
    assert isinstance(found["s"], Code)
    y = generator(found["z"].mean.tensor + found["z"].std, found["s"].tensor)
    assert y.shape == x.shape
    assert 0 <= y.min() <= y.max() <= 1
    score = critic(y, label)
    assert score.shape == (4, 1)
    (score.sum() + y.square().sum()).backward()
    for box in (encoder, generator, critic):
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in box.parameters())


def test_the_layers_are_the_authors(context):
    around, x = context(3, 32, 32, code=CODE), torch.rand(2, 3, 32, 32)
    boxes = [Encoder(gaussian="z").build(around, x), Generator().build(around, torch.empty(2, 12), torch.empty(2, 6)),
             Critic().build(around, x, torch.empty(2, 7))]
    layers = [[(m.in_channels, m.out_channels, m.kernel_size[0], m.stride[0]) for m in box.modules()
               if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)] for box in boxes]
    assert layers[0] == [(3, 16, 3, 1), (16, 16, 3, 1), (16, 32, 2, 2), (32, 32, 3, 1), (32, 64, 2, 2), (64, 64, 3, 1),
                         (64, 128, 2, 2), (128, 128, 3, 1)]
    assert layers[1] == [(128, 128, 3, 1), (128, 64, 2, 2), (64, 64, 3, 1), (64, 32, 2, 2), (32, 32, 3, 1),
                         (32, 16, 2, 2), (16, 16, 3, 1), (16, 3, 3, 1)]
    assert layers[2] == [(3, 16, 3, 1), (16, 16, 2, 2), (16, 32, 2, 2), (32, 32, 3, 1), (32, 64, 2, 2), (64, 64, 3, 1),
                         (64, 64, 3, 1)]
    tables = [tuple(m.weight.shape) for m in boxes[2].modules() if isinstance(m, nn.Linear)]
    assert tables == [(16 * 16, 7), (32 * 16, 7), (64 * 16, 7), (1, 64 * 16)]


def test_the_parts_of_a_code_are_added_not_joined(context):
    generator = Generator(width=2).build(context(3, 32, 32, code=CODE), torch.empty(2, 12), torch.empty(2, 6))
    assert [e.in_features for e in generator.entries] == [12, 6]
    assert len({e.out_features for e in generator.entries}) == 1


def test_the_label_changes_the_verdict(context):
    x = torch.rand(4, 3, 32, 32)
    critic = Critic(width=4).build(context(3, 32, 32), x, torch.eye(5)[:4]).eval()
    scores = [critic(x, torch.eye(5)[[k] * 4]) for k in range(5)]
    assert not torch.allclose(scores[0], scores[1])
    two = Critic(width=4).build(context(3, 32, 32), x, torch.empty(4, 2), torch.empty(4, 3)).eval()
    two.load_state_dict(critic.state_dict())
    assert torch.equal(two(x, torch.eye(5)[:4, :2], torch.eye(5)[:4, 2:]), critic(x, torch.eye(5)[:4]))


def test_what_does_not_fit_is_explained(context):
    x = torch.empty(2, 3, 32, 32)
    with pytest.raises(UnbraidError, match=r"with its label[\s\S]*x.identity"):
        Critic().build(context(), x, x)
    with pytest.raises(UnbraidError, match="declares none"):
        Encoder().build(context(code=Layout(())), x)
    with pytest.raises(UnbraidError, match="without a value"):
        Generator().build(context())
