"""Peng et al. against its ablations and broken variants: who is recognised from the side, what each feature knows.

    export UNBRAID_FACE_MODEL=.../ict_face_basis.npz
    python tests/benchmarks/peng_arms.py train peng-small --arm whole --seed 0 --first 500 --out studies/peng
    python tests/benchmarks/peng_arms.py table studies/peng

`train` resumes, measures, and writes OUT/ARM-SEED.json; `table` prints all of them, by arm. With `--first`, arms that
do not differ in the first stage continue from one checkpoint of it, to the same numbers as if each had trained it.

rank-1: `rank_1_identification` by the identity features, over all yaws but the frontal one, and of the two outermost.
pose in i, identity in n: accuracy of a logistic regression. Of the pose it is fitted on training persons; of the
identity on a random half of the images of the persons that are asked for. cross: |g(i_2, n_1) - e_1|^2 over pairs of a
person's images of different yaw, relative to the variance of e. yaw moves i: of `leak_matrix`, how far i goes when the
yaw alone changes, 1: as far as to another image at random.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
import torch

import unbraid
from unbraid import Images, load_recipe, train
from unbraid.data import open_data
from unbraid_plugins.opengl.faces import MorphableFaces
from unbraid_plugins.opengl.faces.source import LAMPS
from unbraid_plugins.shared.metrics import leak_matrix, linear_probe, rank_1_identification
from unbraid_plugins.tools.evaluation.baselines import untrained

EXCHANGED = ("players.recogniser.minimizes.cross=cross * (mse(rebuild(i2, n1), detach(e2)) + "
             "mse(rebuild(i1, n2), detach(e1)))")
FREE = ("players.recogniser.minimizes.self=self * (mse(rebuild(i1, n1), e1) + mse(rebuild(i2, n2), e2))",
        "players.recogniser.minimizes.cross=cross * (mse(rebuild(i2, n1), e1) + mse(rebuild(i1, n2), e2))")
NO_POSE = ("weights.pose=0", "weights.landmarks=0", "weights.visible=0")
UNSUPERVISED = ("weights.identity=0", *NO_POSE)
ARMS: dict[str, tuple[str, ...]] = {
    "classifier": (*NO_POSE, "weights.self=0", "weights.cross=0"),
    "multi-task": ("weights.self=0", "weights.cross=0"),
    "self": ("weights.cross=0",),
    "whole": (),
    "exchanged": (EXCHANGED,),
    "free targets": FREE,
    "no labels": UNSUPERVISED,
    "no labels, free targets": (*FREE, *UNSUPERVISED),
}
PLACED = ("view", "landmarks", "visible")
SAME_FIRST_STAGE = ("multi-task", "self", "whole", "exchanged", "free targets")
COLUMNS = ("rank-1 side", "rank-1", "pose in i", "pose in n", "yaw moves i", "yaw moves n",
           "identity in n", "cross", "variance", "yaw error", "landmark error", "visibility error")


@attrs.frozen(eq=False)
class Faces:
    """Images (N, 3, H, W) in [0, 1], the classes of each by factor, and what is known of its pose."""

    images: np.ndarray
    classes: dict[str, np.ndarray]
    placed: dict[str, np.ndarray]

    @classmethod
    def of(cls, images: Images, rows: np.ndarray) -> Faces:
        """Return these rows of a source."""
        return cls(images.read(rows).astype(np.float32) / 255,
                   {name: np.asarray(f.values)[rows] for name, f in images.fields.items() if f.classes},
                   {name: np.asarray(images.fields[name].values)[rows] for name in PLACED if name in images.fields})


def measured(features: Callable[[np.ndarray], dict[str, Any]], seen: Faces, asked: Faces) -> dict[str, float]:
    """Measure on the faces asked for; probes of the pose are fitted on those seen.  features: images -> e, i, n, g."""
    found, fitted, own = features(asked.images), features(seen.images), asked.classes
    rank1 = rank_1_identification(found["i"], own)
    assert rank1 is not None

    def probed(part: str, factor: str) -> float:
        if factor == "yaw":
            turned = {"yaw": seen.classes["yaw"]}
            return linear_probe(found[part], {"yaw": own["yaw"]}, fitted[part], turned).score
        order = np.random.default_rng(0).permutation(len(own["yaw"]))
        a, b = np.array_split(order, 2)
        return linear_probe(found[part][b], {factor: own[factor][b]}, found[part][a], {factor: own[factor][a]}).score

    outer = [rank1.by_pose[p] for p in (min(rank1.by_pose), max(rank1.by_pose))]
    result = {"rank-1 side": float(np.mean(outer)), "rank-1": rank1.score, "chance": rank1.chance,
              **{f"rank-1 yaw {p}": share for p, share in rank1.by_pose.items()}}
    if "n" in found:
        result |= {"pose in i": probed("i", "yaw"), "pose in n": probed("n", "yaw"),
                   "identity in n": probed("n", "identity"), "identity in i": probed("i", "identity")}
        size = found["i"].shape[1]
        leak = leak_matrix(np.concatenate([found["i"], found["n"]], 1), own,
                           {"i": (0, size), "n": (size, size + found["n"].shape[1])})
        result |= {f"{factor} moves {part}": float(leak.moved[k, j]) for k, factor in enumerate(leak.factors)
                   for j, part in enumerate(leak.parts)}
        if asked.placed and "view" in found:
            result |= errors(found, asked.placed)
        first_, second = pairs(own)
        e, g = found["e"], found["g"](found["i"][second], found["n"][first_])
        spread = float(np.square(e - e.mean(0)).mean())
        result |= {"cross": float(np.square(g - e[first_]).mean() / max(spread, 1e-30)), "variance": spread}
    return result


def errors(found: dict[str, Any], true: dict[str, np.ndarray]) -> dict[str, float]:
    """Return mean errors: of the yaw in degrees, of visible landmarks in widths of the image, of their visibility."""
    seen = true["visible"] > 0.5
    apart = np.linalg.norm(found["landmarks"] - true["landmarks"], axis=-1)
    return {"yaw error": float(np.degrees(np.abs(found["view"][:, 0] - true["view"][:, 0])).mean()),
            "landmark error": float(apart[seen].mean()),
            "visibility error": float(((found["visible"] > 0) != seen).mean())}


def pairs(own: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Return 2,000 pairs of rows of one person and of different yaws."""
    dice = np.random.default_rng(0)
    a, b = dice.integers(0, len(own["yaw"]), (2, 400_000))
    fitting = np.flatnonzero((own["identity"][a] == own["identity"][b]) & (own["yaw"][a] != own["yaw"][b]))[:2000]
    return a[fitting], b[fitting]


