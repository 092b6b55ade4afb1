"""Losses on labels. Rows with an unknown label do not count; a batch without any known label costs 0."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from unbraid import Label, loss
from unbraid_plugins.shared.losses.reconstruction import same_shape


@loss
def binary_cross_entropy(logits: Tensor, target: Tensor | float) -> Tensor:
    """Cross-entropy of independent yes/no questions:  -mean [ t log p + (1 - t) log(1 - p) ],  p = sigmoid(logits).

    logits: (B, n), unbounded.
    target: the same shape in [0, 1], or one number for all (0.5: undecided; 0.95: a softened yes).

    Returns a scalar, the mean over batch and questions.  Raises ValueError where the shapes differ.
    """
    if isinstance(target, Tensor):
        same_shape("binary_cross_entropy", logits, target)
        wanted = target.to(logits.dtype)
    else:
        wanted = torch.full_like(logits, target)
    return functional.binary_cross_entropy_with_logits(logits, wanted)


def _check_classes(loss_name: str, logits: Tensor, label: Label) -> None:
    expected = (len(label.index), label.classes)
    if tuple(logits.shape) != expected:
        raise ValueError(f"{loss_name} takes one logit per class, {expected}; these are {tuple(logits.shape)}")


@loss
def cross_entropy(logits: Tensor, label: Label) -> Tensor:
    """Cross-entropy of a class label:  -mean log softmax(logits)[label] over the rows whose label is known.

    logits: (B, classes), unbounded; label: its index is -1 where unknown.  Returns a scalar; 0 if none is known.
    Raises ValueError where the number of classes or the batch differs.
    """
    _check_classes("cross_entropy", logits, label)
    known = (label.index >= 0).sum().clamp(min=1)
    return functional.cross_entropy(logits, label.index.long(), ignore_index=-1, reduction="sum") / known


@loss
def accuracy(logits: Tensor, label: Label) -> Tensor:
    """Share of the known labels that have the largest logit, in [0, 1]: for logging or for `when`; it has no gradient.

    logits: (B, classes); label: its index is -1 where unknown.  Returns a scalar; 0 if none is known.
    Raises ValueError where the number of classes or the batch differs.
    """
    _check_classes("accuracy", logits, label)
    known = (label.index >= 0).sum().clamp(min=1)
    return (logits.detach().argmax(1) == label.index).sum() / known


@loss
def label_mse(prediction: Tensor, number: Tensor) -> Tensor:
    """Mean squared error of a label that is a number, over the known ones.

    prediction: (B, n).
    number: the same shape, NaN where unknown; (B,) stands for (B, 1).

    Returns a scalar; 0 if none is known.  Raises ValueError where the shapes differ.
    """
    prediction, number = (v.unsqueeze(1) if v.ndim == 1 else v for v in (prediction, number))
    same_shape("label_mse", prediction, number)
    known = ~number.isnan()
    wanted = number.nan_to_num().to(prediction.dtype)
    return ((prediction - wanted).square() * known).sum() / known.sum().clamp(min=1)
