import pytest
import torch
from torch import nn

from unbraid import Gaussian, Layout, UnbraidError
from unbraid_configs import Factor
from unbraid_plugins.papers.vae import (
    BurgessEncoder,
    BurgessGenerator,
    FcEncoder,
    FcGenerator,
    StudyEncoder,
    StudyGenerator,
)

LATENTS = Layout.of({"z": Factor(name="z", size=10)})
PAIRS = [(StudyEncoder(), StudyGenerator()), (BurgessEncoder(), BurgessGenerator()), (FcEncoder(), FcGenerator())]


def weights(module):
    return sum(p.numel() for p in module.parameters())


def test_the_study_has_its_number_of_weights(context):
    around = context(1, 64, 64, code=LATENTS)
    assert weights(StudyEncoder().build(around, torch.empty(2, 1, 64, 64, device="meta"))) == 309_204
    assert weights(StudyGenerator().build(around, torch.empty(2, 10, device="meta"))) == 381_313


def test_the_study_begins_with_glorots_weights_and_no_bias(context):
    around = context(1, 64, 64, code=LATENTS)
    encoder = StudyEncoder().build(around, torch.empty(2, 1, 64, 64))
    generator = StudyGenerator().build(around, torch.empty(2, 10))
    kinds = nn.Linear | nn.Conv2d | nn.ConvTranspose2d
    layers = [m for m in [*encoder.modules(), *generator.modules()] if isinstance(m, kinds)]
    assert len(layers) == 7 + 6
    for layer in layers:
        assert layer.bias.abs().max() == 0
        bound = (6 / ((layer.weight.shape[0] + layer.weight.shape[1]) * layer.weight[0, 0].numel())) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound


@pytest.mark.parametrize(("encoder", "generator"), PAIRS)
@pytest.mark.parametrize("image", [(1, 64, 64), (3, 16, 16), (1, 32, 64), (3, 96, 48)], ids=str)
def test_images_become_gaussians_and_logits(context, encoder, generator, image):
    around, x = context(*image, code=LATENTS), torch.rand(2, *image)
    q = encoder.build(around, x)(x)
    assert isinstance(q, Gaussian)
    assert q.mean.shape == q.logvar.shape == (2, 10)
    z = torch.randn(2, 10)
    made = []
    for spec in (generator, type(generator)(output="sigmoid")):
        torch.manual_seed(1)
        made.append(spec.build(around, z)(z))
    logits, pixels = made
    assert logits.shape == x.shape
    assert torch.allclose(logits.sigmoid(), pixels)


def test_generators_take_several_codes(context):
    around = context(1, 16, 16, code=LATENTS)
    for _, generator in PAIRS:
        parts = torch.randn(2, 3), torch.randn(2, 7)
        assert generator.build(around, *parts)(*parts).shape == (2, 1, 16, 16)


def test_sizes_that_do_not_halve_four_times_are_refused(context):
    for encoder, generator in PAIRS[:2]:
        with pytest.raises(UnbraidError, match=r"28 x 28[\s\S]*conv_encoder"):
            encoder.build(context(1, 28, 28, code=LATENTS), torch.empty(2, 1, 28, 28))
        with pytest.raises(UnbraidError, match="no multiple of 16"):
            generator.build(context(1, 64, 40, code=LATENTS), torch.empty(2, 10))


def test_encoders_look_at_one_image(context):
    x = torch.empty(2, 1, 16, 16)
    with pytest.raises(UnbraidError, match="called with 2 values"):
        StudyEncoder().build(context(1, 16, 16, code=LATENTS), x, x)
    with pytest.raises(UnbraidError, match="declares none"):
        FcEncoder().build(context(1, 16, 16, code=Layout(())), x)
