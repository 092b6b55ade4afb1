"""Pictures and films of a model's functions on test images, during training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from unbraid.values import Set
from unbraid_plugins.opengl import write_film
from unbraid_plugins.tools.calling.kinds import ImageFunction, functions_of_images
from unbraid_plugins.tools.calling.outputs import RATE, as_bytes, is_pictures
from unbraid_plugins.tools.calling.whole_clips import clip_rows
from unbraid_plugins.tools.display import grid, scale_for

if TYPE_CHECKING:
    from unbraid.data import Data
    from unbraid.model import Model

SHOWN, CLIPS = 6, 3                                # images in a row, clips in a picture
LONGEST = 60                                       # frames that are shown of a clip


def pictures_of_functions(model: Model, data: Data, folder: Path, step: int) -> dict[str, Any]:
    """Return a picture for each function of images or of a clip, by its name.

    Of a function of one image: images above the results. Of two: every image of the first parameter (rows) with every
    one of the second (columns). Of a clip: the given frames, the predicted ones, and the true ones; the last two also
    as a film, side by side, NAME-STEP.gif in the folder.
    """
    pictures: dict[str, Any] = {}
    for function in functions_of_images(model):
        if function.clips:
            made = _of_clips(model, data, function)
            if made is not None:
                pictures[function.name], film = made
                folder.mkdir(exist_ok=True)
                write_film(folder / f"{function.name}-{step:08d}.gif", list(film), rate=RATE)
        elif len(function.kinds) <= 2:
            picture = _of_images(model, data, function)
            pictures |= {} if picture is None else {function.name: picture}
    return pictures


def _of_images(model: Model, data: Data, function: ImageFunction) -> Tensor | None:
    source, shown = _shown_rows(data)
    images, scale = data.images(_spread(shown, 2 * SHOWN), source), scale_for(model.image_shape)
    if len(function.kinds) == 1:
        made = model(function.name, images[:SHOWN])
        return grid([images[:SHOWN].cpu(), made.cpu()], scale=scale) if is_pictures(made) else None
    first, columns = images[:len(images) // 2], images[len(images) // 2:]
    page = [torch.cat([torch.ones_like(first[:1]), columns]).cpu()]
    for x in first:
        made = model(function.name, x.expand_as(columns), columns)
        if not is_pictures(made):
            return None
        page.append(torch.cat([x.unsqueeze(0), made]).cpu())
    return grid(page, scale=scale)


def _of_clips(model: Model, data: Data, function: ImageFunction) -> tuple[Tensor, Any] | None:
    """Return a strip of a few clips, and the frames of a film: the made frames above the true ones."""
    source, rows = _shown_rows(data)
    rows = clip_rows(data.images_of[source], rows)
    name = next(n for n, kind in function.kinds.items() if kind == "clip")
    known = model.method.parameters[function.name][name]
    if not len(rows) or not isinstance(known, Set):
        return None
    rows = _spread(rows, CLIPS)[:, :LONGEST]
    clips = data.images(rows.reshape(-1), source).unflatten(0, rows.shape)       # (K, T, C, H, W)
    seen = clips[:, :min(known.count, clips.shape[1])]
    given = [Set.fold(seen) if kind == "clip" else seen[:, -1] for kind in function.kinds.values()]
    made = model(function.name, *given)
    if not isinstance(made, Set) or not is_pictures(made.folded):
        return None
    results = made.unfolded().clamp(0, 1)                                        # (K, h, C, H, W)
    truth = clips[:, seen.shape[1]:][:, :results.shape[1]]
    page = []
    for k in range(len(clips)):
        page += [seen[k].cpu(), results[k].cpu(), *([truth[k].cpu()] if truth.shape[1] else [])]
    scale = scale_for(model.image_shape)
    above = torch.cat(list(results), -1)                                         # clips side by side, (h, C, H, K W)
    length = truth.shape[1] or len(above)
    below = torch.cat(list(truth), -1) if truth.shape[1] else above[:, :, :0]
    film = torch.cat([above[:length].cpu(), below[:length].cpu()], -2)
    return grid(page, scale=scale), as_bytes(film, scale)


def _shown_rows(data: Data) -> tuple[str, np.ndarray]:
    """Return the first source, and the rows of its test split, or of the training split if that has fewer than two."""
    source = next(iter(data.images_of))
    few = data.facts.sources[source].splits.get("test", 0) < 2
    return source, data.rows("train" if few else "test", source)


def _spread(rows: np.ndarray, count: int) -> np.ndarray:
    """Return at most `count` of the rows, from the first to the last: neighbours are often frames of one clip."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))]
