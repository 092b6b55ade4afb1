"""The error of analogies: the shared factors of one image and the varying ones of another, beside the true image."""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.edits.image_functions import ImageFunctions
from unbraid_plugins.shared.metrics.images.psnr_ssim import psnr


@attrs.frozen(eq=False)
class AnalogyError:
    """Errors of functions of two images, and of copying one of them.

    mse, psnr: function -> error, and dB; the mean over pairs.
    shared_from: function -> the parameter that gives the shared factors, which is the one of the smaller error.
    copying: shared, varying -> the mean squared error of the image that gives it, unchanged.
    function: the best one.
    score: its mean squared error; lower is better.
    """

    mse: dict[str, float]
    psnr: dict[str, float]
    shared_from: dict[str, str]
    copying: dict[str, float]
    function: str
    score: float = attrs.field(metadata={"better": "lower"})


@metric
def analogy_error(functions: ImageFunctions, analogies: Mapping[str, np.ndarray]) -> AnalogyError:
    """Compare a function of two images with the true image (Denton, Birodkar 2017, figure 3; Reed et al. 2015).

    The true image is in the data: it has the factors that images of a pair or clip share from the one image, and all
    others from the other one.

    functions: name -> a function of images; those of two images count.
    analogies: shared, varying, truth -> (P, C, H, W).

    Raises ValueError without such a function.
    """
    shared, varying, truth = (analogies[name] for name in ("shared", "varying", "truth"))
    mse, decibels, giver = {}, {}, {}
    for name, function in functions.items():
        if len(function.parameters) != 2:
            continue
        both = [function(shared, varying), function(varying, shared)]
        errors = [float(np.square(made - truth).mean()) for made in both]
        first = int(np.argmin(errors))
        mse[name], giver[name] = errors[first], function.parameters[first]
        decibels[name] = psnr(both[first], truth).score
    if not mse:
        raise ValueError("an analogy is a function of two images, and the recipe has none: analogy(x, y): ...")
    best = min(mse, key=lambda name: mse[name])
    copying = {"shared": float(np.square(shared - truth).mean()), "varying": float(np.square(varying - truth).mean())}
    return AnalogyError(mse, decibels, giver, copying, best, mse[best])
