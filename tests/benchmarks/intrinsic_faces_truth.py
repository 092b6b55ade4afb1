"""Layers that trained models of intrinsic faces find, against the truth: on held-out people, and on files never seen.

    python tests/benchmarks/intrinsic_faces_truth.py runs/faces-0 runs/faces-1 --out truth.json

held out: the test split of the run's own recipe.
others: other people, colours, lights and backgrounds, every colouring on every head (for the leak matrix).
aside: these people at yaws of 50 and 75 degrees, which no training image has.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from unbraid import load
from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid_configs import load_recipe
from unbraid_plugins.shared.metrics import leak_matrix
from unbraid_plugins.tools.evaluation import evaluate_model, factors_of
from unbraid_registry import configure

METRICS = ("normal_angle", "albedo_error", "relight_psnr", "leak_matrix", "reconstruction_error")
WHOLE = ("data.splits={test: 1.0}", "data.split_by=null", "data.source.seed=1", "data.source.count=null")
UNSEEN = {"others": ("data.source.identities=4", "data.source.yaws=[-30, 0, 30]", "data.source.colourings=3",
                     "data.source.surroundings=4", "data.source.expressions={neutral: {}, smile: {mouthSmile: 1}}"),
          "aside": ("data.source.identities=6", "data.source.yaws=[-75, -50, 50, 75]", "data.source.surroundings=4",
                    "data.source.expressions={neutral: {}}")}


def data_of(base: str, name: str) -> Data:
    """A set that no training has seen."""
    return open_data(load_recipe(base, [*WHOLE, *UNSEEN[name]]).data)


def sets_of(model: Model, base: str) -> dict[str, Data]:
    """The held-out people of a run's recipe, and the sets that it has never seen."""
    unseen = {name: data_of(base, name) for name in UNSEEN}
    return {"held out": open_data(model.method.recipe.data), **unseen}


def layers_moved(model: Model, data: Data) -> dict[str, dict[str, float]]:
    """The leak matrix of the layers themselves: which factor moves albedo, normals, light, matte, in the face."""
    rows = data.rows("test")
    images, mask = data.images(rows), data.field("mask", rows)
    found: dict[str, np.ndarray] = {}
    for name in ("albedo", "normals", "light", "matte"):
        layer = model(f"{name}_of", images)
        found[name] = (layer * mask if name in ("albedo", "normals") else layer).flatten(1).numpy()
    ends = np.cumsum([0, *(v.shape[1] for v in found.values())])
    chunks = {name: (int(a), int(b)) for name, a, b in zip(found, ends[:-1], ends[1:], strict=True)}
    source = next(iter(data.images_of.values()))
    factors = {n: source.fields[n].values[rows] for n in factors_of(source, rows)[0]}
    result = leak_matrix(np.concatenate(list(found.values()), 1), factors, chunks)
    return {f: dict(zip(result.parts, map(float, row), strict=True)) for f, row in zip(result.factors, result.moved,
                                                                                     strict=True)}


def measured(run: Path, base: str) -> dict[str, dict[str, Any]]:
    """The scores of a run on every set; of the untrained twin, too, on the held-out people."""
    model, found = load(run), {}
    for name, data in sets_of(model, base).items():
        result = evaluate_model(model, data, metrics=METRICS)["arms"]["model"]
        angle, albedo, light = (result.get(m, {}) for m in ("normal_angle", "albedo_error", "relight_psnr"))
        leaks = result.get("leak_matrix", {})
        found[name] = {
            "angle": angle.get("score"), "label": angle.get("label"), "ball": angle.get("ball"),
            "front": angle.get("front"), "albedo": albedo.get("score"), "albedo of image": albedo.get("image"),
            "spread": albedo.get("spread"), "scale": float(np.mean(albedo.get("scale", np.nan))),
            "relit": light.get("score"), "unedited": light.get("unedited"), "mean light": light.get("mean_light"),
            "photo": light.get("photo"), "rebuilt": result["reconstruction_error"]["psnr"], "leaks": leaks.get("score"),
            "matrix": {f: dict(zip(leaks["parts"], row, strict=True)) for f, row in zip(
                leaks.get("factors", []), leaks.get("moved", []), strict=True)}}
    found["others"]["layers"] = layers_moved(model, data_of(base, "others"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--base", default="intrinsic-faces-small", help="the recipe whose camera the sets have")
    parser.add_argument("--plugin", action="append", default=[], type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    configure(files=given.plugin)
    everything = {}
    for run in given.runs:
        everything[run.name] = found = measured(run, given.base)
        for name, row in found.items():
            numbers = "  ".join(f"{k} {v:.3g}" for k, v in row.items() if isinstance(v, float))
            print(f"{run.name:<16} {name:<9} {numbers}", flush=True)
        for what in ("matrix", "layers"):
            for factor, parts in found["others"][what].items():
                print(f"{what:<16} {factor:<10} " + "  ".join(f"{p} {v:.2f}" for p, v in parts.items()), flush=True)
    if given.out:
        given.out.write_text(json.dumps(everything, indent=1) + "\n")


if __name__ == "__main__":
    main()
