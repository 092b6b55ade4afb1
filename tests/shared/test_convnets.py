from collections.abc import Callable
from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor, nn

from unbraid import Code, Gaussian, Layout, Record, UnbraidError
from unbraid.values import map_tensors
from unbraid_plugins.shared.convnets import (
    ConvCritic,
    ConvEncoder,
    ConvGenerator,
    Mlp,
    MlpCritic,
    MlpEncoder,
    MlpGenerator,
    ResCritic,
    ResEncoder,
    ResGenerator,
)
from unbraid_plugins.shared.convnets.skips import Skips
from unbraid_plugins.shared.convnets.transposed import Enlarging, _added_up, enlarge

SIZES = [(1, 8, 8), (3, 16, 16), (1, 28, 28), (3, 60, 60), (2, 64, 64), (3, 96, 96), (3, 17, 41), (1, 96, 16)]
ENCODERS = [ConvEncoder(width=4), ResEncoder(width=4), MlpEncoder(hidden=(8,))]
GENERATORS = [ConvGenerator(width=4), ResGenerator(width=4), MlpGenerator(hidden=(8,))]
CRITICS = [ConvCritic(width=4), ResCritic(width=4), MlpCritic(hidden=(8,))]


def meta(*shape):
    return torch.empty(shape, device="meta")


@pytest.mark.parametrize("image", SIZES, ids=str)
def test_every_size_goes_to_a_code_and_back(context, image):
    x = torch.rand(2, *image)
    for encoder, generator, critic in zip(ENCODERS, GENERATORS, CRITICS, strict=True):
        around = context(*image)
        f = encoder.build(around, meta(2, *image))(x)
        y = generator.build(around, meta(2, 10))(f)
        assert f.shape == (2, 10)
        assert y.shape == x.shape
        assert 0 <= y.min() <= y.max() <= 1
        assert critic.build(around, meta(2, *image))(y).shape == (2, 1)


@pytest.mark.parametrize("norm", ["none", "instance", "batch"])
def test_norms_work_for_training_and_at_rest(context, norm):
    for image in ((3, 8, 8), (3, 17, 41)):
        x = torch.rand(2, *image)
        for family in ((ConvEncoder, ConvGenerator, ConvCritic), (ResEncoder, ResGenerator, ResCritic)):
            inputs = x, meta(2, 10), x
            boxes = [box(width=4, norm=norm).build(context(*image), v) for box, v in zip(family, inputs, strict=True)]
            for training in (True, False):
                for box in boxes:
                    box.train(training)
                f = boxes[0](x)
                y = boxes[1](f)
                s = boxes[2](y)
                s.sum().backward()
                assert torch.isfinite(f).all()
                assert all(torch.isfinite(p.grad).all() for box in boxes for p in box.parameters())
            kinds = {type(m).__name__ for box in boxes for m in box.modules()}
            assert ("BatchNorm2d" in kinds, "InstanceNorm2d" in kinds) == (norm == "batch", norm == "instance")


def test_first_weights_keep_the_scale_of_signals(context):
    for image in ((3, 16, 16), (3, 96, 96)):
        x = torch.randn(8, *image)
        for encoder, generator in zip((ConvEncoder(), ResEncoder()), (ConvGenerator(output="logits"),
                                                                      ResGenerator(output="logits")), strict=True):
            assert 0.3 < encoder.build(context(*image), x)(x).std().item() < 6
            z = torch.randn(8, 10)
            assert 0.3 < generator.build(context(*image), z)(z).std().item() < 6


@pytest.mark.parametrize("encoder", [ConvEncoder, ResEncoder, MlpEncoder])
def test_a_gaussian_code(context, encoder):
    x = torch.rand(4, 3, 16, 16)
    q = encoder(gaussian=True).build(context(), x)(x)
    assert isinstance(q, Gaussian)
    assert q.mean.shape == q.logvar.shape == (4, 10)
    assert q.std.detach().mean().item() == pytest.approx(1, abs=0.2)    # it begins near the prior's spread


