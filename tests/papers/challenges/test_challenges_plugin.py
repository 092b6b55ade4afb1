import pytest
import torch
from torch import nn

from unbraid import Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers.challenges import Encoder, Generator, PairCritic

CODE = Layout.of({"varying": Factor(name="varying", size=64), "common": Factor(name="common", size=64)})


def shapes(module, kinds):
    seen = []
    for m in module.modules():
        if isinstance(m, kinds):
            m.register_forward_hook(lambda m, i, o: seen.append(tuple(o.shape[1:])))
    return seen


@pytest.mark.parametrize("image", [(3, 16, 16), (1, 28, 28), (1, 35, 35), (3, 64, 64), (3, 16, 50)], ids=str)
def test_networks_fit_images_of_every_size_and_learn_from_all_of_them(context, image):
    around, x, y = context(*image, code=CODE), torch.rand(2, *image), torch.rand(2, *image)
    encoder, generator = Encoder(width=2).build(around, x), Generator(width=2).build(around, torch.empty(2, 128))
    critic = PairCritic(width=6).build(around, x, x)
    z = encoder(x)
    made = generator(z[:, :64], z[:, 64:])
    assert z.shape == (2, 128)
    assert made.shape == x.shape
    assert 0 <= made.min() <= made.max() <= 1
    assert critic(made, y).shape == (2, 1)
    critic(made, y).sum().backward()
    for box in (encoder, generator, critic):
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in box.parameters())


def test_the_layers_are_the_papers_at_28_pixels(context):
    around, x, z = context(3, 28, 28, code=CODE), torch.rand(2, 3, 28, 28), torch.rand(2, 128)
    encoder, generator = Encoder().build(around, x), Generator().build(around, z)
    critic = PairCritic().build(around, x, x)
    seen = [shapes(box, (nn.Conv2d, nn.ConvTranspose2d)) for box in (encoder, generator, critic)]
    with torch.no_grad():
        encoder(x), generator(z), critic(x, x)
    assert seen[0] == [(64, 14, 14), (128, 7, 7), (256, 4, 4)]
    assert seen[1] == [(1024, 4, 4), (512, 7, 7), (256, 14, 14), (3, 28, 28)]
    assert seen[2] == [(96, 26, 26), (256, 12, 12), (384, 5, 5), (384, 5, 5)]
    assert not any(p.shape for m in encoder.modules() if isinstance(m, nn.InstanceNorm2d) for p in m.parameters())


def test_the_pair_critic_sees_both_images_and_their_order(context):
    x, y = torch.rand(2, 3, 28, 28, requires_grad=True), torch.rand(2, 3, 28, 28, requires_grad=True)
    critic = PairCritic(width=12).build(context(3, 28, 28), x, y)
    assert all(slope.abs().max() > 0 for slope in torch.autograd.grad(critic(x, y).sum(), (x, y)))
    assert not torch.allclose(critic(x, y), critic(y, x))


def test_too_small_images_and_missing_codes_are_explained(context):
    with pytest.raises(UnbraidError, match="at least 9 pixels"):
        PairCritic().build(context(), *[torch.empty(2, 3, 8, 8)] * 2)
    with pytest.raises(UnbraidError, match="varying: 64, common: 64"):
        Encoder().build(context(code=Layout(())), torch.empty(2, 3, 16, 16))
