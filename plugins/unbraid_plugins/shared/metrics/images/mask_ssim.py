"""Structural similarity of what lies under a mask, such as a person."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.images.psnr_ssim import Likeness, Range, edge_of, mean_of, ssim_map


@attrs.frozen(eq=False)
class MaskedLikeness(Likeness):
    """Similarities of masked pairs of images.

    by_image: (N,), over the whole image, as the papers have it; pixels that are black in both count as equal.
    score: its mean.
    inside: mean over the places under the mask alone.
    data_range: L, or "target".
    """

    inside: float
    data_range: float | str


def mask_ssim(images: np.ndarray, others: np.ndarray, masks: np.ndarray, *, window: str = "uniform",
              data_range: Range = 1.0) -> MaskedLikeness:
    """Return the structural similarity of images under a mask:  SSIM(m a, m b)  (Ma et al. 2017, section 4).

    The authors' code has scikit-image's window of 7 x 7 and the range of the pixels, which are the defaults. Their SSIM
    without a mask has another range, that of each target image (`ssim(..., data_range="target")`).

    images: (N, C, H, W) in [0, 1].
    others: the true images, of the same shape.
    masks: (N, 1, H, W) in [0, 1].
    data_range: L in the constants of `ssim`.

    Raises ValueError where the shapes do not fit.
    """
    a, b, m = (np.asarray(v, np.float64) for v in (images, others, masks))
    if m.ndim != 4 or a.ndim != 4 or m.shape != (len(a), 1, *a.shape[2:]):
        raise ValueError(f"the masks of images {a.shape} must be {(len(a), 1, *a.shape[2:])}; found {m.shape}")
    similar = ssim_map(m * a, m * b, window=window, data_range=data_range)
    edge, whole = edge_of(window), mean_of(similar)
    under = np.broadcast_to(m[:, :, edge:-edge, edge:-edge], similar.shape)
    inside = float((similar * under).sum() / under.sum()) if under.any() else float("nan")
    return MaskedLikeness(whole.by_image, whole.score, inside, data_range)


@metric(name="mask_ssim", better="higher")
def of_masks(images: np.ndarray, reconstructions: np.ndarray, masks: np.ndarray) -> MaskedLikeness:
    """Structural similarity of reconstructions under the true masks of persons or things, for pixels in [0, 1]."""
    return mask_ssim(reconstructions, images, masks)
