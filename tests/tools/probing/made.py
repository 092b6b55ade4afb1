"""Tasks, data and models that a test makes up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unbraid import Field, Images, Model, make_recipe
from unbraid.data import Data
from unbraid.model import build_method
from unbraid_plugins.tools.probing import Settings
from unbraid_plugins.tools.probing.fit import judged, labelled_rows
from unbraid_plugins.tools.probing.representations import Representation
from unbraid_plugins.tools.probing.task import Chosen, Task

CLASSES, TRAIN, TEST = 4, 800, 600


def labels(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Classes of images to fit and to judge on."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, CLASSES, TRAIN), rng.integers(0, CLASSES, TEST)


def task(train: np.ndarray, test: np.ndarray) -> Task:
    """A task of one factor without images."""
    parts = [Chosen(None, "made", split, np.arange(len(y)), {"pose": y})  # type: ignore[arg-type]
             for split, y in (("train", train), ("test", test))]
    chance = np.bincount(test[test >= 0]).max() / (test >= 0).sum()
    return Task(*parts, {"pose": np.unique(train[train >= 0])}, {"pose": float(chance)}, [])


def scores(train_codes: np.ndarray, test_codes: np.ndarray, train: np.ndarray, test: np.ndarray, **more: Any
           ) -> dict[str, dict[str, Any]]:
    """What both classifiers reach on codes."""
    settings = Settings(**{"labels": (1, 5, 20, "all"), **more})
    made = task(train, test)
    r = Representation("code", "code", train_codes.astype(np.float32), test_codes.astype(np.float32))
    found = judged(r, made, labelled_rows(made, settings)[0], settings, [])
    return {name: by_factor["pose"] for name, by_factor in zip(("linear", "nearest"), found, strict=True)}


def source(n: int = 200, *, size: int = 8, seed: int = 0, names: tuple[str, ...] | None = None,
           fields: Mapping[str, Field] | None = None, test: float = 0.4, told: bool = True) -> Images:
    """Noise with a bright quarter that tells the class `pose`, or with nothing that does."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, CLASSES, n)
    images = rng.integers(0, 100, (n, 1, size, size), dtype=np.uint8)
    half = size // 2
    for i, c in enumerate(y):
        if told:
            images[i, 0, half * (c // 2):half * (c // 2 + 1), half * (c % 2):half * (c % 2 + 1)] += 150
    cut = int(n * test)
    splits = {"test": np.arange(cut), "train": np.arange(cut, n)} if cut else {"train": np.arange(n)}
    return Images(images, {"pose": Field(y, CLASSES, names)} if fields is None else dict(fields), splits)


def model_of(sources: Mapping[str, Images], functions: dict[str, str] | None = None, *, code: Any = "2 x 4"
             ) -> tuple[Model, Data]:
    """An untrained model over these sources, and their data; images are drawn from all of them."""
    names = list(sources)
    recipe = make_recipe({
        "title": "made", "code": {"part": code},
        "data": {"sources": {name: {"type": "sprites", "size": 8} for name in names},
                 "draw": {f"x{name}": {"from": name} for name in names}, "batch": 4},
        "networks": {"encoder": {"type": "mlp_encoder", "hidden": [8]}},
        "functions": {"encode(x)": "encoder(x)"} if functions is None else functions,
        "flow": {"f": f"encoder(x{names[0]})"},
        "players": {"all": {"trains": "encoder", "minimizes": {"small": "mse(f, 0 * f)"}}},
    })
    data = Data(recipe.data, sources)
    method = build_method(recipe, data.facts)
    return Model(method, method.modules), data
