"""Encoder, generator and critic of the paper, on the layers of CASIA-Net; for images of other sizes too.

Images are in [-1, 1] inside the networks and in [0, 1] outside.
"""

from __future__ import annotations

import attrs
import torch
from attrs.validators import deep_iterable, ge, in_, instance_of, optional
from torch import Tensor, nn

from unbraid import Code, Context, Layout, Record, UnbraidError, critic, encoder, generator
from unbraid_plugins.papers.drgan.casia import painter, plan, sizes, trunk
from unbraid_plugins.shared.convnets.heads import names
from unbraid_plugins.shared.convnets.inputs import flat_size, image_shape, vectors
from unbraid_plugins.shared.convnets.layers import with_small_weights
from unbraid_plugins.shared.convnets.wrappers import Signed

MEAN = 10                                          # times the width: channels of the last map, whose mean is f(x)
LAYERS = attrs.field(default=3, validator=in_((1, 2, 3)))
WIDTH = attrs.field(default=32, validator=ge(1))


class Pooled(nn.Module):
    """The mean of each channel over all places: (B, c, h, w) -> (B, c)."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the means."""
        return x.mean((2, 3))


class WithConfidence(nn.Module):
    """The last number of the body is the logit of a confidence."""

    def __init__(self, body: nn.Module, layout: Layout) -> None:
        super().__init__()
        self.body, self.layout = body, layout

    def forward(self, image: Tensor) -> Record:
        """(B, C, H, W) in [0, 1] -> the code (B, D) under its factor's name, and confidence (B, 1) in (0, 1)."""
        found = self.body(image)
        code = Code(found[:, :-1], self.layout)
        return Record({**{name: code.part(name) for name in self.layout.names}, "confidence": found[:, -1:].sigmoid()})


@encoder
@attrs.frozen(kw_only=True)
class Encoder:
    """G_enc: CASIA-Net from an image to f(x), the mean of the last map, and to a confidence (Tran et al. 2017, 3.4).

    Image (B, C, H, W) in [0, 1] -> a code (B, D), 320 in the paper; with a confidence, a record of it and of
    `confidence` (B, 1) in (0, 1).

    width: channels of the first layer, 32 in the paper; the others have up to 10 width.
    layers: convolutions in each level, 3 in the paper; 1 for a shallow one.
    confidence: whether there is one, for the fusion of several images.
    """

    width: int = WIDTH
    layers: int = LAYERS
    confidence: bool = attrs.field(default=False, validator=instance_of(bool))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        image = image_shape(context.name, inputs)
        if not context.code.size:
            raise UnbraidError(f"{context.name} should make a code, but the recipe declares none",
                               hint="code: {identity: 320, yaw: 9 classes, noise: 50 uniform}")
        if self.confidence and "confidence" in context.code:
            raise UnbraidError(f"{context.name}: 'confidence' is the name of the confidence itself, and of a factor")
        body = trunk(image, plan(self.layers, context.code.size + self.confidence, self.width), activated=False)
        looking = with_small_weights(Signed(nn.Sequential(body, Pooled())))
        return WithConfidence(looking, context.code) if self.confidence else looking


class Painting(nn.Module):
    """A linear layer from codes to the smallest map, and a body; its output is scaled from [-1, 1] to [0, 1]."""

    def __init__(self, first: nn.Module, body: nn.Module) -> None:
        super().__init__()
        self.first, self.body = first, body

    def forward(self, *codes: Tensor) -> Tensor:
        """(B, D), ... -> image (B, C, H, W) in [0, 1]."""
        return 0.5 * (self.body(self.first(vectors(codes))).tanh() + 1)


