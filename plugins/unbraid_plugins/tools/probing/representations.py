"""The representations that classifiers are fitted on: codes, parts of codes, pixels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
import numpy as np

from unbraid.model import Model, ModelError, code_of
from unbraid.values import Code, Layout
from unbraid_plugins.tools.evaluation import untrained, usable
from unbraid_plugins.tools.probing.task import Chosen, Task

CODE, PIXELS, UNTRAINED = "code", "pixels", "untrained"
PIXELS_AT_MOST = 3 * 64 * 64                       # largest number of values of an image; a larger image is shrunk


@attrs.frozen(eq=False)
class Representation:
    """Images as vectors.

    train, test: (M, D) and (N, D).
    kind: code, part (of the code) or baseline.
    standardised: whether each dimension is scaled by itself.
    """

    name: str
    kind: str
    train: np.ndarray
    test: np.ndarray
    standardised: bool = True


def representations(model: Model, task: Task, notes: list[str]) -> Iterator[Representation]:
    """Yield the model's code and its parts, the pixels, and the code of the model with its initial weights.

    Without a function that encodes the images, only the pixels are yielded. `notes` gets new notes.
    """
    names = [encoder_of(model, chosen.source) for chosen in (task.train, task.test)]
    train_by, test_by = names
    if train_by is None or test_by is None:
        lacks = (task.train if train_by is None else task.test).source
        notes.append(f"the model has no encode(x) and no encode_{lacks}(x) of an image alone: pixels are all that is "
                     "probed")
        yield pixels(task)
        return
    try:
        layout, train = encoded(model, train_by, task.train)
        other, test = encoded(model, test_by, task.test)
    except ModelError as error:
        notes.append(f"there are no codes, pixels are all that is probed: {error.message}")
        yield pixels(task)
        return
    if layout != other or train.shape[1] != test.shape[1]:
        raise ModelError(f"{train_by} and {test_by} give codes of different parts: {', '.join(layout.names)}; "
                         f"{', '.join(other.names)}")
    yield Representation(CODE, "code", train, test)
    for name, (a, b) in parts_of(layout, train.shape[1] // layout.size).items():
        yield Representation(name, "part", train[:, a:b], test[:, a:b])
    yield pixels(task)
    twin = untrained(model)
    yield Representation(UNTRAINED, "baseline", encoded(twin, train_by, task.train)[1],
                         encoded(twin, test_by, task.test)[1])


def encoder_of(model: Model, source: str) -> str | None:
    """Return the function that encodes images of a source: `encode`, or `encode_SOURCE` with several domains."""
    return next((name for name in ("encode", f"encode_{source}") if usable(model, name)), None)


def encoded(model: Model, function: str, chosen: Chosen) -> tuple[Layout, np.ndarray]:
    """Return the codes of images, float32 (n, D), a spatial code flattened, and their layout.  Raises ModelError."""
    codes = [code_of(model(function, batch), model.layout) for batch in chosen.read()]
    return codes[0].layout, np.concatenate([_flat(code) for code in codes])


def _flat(code: Code) -> np.ndarray:
    return code.tensor.flatten(1).detach().float().cpu().numpy()


def parts_of(layout: Layout, positions: int = 1) -> dict[str, tuple[int, int]]:
    """Return the columns of every part of a code of several parts; a group of parts of size 1 counts as one part.

    >>> from unbraid_configs.recipe import Factor
    >>> z, c = Factor(name="z", size=2), Factor(name="c", count=3, size=1)
    >>> parts_of(Layout.of({"z": z, "c": c})), parts_of(Layout.of({"z": z}))
    ({'z': (0, 2), 'c': (2, 5)}, {})
    """
    found: dict[str, tuple[int, int]] = {}
    start = 0
    for part in layout.parts:
        name = part.group if part.group and part.size == 1 else part.name
        stop = start + part.size * positions
        found[name] = found[name][0] if name in found else start, stop
        start = stop
    return found if len(found) > 1 else {}


def pixels(task: Task) -> Representation:
    """Return the images themselves; large ones are shrunk by an integer factor."""
    return Representation(PIXELS, "baseline", _pixels(task.train.read()), _pixels(task.test.read()), standardised=False)


def _pixels(batches: Iterable[np.ndarray]) -> np.ndarray:
    return np.concatenate([shrunk(batch).reshape(len(batch), -1) for batch in batches])


def shrunk(images: np.ndarray) -> np.ndarray:
    """Average squares of pixels until the image is small enough: (B, C, H, W) -> (B, C, h, w)."""
    b, c, height, width = images.shape
    by = 1
    while c * (height // by) * (width // by) > PIXELS_AT_MOST:
        by += 1
    h, w = height // by, width // by
    cut = images[:, :, :h * by, :w * by]
    return cut.reshape(b, c, h, by, w, by).mean((3, 5)) if by > 1 else images
