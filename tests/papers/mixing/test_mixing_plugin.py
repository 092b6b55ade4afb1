import pytest
import torch
from torch import nn

from unbraid import Code, Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers.mixing import ChunkClassifier, Critic, Encoder, Generator, random_mask
from unbraid_plugins.shared.losses import binary_cross_entropy
from unbraid_plugins.shared.operations import mix

CHUNKS = Layout.of({"chunk": Factor(name="chunk", count=8, size=64)})
SIZES = [(3, 8, 8), (3, 16, 16), (1, 28, 28), (3, 32, 32), (3, 60, 60), (3, 64, 64), (3, 96, 96), (3, 16, 50)]


@pytest.mark.parametrize("image", SIZES, ids=str)
def test_the_game_can_be_played_at_every_size(context, dice, image):
    around, x1, x2 = context(*image, code=CHUNKS), torch.rand(2, *image), torch.rand(2, *image)
    encoder, generator = Encoder(width=2).build(around, x1), Generator(width=2).build(around, torch.empty(2, 512))
    critic, classifier = Critic(width=2).build(around, x1), ChunkClassifier(width=2).build(around, x1, x1, x1)
    f1, f2 = Code(encoder(x1), CHUNKS), Code(encoder(x2), CHUNKS)
    mask = random_mask(random=dice(batch=2), layout=CHUNKS)
    x3 = generator(mix(f1, f2, mask).tensor)
    assert f1.tensor.shape == (2, 512)
    assert x3.shape == x1.shape
    assert 0 <= x3.min() <= x3.max() <= 1
    assert critic(x3).shape == (2, 1)
    loss = binary_cross_entropy(classifier(x1, x2, x3), mask) + critic(x3).mean()
    loss.backward()
    for box in (encoder, generator, critic, classifier):
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in box.parameters())
    assert max(p.grad.abs().max() for p in encoder.parameters()) > 0


def sizes_and_channels(module, kinds):
    seen = []
    for m in module.modules():
        if isinstance(m, kinds):
            m.register_forward_hook(lambda m, i, o: seen.append((o.shape[1], *o.shape[2:])))
    return seen


def test_the_layers_are_the_papers_at_60_pixels(context):
    around, x, z = context(3, 60, 60, code=CHUNKS), torch.rand(2, 3, 60, 60), torch.rand(2, 512)
    encoder, generator, critic = Encoder().build(around, x), Generator().build(around, z), Critic().build(around, x)
    layers = (nn.Conv2d, nn.ConvTranspose2d)
    seen = [sizes_and_channels(box, layers) for box in (encoder, generator, critic)]
    with torch.no_grad():
        encoder(x), generator(z), critic(x)
    assert seen[0] == [(64, 30, 30), (128, 15, 15), (256, 8, 8), (512, 4, 4), (512, 2, 2)]
    assert seen[1] == [(512, 4, 4), (512, 8, 8), (256, 15, 15), (128, 30, 30), (3, 60, 60)]
    assert seen[2] == [(64, 30, 30), (128, 15, 15), (256, 8, 8), (512, 8, 8)]
    assert not any(p.shape for m in encoder.modules() if isinstance(m, nn.InstanceNorm2d) for p in m.parameters())


def test_the_alexnet_of_the_paper(context):
    around, x = context(3, 60, 60, code=CHUNKS), torch.empty(2, 3, 60, 60, device="meta")
    with torch.device("meta"):
        classifier = ChunkClassifier(architecture="alexnet").build(around, x, x, x)
    sizes = sizes_and_channels(classifier, (nn.Conv2d, nn.MaxPool2d))
    assert classifier(x, x, x).shape == (2, 8)
    assert sizes == [(96, 27, 27), (96, 13, 13), (256, 13, 13), (256, 6, 6), (384, 6, 6), (384, 6, 6), (256, 6, 6),
                     (256, 2, 2)]
    with pytest.raises(UnbraidError, match=r"32 x 32[\s\S]*architecture: small"):
        ChunkClassifier(architecture="alexnet").build(around, *[torch.empty(2, 3, 32, 32)] * 3)


def test_the_classifier_has_one_answer_per_part(context, layout):
    x = torch.rand(2, 3, 16, 16)
    assert ChunkClassifier().build(context(), x, x, x)(x, x, x).shape == (2, len(layout.parts))
    with pytest.raises(UnbraidError, match="the code has 1"):
        ChunkClassifier().build(context(code=Layout.of({"z": Factor(name="z", size=3)})), x, x, x)


def test_every_image_reaches_the_classifier(context):
    images = [torch.rand(2, 3, 16, 16) for _ in range(3)]
    classifier = ChunkClassifier().build(context(), *images).eval()
    for image in images:
        slope, = torch.autograd.grad(classifier(*(v.requires_grad_() for v in images)).sum(), image)
        assert slope.abs().max() > 0


def test_too_small_images_and_missing_codes_are_explained(context):
    with pytest.raises(UnbraidError, match="7 x 7"):
        Encoder().build(context(), torch.empty(2, 3, 7, 7))
    with pytest.raises(UnbraidError, match="chunk: 8 x 64"):
        Encoder().build(context(code=Layout(())), torch.empty(2, 3, 16, 16))