@generator
@attrs.frozen(kw_only=True)
class Generator:
    """G_dec: a linear layer and transposed convolutions, the encoder backwards, from f(x), pose and noise to an image.

    Codes (B, D), several are concatenated -> image (B, C, H, W) in [0, 1].

    width, layers: as in the encoder.
    """

    width: int = WIDTH
    layers: int = LAYERS

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for codes of this shape."""
        if not inputs:
            raise UnbraidError(f"{context.name} is called without a value",
                               hint=f"give it the codes: {context.name}(f, pose, noise)")
        first = MEAN * self.width
        height, width = sizes(*context.image[1:])[-1]
        entry = nn.Sequential(nn.Linear(flat_size(inputs), first * height * width),
                              nn.Unflatten(1, (first, height, width)))
        return with_small_weights(Painting(entry, painter(first, context.image, plan(self.layers, first, self.width))))


class Heads(nn.Module):
    """A linear layer for each label, and one for real or fake: (B, features) -> a record.

    labels: name -> classes.
    fake: the label whose layer also makes the score, by one class more, or None.
    """

    def __init__(self, features: int, labels: dict[str, int], fake: str | None) -> None:
        super().__init__()
        self.labels, self.fake = tuple(labels), fake
        self.score = nn.Linear(features, 1)                             # of real images, or of the fakes' class
        self.logits = nn.ModuleList(nn.Linear(features, classes) for classes in labels.values())

    def forward(self, features: Tensor) -> Record:
        """Return score (B, 1), and logits (B, classes) under each label's name."""
        answers = {name: layer(features) for name, layer in zip(self.labels, self.logits, strict=True)}
        score = self.score(features)
        if self.fake:
            score = torch.logsumexp(answers[self.fake], 1, keepdim=True) - score
        return Record({"score": score, **answers})


@critic
@attrs.frozen(kw_only=True)
class Critic:
    """D: CASIA-Net with a head for each label, and for real or fake (Tran et al. 2017, 3.2; PAMI 2018).

    Image (B, C, H, W) in [0, 1] -> a record: `score` (B, 1), the logit of real, and logits (B, classes) for each label.

    In CVPR 2017 there is no head for real or fake, and the identities have one class more, for fakes: `fake: identity`.
    With logits l_k of N identities and l_F of the fakes,

        score = log sum_k exp l_k - l_F,    so that  -log p_F = -log(1 - D),  -log p_k = -log D - log softmax_k(l),

    where D is the sigmoid of the score: the losses of both formulations are the same expressions.

    width, layers: as in the encoder.
    heads: labelled factors to predict, the identity and the pose.
    fake: the head that has one class more, for fakes, from which the score follows; None for a separate score.
    """

    width: int = WIDTH
    layers: int = LAYERS
    heads: tuple[str, ...] = attrs.field(default=("identity", "yaw"), converter=names,
                                         validator=deep_iterable(instance_of(str)))
    fake: str | None = attrs.field(default=None, validator=optional(instance_of(str)))

    def build(self, context: Context, *inputs: Tensor) -> nn.Module:
        """Build the module for images of this shape."""
        if "score" in self.heads:
            raise UnbraidError(f"{context.name}: heads: 'score' is the name of the realism score itself",
                               hint="rename the factor in the source, for example  rename: {score: rating}")
        for name in self.heads:
            if name not in context.factors:
                raise UnbraidError(f"{context.name}: heads: the data has no labelled factor {name!r}",
                                   hint=f"labelled factors: {', '.join(context.factors) or 'none'}. Others are renamed "
                                   f"in the source:  rename: {{person: {name}}}")
        if self.fake is not None and self.fake not in self.heads:
            raise UnbraidError(f"{context.name}: fake: {self.fake!r} is no head",
                               hint=f"the heads are {', '.join(self.heads) or 'none'}")
        features = MEAN * self.width
        body = trunk(image_shape(context.name, inputs), plan(self.layers, features, self.width), activated=True)
        heads = Heads(features, {name: context.factors[name] for name in self.heads}, self.fake)
        return with_small_weights(Signed(nn.Sequential(body, Pooled(), heads)))
