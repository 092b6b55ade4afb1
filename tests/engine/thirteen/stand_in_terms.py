"""Small losses and operations that stand in for those of papers whose plugins are not part of these tests."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from unbraid import Code, Gaussian, Label, Random, Record, Set, loss, operation


def refuse_unequal(a: Tensor, b: Tensor) -> None:
    if a.shape != b.shape:
        raise ValueError(f"shapes {tuple(a.shape)} and {tuple(b.shape)}")


# -- Shu et al. --------------------------------------------------------------------------------------------------------


@loss
def energy(again: Tensor, image: Tensor) -> Tensor:
    """How badly the critic reconstructs."""
    refuse_unequal(again, image)
    return (again - image).square().mean()


@loss
def hinge_energy(again: Tensor, image: Tensor, *, margin: float) -> Tensor:
    """max(0, margin - energy), with a margin of the scale of energies."""
    return (margin - energy(again, image)).clamp(min=0)


@loss
def white_shading(shading: Tensor, mask: Tensor) -> Tensor:
    """The mean shading should be white."""
    return ((shading * mask).mean() - 0.5).square()


@operation
def unit_normals(v: Tensor) -> Tensor:
    """Vectors of length 1."""
    return functional.normalize(v - 0.5, dim=1)


@operation
def sh_shading(normals: Tensor, light: Tensor) -> Tensor:
    """Linear shading by the first numbers of the light."""
    weights = light[:, :9].reshape(-1, 3, 3)
    return torch.einsum("bij,bjhw->bihw", weights, normals).sigmoid()


@operation
def composite(matte: Tensor, front: Tensor, behind: Tensor) -> Tensor:
    """matte * front + (1 - matte) * behind."""
    return matte * front + (1 - matte) * behind


# -- a 3D GAN ----------------------------------------------------------------------------------------------------------


@operation
def viewpoints(*, yaw: float, random: Random) -> Tensor:
    """Random views, (B, 3)."""
    angle = yaw * (2 * random.uniform(random.batch, 1) - 1)
    return torch.cat([angle, torch.ones(random.batch, 2, device=random.device)], 1)


# -- InfoGAN, VAEs -----------------------------------------------------------------------------------------------------


@loss
def nll(guess: Record, c: Code) -> Tensor:
    """Negative log-likelihood of category and style."""
    style: Gaussian = guess.parts["style"]
    category = -(c.part("category").tensor * guess.parts["category"].log_softmax(1)).sum(1)
    away = (c.part("style").tensor - style.mean).square() / style.logvar.exp() + style.logvar
    return (category + 0.5 * away.sum(1)).mean()


@loss
def total_correlation(z: Tensor, q: Gaussian) -> Tensor:
    """A minibatch's estimate of the dependence between the numbers of z (Chen et al. 2018)."""
    mean = q.mean.tensor if isinstance(q.mean, Code) else q.mean
    logs = -0.5 * ((z[:, None] - mean[None]).square() / q.logvar.exp()[None] + q.logvar[None])
    return (logs.sum(2).logsumexp(1) - logs.logsumexp(1).sum(1)).mean()


@loss
def dip(q: Gaussian, *, off: float, diag: float) -> Tensor:
    """The covariance of the means should be the identity (Kumar et al. 2018); `torch.cov` can't run on meta tensors."""
    mean = q.mean.tensor if isinstance(q.mean, Code) else q.mean
    c = torch.cov(mean.T)
    d = torch.diagonal(c)
    return off * (c - torch.diag(d)).square().sum() + diag * (d - 1).square().sum()


# -- DrNet -------------------------------------------------------------------------------------------------------------


@operation
def shuffle_half(p: Code, *, random: Random) -> tuple[Code, Tensor]:
    """The poses, half of them of other samples; and (B, 1), 1 where it is the own pose."""
    own = (random.uniform(random.batch, 1) < 0.5).to(p.tensor.dtype)
    other = p.tensor[random.permutation(random.batch)]
    return Code(own * p.tensor + (1 - own) * other, p.layout), own


# -- DR-GAN ------------------------------------------------------------------------------------------------------------


@operation
def fuse(f: Set, trust: Set) -> Set:
    """The codes of a set and, as one more, their mean weighted by trust."""
    codes, weights = f.unfolded().tensor, trust.unfolded()
    mean = (codes * weights).sum(1, keepdim=True) / weights.sum(1, keepdim=True)
    together = torch.cat([codes, mean], 1)
    return Set(Code(together.flatten(0, 1), f.folded.layout), together.shape[1])


@loss
def last_class(logits: Tensor) -> Tensor:
    """Cross-entropy with the last class, `fake`."""
    return -logits.log_softmax(1)[:, -1].mean()


@loss
def label_or_fake(logits: Tensor, label: Label) -> Tensor:
    """Cross-entropy of a label among logits that have one class more, `fake`; the bundled loss refuses these."""
    if logits.shape != (len(label.index), label.classes + 1):
        raise ValueError(f"{tuple(logits.shape)} for {label.classes} classes")
    return functional.cross_entropy(logits, label.index.long())


# -- Ma et al. ---------------------------------------------------------------------------------------------------------


@operation
def joint_mask(joints: Tensor) -> Tensor:
    """Where a person is, (B, 1, 16, 16)."""
    rows = torch.linspace(0, 1, 16, device=joints.device)
    near = (rows - joints[:, :, 0].mean(1, keepdim=True)).abs() < 0.3
    return near.to(joints.dtype)[:, None, :, None].expand(-1, 1, 16, 16)


@operation
def pose_maps(joints: Tensor) -> Tensor:
    """A map per joint, (B, 18, 16, 16)."""
    rows = torch.linspace(0, 1, 16, device=joints.device)
    down = (-(rows - joints[:, :, :1]).square() * 50).exp()
    across = (-(rows - joints[:, :, 1:2]).square() * 50).exp()
    return joints[:, :, 2, None, None] * down[..., None] * across[:, :, None]


# -- for these tests ---------------------------------------------------------------------------------------------------


@loss
def weight_size(network: nn.Module) -> Tensor:
    """The mean square of a network's weights."""
    return torch.stack([p.square().mean() for p in network.parameters()]).mean()


TERMS = {
    "drnet": [shuffle_half],
    "drgan": [label_or_fake],
    "others": [energy, hinge_energy, white_shading, unit_normals, sh_shading, composite, viewpoints, nll,
               total_correlation, dip, fuse, last_class, joint_mask, pose_maps, weight_size],
}