def of_model(model: unbraid.Model) -> Callable[[np.ndarray], dict[str, Any]]:
    """Return a function from images to the model's features and its reconstructor."""
    nets, (span,) = model.modules, model.layout.spans(["identity"])

    def features(images: np.ndarray) -> dict[str, Any]:
        with torch.no_grad():
            e = torch.cat([nets["features"](torch.as_tensor(images[k:k + 200])) for k in range(0, len(images), 200)])
            f = nets["split"](e)
        i, n = f[:, slice(*span)], torch.cat([f[:, :span[0]], f[:, span[1]:]], 1)

        def g(identity: np.ndarray, other: np.ndarray) -> np.ndarray:
            with torch.no_grad():
                return np.asarray(nets["rebuild"](torch.as_tensor(identity), torch.as_tensor(other)))

        given = {"e": e.numpy(), "i": i.numpy(), "n": n.numpy(), "g": g}
        if "landmark_head" in nets:
            with torch.no_grad():
                marks = nets["landmark_head"](n).parts
                given |= {"view": nets["pose_head"](n).numpy(), "landmarks": marks["points"].numpy(),
                          "visible": marks["visible"].numpy()}
        return given

    return features


def strangers(faces: Any) -> Images | None:
    """Return other persons with other expressions under other lights, where the faces are drawn; else None."""
    if not isinstance(faces, MorphableFaces):
        return None
    looks = {"smile": {"mouthSmile": 1.0}, "frown": {"mouthFrown": 1.0, "browDown": 1.0}}
    return attrs.evolve(faces, identities=20, seed=1, surroundings=0, lamps=LAMPS, expressions=looks).open()