@pytest.mark.parametrize("encoder", [ConvEncoder, ResEncoder, MlpEncoder])
def test_one_gaussian_factor_makes_a_record(context, encoder):
    x = torch.rand(4, 3, 16, 16)
    out = encoder(gaussian="pose").build(context(), x)(x)
    assert isinstance(out, Record)
    assert set(out.parts) == {"chunk", "pose"}
    assert isinstance(out.parts["chunk"], Code)
    assert out.parts["chunk"].layout.names == ("chunk1", "chunk2")
    assert isinstance(out.parts["pose"], Gaussian)
    assert out.parts["pose"].mean.layout.names == ("pose",)
    assert out.parts["pose"].logvar.shape == (4, 4)


def test_one_gaussian_part_of_a_group_divides_the_group(context):
    x = torch.rand(2, 3, 16, 16)
    out = MlpEncoder(gaussian="chunk1").build(context(), x)(x)
    assert {name: type(v) for name, v in out.parts.items()} == {"chunk1": Gaussian, "chunk2": Code, "pose": Code}
    group = MlpEncoder(gaussian="chunk").build(context(), x)(x)
    assert group.parts["chunk"].logvar.shape == (2, 6)


def test_a_gaussian_factor_that_there_is_not_is_refused(context):
    with pytest.raises(UnbraidError, match=r"'style'[\s\S]*chunk, chunk1, chunk2, pose"):
        ConvEncoder(gaussian="style").build(context(), meta(2, 3, 16, 16))


def test_an_encoder_without_a_code_is_refused(context):
    with pytest.raises(UnbraidError, match="declares none"):
        ConvEncoder().build(context(code=Layout(())), meta(2, 3, 16, 16))


@pytest.mark.parametrize("generator", [ConvGenerator, ResGenerator, MlpGenerator])
def test_outputs_and_channels_of_a_generator(context, generator):
    z = 30 * torch.randn(4, 10)
    for output, low, high in (("sigmoid", 0, 1), ("tanh", 0, 1), ("logits", -torch.inf, torch.inf)):
        y = generator(output=output, channels=1).build(context(3, 16, 24), z)(z)
        assert y.shape == (4, 1, 16, 24)
        assert low <= y.min() <= y.max() <= high
    assert y.min() < 0
    assert y.max() > 1


@pytest.mark.parametrize("generator", [ConvGenerator(width=4), ResGenerator(width=4), MlpGenerator()])
def test_a_generator_joins_its_inputs(context, generator):
    parts = torch.randn(3, 4), torch.randn(3, 2), torch.randn(3)
    box = generator.build(context(), *parts)
    moved = [torch.autograd.grad(box(*parts[:i], v.requires_grad_(), *parts[i + 1:]).sum(), v)[0]
             for i, v in enumerate(parts)]
    assert all(slope.abs().max() > 0 for slope in moved)                # every input reaches the image


@pytest.mark.parametrize("generator", [ConvGenerator(width=4), ResGenerator(width=4)])
def test_spatial_codes_are_taken_where_they_are(context, generator):
    for image in ((3, 16, 16), (1, 21, 40)):
        for halvings in range(4):
            place = image[1] >> halvings, image[2] >> halvings
            z, pose = torch.randn(2, 5, *place), torch.randn(2, 4)
            assert generator.build(context(*image), z)(z).shape == (2, *image)
            assert generator.build(context(*image), z, pose)(z, pose).shape == (2, *image)
    with pytest.raises(UnbraidError, match=r"5 x 5[\s\S]*16 x 16, 8 x 8, 4 x 4, 2 x 2, 1 x 1"):
        generator.build(context(), meta(2, 5, 5, 5))


@pytest.mark.parametrize("critic", [ConvCritic(width=4), ResCritic(width=4), MlpCritic()])
def test_critics_look_at_pairs_and_labels(context, critic):
    x, y, label = torch.rand(3, 3, 16, 16), torch.rand(3, 1, 16, 16), torch.eye(3, 5)
    box = critic.build(context(), x, y, label)
    assert box(x, y, label).shape == (3, 1)
    for i in range(3):
        inputs = [x.clone(), y.clone(), label.clone()]
        inputs[i].requires_grad_()
        assert torch.autograd.grad(box(*inputs).sum(), inputs[i])[0].abs().max() > 0


