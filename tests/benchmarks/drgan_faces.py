"""DR-GAN on rendered faces: does it turn faces, who is recognised, and what breaks it.

    python tests/benchmarks/drgan_faces.py train ARM FOLDER [a.b=c ...]     # resumes a run in FOLDER
    python tests/benchmarks/drgan_faces.py measure FOLDER ... [--unseen a.b=c ...]
    python tests/benchmarks/drgan_faces.py draw FOLDER ... --out FILE.png

Training: the recipes that the arms name, with the overrides of the command line. Measured on the test split, whose
people are in no training: pose control of `rotate` by an oracle that is trained on real training images; rank-1
identification by yaw; the yaw as a linear probe reads it off f(x); and for sets, fused features beside single ones.
`--unseen` measures identification and pose control on other data, too, with these changes of the recipe: other people.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.decomposition import PCA

import unbraid
from unbraid import Set
from unbraid.data import Data, open_data
from unbraid.model import Model
from unbraid.runs import Run
from unbraid_configs import load_recipe
from unbraid_plugins.shared.metrics import linear_probe, oracles, rank_1_identification, verification
from unbraid_plugins.shared.metrics.edits.oracles import Oracles
from unbraid_plugins.tools.display import Row, write_rows

POSE, IDENTITY = "players.generator.minimizes.pose", "players.generator.minimizes.identity"
UNTOLD = ("functions.with_pose(face, pose)=join(face, as_factor(0 * one_hot(pose), name='yaw'), "
          "as_factor(noise, name='noise'))")
ARMS: dict[str, tuple[str, ...]] = {
    "drgan": ("drgan-faces-small",),
    "fake-class": ("drgan-faces-small", "networks.critic.fake=identity"),
    "sets": ("drgan-sets-small",),
    "cycle": ("drgan-cycle-small",),
    "classifier": ("drgan-classifier-small",),
    "source-pose": ("drgan-faces-small", f"{POSE}=cross_entropy(seen.yaw, x.yaw)"),
    "sign": ("drgan-faces-small", f"{POSE}=-1 * cross_entropy(seen.yaw, pose)",
             f"{IDENTITY}=-1 * cross_entropy(seen.identity, who)"),
    "untold": ("drgan-faces-small", UNTOLD),
}
SET = 4                                            # images of a set that is fused


def train(arm: str, folder: Path, overrides: list[str]) -> None:
    """Train an arm, or resume its training."""
    name, *own = ARMS[arm]
    unbraid.train(load_recipe(name, [*own, *overrides]), folder, resume=folder.exists())


class Faces:
    """Images of a split with their people and yaws."""

    def __init__(self, data: Data, rows: np.ndarray) -> None:
        fields = data.images_of[next(iter(data.images_of))].fields
        self.images = data.images(rows).float()
        self.labels = {name: fields[name].values[rows].astype(int) for name in ("identity", "yaw")}
        self.yaws = int(fields["yaw"].classes or 0)


def in_batches(call: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor) -> np.ndarray:
    return np.concatenate([call(x).detach().numpy() for x in images.split(256)])


def features(model: Model) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda x: model.identity(x).tensor


def turned(model: Model, x: torch.Tensor, yaw: int) -> torch.Tensor:
    return model.rotate(x, np.full(len(x), yaw))


def pose_accuracy(model: Model, faces: Faces, judge: Oracles, most: int = 150) -> dict[str, Any]:
    """Share of turned images in which the oracle sees the yaw that was asked for; and their contrast."""
    rows = np.random.default_rng(0).permutation(len(faces.images))[:most]
    x = faces.images[rows]
    seen = [judge.see(in_batches(lambda b, k=k: turned(model, b, k), x))["yaw"] for k in range(faces.yaws)]
    spread = np.mean([in_batches(lambda b, k=k: turned(model, b, k), x).std((1, 2, 3)).mean() for k in range(2)])
    return {"control": round(float(np.mean([(s == k).mean() for k, s in enumerate(seen)])), 3),
            "chance": round(1 / faces.yaws, 3), "contrast": round(float(spread), 3)}


def identified(codes: np.ndarray, faces: Faces) -> dict[str, Any]:
    """Rank-1 by yaw from a frontal gallery, and the equal error rate."""
    found, rates = rank_1_identification(codes, faces.labels), verification(codes, faces.labels)
    assert found is not None
    assert rates is not None
    return {"rank1": {k: round(v, 3) for k, v in found.by_pose.items()}, "mean": round(found.score, 3),
            "people": found.identities, "eer": round(rates.eer, 3), "tar@.01": round(rates.tar_at[0.01], 3)}


def fused(model: Model, faces: Faces, sets: int = 400) -> dict[str, Any]:
    """Identify sets of images of a person from a frontal gallery: fused, by the plain mean, by single images."""
    random, who, yaw = np.random.default_rng(0), faces.labels["identity"], faces.labels["yaw"]
    f, w = in_batches(features(model), faces.images), in_batches(lambda x: model.confidence(x), faces.images)[:, 0]
    people = np.unique(who)
    gallery = np.asarray([random.choice(np.flatnonzero((who == p) & (yaw == faces.yaws // 2))) for p in people])
    chosen = np.stack([random.choice(np.setdiff1d(np.flatnonzero(who == p), gallery), SET, replace=False)
                       for p in random.choice(people, sets)])
    together = np.concatenate([model.fuse(Set.fold(faces.images[rows])).tensor.numpy()
                               for rows in np.array_split(chosen, 4)])

    def rank1(queries: np.ndarray, owners: np.ndarray) -> float:
        q, g = (v / np.linalg.norm(v, axis=-1, keepdims=True) for v in (queries, f[gallery]))
        return round(float((people[(q @ g.T).argmax(-1)] == owners).mean()), 3)

    owners, singles = who[chosen[:, 0]], rank1(f[chosen], who[chosen])
    best = chosen[np.arange(sets), w[chosen].argmax(1)]
    return {"fused": rank1(together, owners), "plain mean": rank1(f[chosen].mean(1), owners), "single": singles,
            "most confident": rank1(f[best], owners),
            "confidence by yaw": [round(float(w[yaw == k].mean()), 3) for k in range(faces.yaws)]}


def measure(folder: Path, unseen: list[str]) -> dict[str, Any]:
    """Everything about a run."""
    model, run = unbraid.load(folder), Run.at(folder)
    data = open_data(model.method.recipe.data)
    test, known = Faces(data, data.rows("test")), Faces(data, data.rows("train"))
    judge = oracles(test.images.numpy(), {"yaw": test.labels["yaw"]}, (255 * known.images).byte().numpy(),
                    {"yaw": known.labels["yaw"]})
    f, told = (in_batches(features(model), x.images) for x in (test, known))
    flat, pixels = (x.images.flatten(1).numpy() for x in (known, test))
    components = PCA(f.shape[1], svd_solver="randomized", random_state=0).fit(flat)
    axes = {"test": components.transform(pixels), "known": components.transform(flat)}
    yaw = {"yaw": test.labels["yaw"]}, {"yaw": known.labels["yaw"]}
    found: dict[str, Any] = {
        "run": folder.name, "step": model.step, "oracle": round(judge.score, 3), "losses": run.metrics()[-1],
        "identity": identified(f, test), "pixels": identified(axes["test"], test),
        "yaw in f": round(linear_probe(f, yaw[0], told, yaw[1]).score, 3),
        "yaw in pixels": round(linear_probe(axes["test"], yaw[0], axes["known"], yaw[1]).score, 3)}
    if "rotate" in model.functions:
        found["pose"] = pose_accuracy(model, test, judge)
        frontal = in_batches(lambda x: features(model)(model.frontalise(x)), test.images)
        found["frontalised"] = identified(frontal, test)["mean"]
    if "fuse" in model.functions:
        found["sets"] = fused(model, test)
    if unseen:
        recipe = load_recipe(folder / "recipe.yaml", [*unseen, "data.splits=null", "data.split_by=null"])
        other = open_data(recipe.data)
        faces = Faces(other, np.arange(len(other.images_of[next(iter(other.images_of))])))
        found["unseen"] = identified(in_batches(features(model), faces.images), faces)
        found["unseen pixels"] = identified(components.transform(faces.images.flatten(1).numpy()), faces)["mean"]
        if "rotate" in model.functions:
            found["unseen pose"] = pose_accuracy(model, faces, judge)["control"]
    return found


def draw(folders: list[Path], out: Path, people: int) -> None:
    """Draw people of the test split, and each of them turned to every yaw by every run."""
    rows = []
    for folder in folders:
        model = unbraid.load(folder)
        data = open_data(model.method.recipe.data)
        test = Faces(data, np.random.default_rng(0).permutation(data.rows("test")))
        first = np.sort(np.unique(test.labels["identity"], return_index=True)[1])[:people]
        for i in first:
            x = test.images[i:i + 1]
            images = torch.cat([x, *(turned(model, x, k) for k in range(test.yaws))])
            rows.append(Row(images.numpy(), folder.name, columns=("given", *(f"yaw {k}" for k in range(test.yaws)))))
    print(f"wrote {write_rows(out, rows, 2)}")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("train")
    one.add_argument("arm", choices=ARMS)
    one.add_argument("folder", type=Path)
    one.add_argument("overrides", nargs="*")
    two = commands.add_parser("measure")
    two.add_argument("folders", type=Path, nargs="+")
    two.add_argument("--unseen", nargs="+", default=[], metavar="a.b=c")
    three = commands.add_parser("draw")
    three.add_argument("folders", type=Path, nargs="+")
    three.add_argument("--out", type=Path, required=True)
    three.add_argument("--people", type=int, default=4)
    given = parser.parse_args()
    if given.command == "train":
        train(given.arm, given.folder, given.overrides)
    elif given.command == "draw":
        draw(given.folders, given.out, given.people)
    else:
        for folder in given.folders:
            print(json.dumps(measure(folder, given.unseen)), flush=True)


if __name__ == "__main__":
    main()