def of_run(run: Path, baselines: bool) -> dict[str, dict[str, dict[str, float]]]:
    """Measure a run, and its untrained twin and the pixels if asked for: training persons, held-out ones, strangers."""
    model, recipe = unbraid.load(run), load_recipe(run / "recipe.yaml")
    data = open_data(recipe.data, seed=0)
    (source, whole), = data.images_of.items()
    seen = Faces.of(whole, data.rows("train"))
    groups = {"held-out": Faces.of(whole, data.rows("test")), "training": seen}
    if (others := strangers(recipe.data.sources[source].value)) is not None:
        groups["strange"] = Faces.of(others, np.arange(len(others)))
    ways: dict[str, Callable[[np.ndarray], dict[str, Any]]] = {"model": of_model(model)}
    if baselines:
        ways |= {"untrained": of_model(untrained(model)), "pixels": lambda x: {"i": x.reshape(len(x), -1)}}
    return {name: {group: measured(way, seen, asked) for group, asked in groups.items()}
            for name, way in ways.items()}


def table(folder: Path) -> None:
    """Print a row for each arm: the mean over seeds and each seed, of held-out persons; then of training persons."""
    found: dict[str, list[Any]] = {}
    for path in sorted(folder.glob("*.json")):
        found.setdefault(path.stem.rpartition("-")[0], []).append(json.loads(path.read_text()))
    arms: dict[str, list[Any]] = {arm: [r["model"] for r in found[arm]] for arm in ARMS if arm in found}
    for twin in ("untrained", "pixels"):
        arms |= {twin: [r[twin] for results in found.values() for r in results if twin in r]}
    for persons in ("held-out", "strange", "training"):
        print(f"\n{persons} persons\n| arm | " + " | ".join(COLUMNS) + " |\n" + "|---" * (len(COLUMNS) + 1) + "|")
        for arm, results in arms.items():
            cells = []
            for column in COLUMNS:
                values = [r[persons][column] for r in results if column in r.get(persons, {})]
                text = f"{np.mean(values):.3g} ({', '.join(f'{v:.3g}' for v in values)})" if values else ""
                cells.append(text)
            print(f"| {arm} | " + " | ".join(cells) + " |")


def main() -> None:
    """Train and measure one arm, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    one, all_ = commands.add_parser("train"), commands.add_parser("table")
    one.add_argument("recipe")
    one.add_argument("changes", nargs="*")
    one.add_argument("--arm", choices=ARMS, default="whole")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--first", type=int, default=0, help="steps that the arms with all labels share: trained once")
    one.add_argument("--out", type=Path, required=True)
    all_.add_argument("out", type=Path)
    asked = parser.parse_args()
    if asked.command == "table":
        table(asked.out)
        return
    run = asked.out / "runs" / f"{asked.arm}-{asked.seed}"
    changes = [f"train.seed={asked.seed}", "train.tensorboard=false", *asked.changes]
    if asked.first and asked.arm in SAME_FIRST_STAGE and not run.exists():
        first = asked.out / "runs" / f"first stage-{asked.seed}"
        train(load_recipe(asked.recipe, [*changes, f"train.steps={asked.first}"]), first, resume=first.exists())
        shutil.copytree(first, run)
    train(load_recipe(asked.recipe, [*ARMS[asked.arm], *changes]), run, resume=run.exists(), accept_changes=True)
    result = of_run(run, baselines=(asked.arm, asked.seed) == ("whole", 0))
    (asked.out / f"{asked.arm}-{asked.seed}.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result["model"], indent=1))


if __name__ == "__main__":
    main()
