"""Forecasts of a clip beside the truth, and beside the last frame that was seen."""

from __future__ import annotations

import attrs
import numpy as np

from unbraid import metric
from unbraid_plugins.shared.metrics.chunks.chunks import Factors
from unbraid_plugins.shared.metrics.edits.image_functions import ImageFunction, ImageFunctions
from unbraid_plugins.shared.metrics.edits.oracles import Oracles
from unbraid_plugins.shared.metrics.images.psnr_ssim import psnr


@attrs.frozen(eq=False)
class PredictionError:
    """Forecasts of the best function of a clip, frame by frame.

    function: its name.
    seen: the number of frames that it is given.
    psnr: dB against the true frame, for each frame that there is.
    copying: the same of the last frame that was seen, unchanged.
    kept: factor -> by forecast frame, the share of clips whose class an oracle sees; of factors that a clip shares.
    kept_in_truth: factor -> the same in the true frames, mean over frames.
    ahead: mean of psnr - copying, in dB.
    score: mean of psnr.
    """

    function: str
    seen: int
    psnr: list[float]
    copying: list[float]
    kept: dict[str, list[float]]
    kept_in_truth: dict[str, float]
    ahead: float
    score: float


@metric(better="higher")
def prediction_error(film_functions: ImageFunctions, films: np.ndarray, film_factors: Factors | None = None,
                     oracles: Oracles | None = None) -> PredictionError:
    """Compare a function's forecast of a clip with the clip's true frames (Denton, Birodkar 2017, section 4.3).

    It is given as many frames as in training, or fewer where the clip would be too short for the rest.

    film_functions: name -> a function of clips (K, t, C, H, W) that gives the frames that follow.
    films: (K, T, C, H, W), whole clips.
    film_factors: name -> (K,) classes that are constant in a clip.

    Raises ValueError where the clips have one frame.
    """
    results = [_measured(name, function, films, film_factors, oracles) for name, function in film_functions.items()]
    if not results:
        raise ValueError("the recipe has no function of a clip that gives frames: predict(seen): ...")
    return max(results, key=lambda r: r.score)


def _measured(name: str, function: ImageFunction, films: np.ndarray, factors: Factors | None,
              oracles: Oracles | None) -> PredictionError:
    length = films.shape[1]
    if length < 2:
        raise ValueError("clips of one frame have no future to be compared with")
    horizon = function(films[:1, :min(function.frames, length)]).shape[1]
    seen = max(min(function.frames, length - horizon), min(2, length - 1), 1)
    made, truth = function(films[:, :seen]), films[:, seen:]
    count = min(made.shape[1], truth.shape[1])
    last = films[:, seen - 1]
    likeness = [psnr(made[:, i], truth[:, i]).score for i in range(count)]
    copying = [psnr(last, truth[:, i]).score for i in range(count)]
    kept, in_truth = {}, {}
    if oracles is not None and factors:
        by_frame = [oracles.see(made[:, i]) for i in range(made.shape[1])]
        real = [oracles.see(truth[:, i]) for i in range(count)]
        for factor, y in factors.items():
            kept[factor] = [float((frame[factor] == y)[y >= 0].mean()) for frame in by_frame]
            in_truth[factor] = float(np.mean([(frame[factor] == y)[y >= 0].mean() for frame in real]))
    ahead = float(np.mean(np.subtract(likeness, copying)))
    return PredictionError(name, seen, likeness, copying, kept, in_truth, ahead, float(np.mean(likeness)))