@pytest.mark.parametrize("critic", [ConvCritic, ResCritic, MlpCritic])
def test_heads_answer_by_name(context, critic):
    x = torch.rand(2, 3, 16, 16)
    out = critic(heads=["identity", "pose"]).build(context(identity=7, pose=3), x)(x)
    assert {name: v.shape for name, v in out.parts.items()} == {"score": (2, 1), "identity": (2, 7), "pose": (2, 3)}
    assert critic(heads="pose").heads == ("pose",)
    with pytest.raises(UnbraidError, match=r"'light'[\s\S]*identity, pose"):
        critic(heads=["light"]).build(context(identity=7, pose=3), x)
    with pytest.raises(UnbraidError, match="'score'"):
        critic(heads=["score"]).build(context(score=7), x)


def test_spectral_norm_bounds_every_layer(context):
    x = torch.rand(2, 3, 16, 16)
    for critic in (ConvCritic(width=4, norm="spectral"), ResCritic(width=4, norm="spectral")):
        box = critic.build(context(), x)
        for _ in range(30):                                             # power iteration, one step per call
            box(x)
        weights = [m.weight.flatten(1) for m in box.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(weights) >= 3
        for w in weights:
            assert torch.linalg.matrix_norm(w, 2).item() == pytest.approx(1, abs=0.02)


def test_mlp_makes_the_code_or_what_it_is_told(context):
    x = torch.randn(2, 7)
    assert Mlp().build(context(), x)(x).shape == (2, 10)
    assert Mlp(out=5, hidden=()).build(context(), x)(x).shape == (2, 5)
    with pytest.raises(UnbraidError, match="out: N"):
        Mlp().build(context(code=Layout(())), x)


def test_wrong_calls_are_explained(context):
    with pytest.raises(UnbraidError, match=r"box looks at images[\s\S]*mlp_critic"):
        ConvCritic().build(context(), meta(2, 10))
    with pytest.raises(UnbraidError, match="8 x 8, 16 x 16"):
        ConvCritic().build(context(), meta(2, 3, 16, 16), meta(2, 3, 8, 8))
    with pytest.raises(UnbraidError, match="without a value"):
        MlpGenerator().build(context())
    with pytest.raises(UnbraidError, match="without a value"):
        ConvGenerator().build(context())
    with pytest.raises(UnbraidError, match=r"7 x 32[\s\S]*mlp_encoder"):
        ConvEncoder().build(context(3, 7, 32), meta(2, 3, 7, 32))
    with pytest.raises(UnbraidError, match=r"\(2, 3, 4\)"):
        ConvGenerator().build(context(), meta(2, 3, 4))


@pytest.mark.parametrize(("make", "options"), [
    (ConvEncoder, {"width": 0}), (ConvEncoder, {"norm": "layer"}), (ConvEncoder, {"gaussian": 1}),
    (ConvGenerator, {"output": "relu"}), (ConvGenerator, {"channels": 0}), (ResCritic, {"norm": "group"}),
    (MlpEncoder, {"hidden": (0,)}), (Mlp, {"out": 0}), (MlpCritic, {"heads": (1,)})])
def test_options_are_validated(make, options):
    with pytest.raises((ValueError, TypeError)):
        make(**options)


def test_weights_come_from_torchs_generator_alone(context):
    x = torch.rand(2, 3, 16, 16)

    def first_weights():
        torch.manual_seed(3)
        return torch.cat([p.flatten() for p in ConvEncoder(gaussian=True).build(context(), x).parameters()])

    assert torch.equal(first_weights(), first_weights())


@pytest.mark.parametrize(("kernel", "stride", "padding", "even"),
                         [(4, 2, 1, (0, 0)), (3, 2, 1, (1, 0)), (5, 1, 2, (0, 0))])
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("images", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
def test_enlarging_is_the_transposed_convolution(kernel: int, stride: int, padding: int, even: tuple[int, int],
                                                 channels: int, images: torch.memory_format, bias: bool) -> None:
    layer = Enlarging(5, channels, kernel, stride=stride, padding=padding, output_padding=even, bias=bias).double()
    x = torch.randn(2, 5, 6, 7, dtype=torch.float64).to(memory_format=images).requires_grad_()
    made, plain = layer(x), nn.ConvTranspose2d.forward(layer, x)
    torch.testing.assert_close(made, plain)
    for ours, torchs in zip(*(torch.autograd.grad(y.square().sum(), (x, *layer.parameters())) for y in (made, plain)),
                            strict=True):
        torch.testing.assert_close(ours, torchs)


def test_columns_are_added_up_where_torch_adds_them() -> None:
    """To the last bit, for all kernels, strides and paddings, and for maps of a pixel, too."""
    found = 0
    for kernel, stride, padding, dilation, odd in product((1, 2, 3, 4, 5, 7), (1, 2, 3), (0, 1, 3), (1, 2), (0, 1)):
        for h, w in ((1, 1), (2, 3), (6, 7)):
            size = [(n - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1 + odd for n in (h, w)]
            if odd >= max(stride, dilation) or min(size) < 1 or (odd and stride == 1):
                continue                           # no transposed convolution does that
            columns, window = torch.randn(2, 3, kernel, kernel, h, w), [[n, n] for n in (dilation, padding, stride)]
            theirs = torch.ops.aten.col2im(columns.reshape(2, -1, h * w), size, [kernel, kernel], *window)
            assert torch.equal(_added_up(columns, size, *reversed(window)), theirs)
            found += 1
    assert found > 200


@pytest.mark.parametrize("channels", [1, 3, 6])
@pytest.mark.parametrize("images", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
def test_enlarging_in_bfloat16(channels: int, images: torch.memory_format, bias: bool) -> None:
    """As near to the exact numbers as torch's own under autocast."""
    layer = Enlarging(32, channels, 4, stride=2, padding=1, bias=bias).to(memory_format=images)
    x = torch.randn(4, 32, 6, 7).to(memory_format=images).requires_grad_()

    def found(forward: Callable[[Tensor], Tensor], lower: bool) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=lower):
            y = forward(x)
        assert y.dtype == (torch.bfloat16 if lower else torch.float32)
        return [y, *torch.autograd.grad(y.float().square().sum(), (x, *layer.parameters()))]

    exact, torchs = (found(partial(nn.ConvTranspose2d.forward, layer), lower) for lower in (False, True))
    for true, own, other in zip(exact, found(layer, True), torchs, strict=True):
        assert own.dtype == other.dtype
        assert (own - true).norm() <= 1.2 * (other - true).norm()


@pytest.mark.parametrize("channels", [2, 6])
def test_enlarging_is_differentiated_twice(channels: int) -> None:
    layer = Enlarging(3, channels, 4, stride=2, padding=1).double()
    x = torch.randn(2, 3, 3, 3, dtype=torch.float64).to(memory_format=torch.channels_last).requires_grad_()

    def penalty(made: Tensor) -> tuple[Tensor, ...]:
        slope, = torch.autograd.grad(made.square().sum(), x, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), (x, *layer.parameters()))

    for ours, torchs in zip(penalty(layer(x)), penalty(nn.ConvTranspose2d.forward(layer, x)), strict=True):
        torch.testing.assert_close(ours, torchs)


@pytest.mark.parametrize("images", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("weights", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("bias", [True, False])
def test_enlarging_is_the_same_when_it_is_compiled(images: torch.memory_format, weights: torch.memory_format,
                                                   bias: bool) -> None:
    layer = Enlarging(5, 3, 4, stride=2, padding=1, bias=bias).to(memory_format=weights)
    x = torch.randn(2, 5, 6, 7).contiguous(memory_format=images).requires_grad_()
    given = x, layer.weight, [4, 4], layer.bias, [2, 2], [1, 1], [0, 0], [1, 1]
    torch.library.opcheck(enlarge, given)
    assert enlarge(*given).is_contiguous()      # as its shape function says, which opcheck does not compare
    torch._dynamo.reset()
    for y in (layer(x), torch.compile(layer, backend="aot_eager", fullgraph=True)(x)):
        gradients = torch.autograd.grad(y.square().sum(), (x, *layer.parameters()))
        plain = nn.ConvTranspose2d.forward(layer, x)
        torch.testing.assert_close(y, plain)
        for ours, torchs in zip(gradients, torch.autograd.grad(plain.square().sum(), (x, *layer.parameters())),
                                strict=True):
            torch.testing.assert_close(ours, torchs, rtol=1e-4, atol=1e-4)


def test_enlarging_trains_several_weights_as_one() -> None:
    layers = [Enlarging(4, 2, 4, stride=2, padding=1) for _ in range(3)]
    weights, _ = torch.func.stack_module_state(layers)
    x = torch.randn(3, 2, 4, 5, 5)
    made = torch.vmap(lambda own, one: torch.func.functional_call(layers[0], own, (one,)))(weights, x)
    torch.testing.assert_close(made, torch.stack([layer(one) for layer, one in zip(layers, x, strict=True)]))


# -- bounded codes and skips -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoder", [ConvEncoder, ResEncoder])
def test_codes_stay_in_their_bounds(context, encoder):
    x = torch.rand(16, 3, 16, 16)
    tanh = encoder(width=4, code_norm=True, bound="tanh").build(context(), x)
    f = tanh(x)
    assert f.abs().max() < 1
    assert torch.atanh(f).mean(0).abs().max() < 1e-3                 # normalised before the bound
    assert torch.allclose(torch.atanh(f).std(0, unbiased=False), torch.ones(10), atol=0.02)
    unit = encoder(width=4, bound="unit").build(context(), x)(x)     # chunk1 3, chunk2 3, pose 4
    assert all(torch.allclose(part.norm(dim=1), torch.ones(16)) for part in unit.split([3, 3, 4], 1))
    free = encoder(width=4).build(context(), x)
    assert free.head.ends(5 * x[:, 0, 0, :10]).abs().max() > 1
    with pytest.raises(UnbraidError, match=r"neither normalised nor bounded.*"):
        encoder(gaussian=True, bound="tanh").build(context(), x)


@pytest.mark.parametrize("image", [(3, 16, 16), (1, 28, 28), (3, 17, 41)], ids=str)
def test_skips_go_from_an_encoder_to_a_generator(context, image):
    around, x = context(*image), torch.rand(2, *image)
    encoder = ConvEncoder(width=4, skips=True).build(around, meta(2, *image))
    seen = encoder(x)
    assert (type(seen), type(seen.parts["code"])) == (Record, Code)
    plain = ConvEncoder(width=4).build(around, meta(2, *image))
    plain.load_state_dict(encoder.state_dict())                      # the same network
    assert torch.equal(plain(x), seen.parts["code"].tensor)
    for inputs in ((seen,), (seen.parts["code"].tensor, seen.parts["skips"]), (seen, torch.rand(2, 3))):
        generator = ConvGenerator(width=4, norm="batch").build(around, *map_tensors(lambda t: t.to("meta"), inputs))
        made = generator(*inputs)
        assert made.shape == x.shape
        made.square().sum().backward(retain_graph=True)
        assert all(p.grad is not None and p.grad.isfinite().all() for p in generator.parameters())
        for i in range(len(seen.parts["skips"].maps)):               # every map matters
            maps = [torch.zeros_like(m) if i == j else m for j, m in enumerate(seen.parts["skips"].maps)]
            other = Record({**seen.parts, "skips": Skips(tuple(maps))})
            swapped = [other if v is seen else other.parts["skips"] if isinstance(v, Skips) else v for v in inputs]
            assert not torch.allclose(generator(*swapped), made)
    assert all(p.grad is not None for p in encoder.parameters())     # also through the skips


def test_skips_that_do_not_fit_are_explained(context):
    x = torch.rand(2, 3, 32, 32)
    seen = ConvEncoder(width=4, skips=True).build(context(3, 32, 32), x)(x)
    with pytest.raises(UnbraidError, match=r"8 x 8, 4 x 4 with skips; these are 16 x 16, 8 x 8, 4 x 4"):
        ConvGenerator(width=4).build(context(3, 16, 16), seen)
    with pytest.raises(UnbraidError, match="called with a record"):
        ResGenerator(width=4).build(context(3, 32, 32), seen)
    with pytest.raises(UnbraidError, match="with skips the code is whole"):
        ConvEncoder(skips=True, gaussian="pose").build(context(3, 32, 32), x)
    q = ConvEncoder(width=4, skips=True, gaussian=True).build(context(3, 32, 32), x)(x).parts["code"]
    assert isinstance(q, Gaussian)
    assert isinstance(q.mean, Code)
