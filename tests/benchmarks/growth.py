"""Growth of cost: over codes, networks, players, seeds, faces, images in a batch and pixels.

    OMP_NUM_THREADS=1 LP_NUM_THREADS=1 python tests/benchmarks/growth.py --record
    OMP_NUM_THREADS=1 python tests/benchmarks/growth.py codes faces
    python tests/benchmarks/growth.py --plot docs/figures/growth.svg              # the recorded curves

Seconds of one core. The exponent is that of the upper half of the sizes, by least squares of the logarithms: with 1,
twice as much takes twice as long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import attrs
import matplotlib.pyplot as plt
import numpy as np
import torch
from batched_seeds import Here
from engine_overhead import steps, training
from recording import ROOT, record
from renderer_speed import ball
from side_by_side import alternate

from unbraid.engine import Training
from unbraid.runs import Run
from unbraid_configs import make_recipe
from unbraid_plugins.opengl.scene import Camera, Mesh, read_mesh, write_mesh
from unbraid_plugins.opengl.scene.camera import orbiting, perspective
from unbraid_plugins.opengl.shading.draw import draw
from unbraid_plugins.shared.metrics import beta_vae_score, factor_vae_score, irs, mig

MANY = (4, 6, 10, 16, 26, 40)
FEW = "data.source.count=300"
FILE = "growth"


@attrs.frozen
class Curve:
    """Seconds by size.  of: whatever grows; what: the part that was timed."""

    of: str
    what: str
    sizes: Sequence[int]
    seconds: Sequence[float]

    @property
    def exponent(self) -> float:
        """The exponent of the upper half."""
        half = len(self.sizes) // 2
        return float(np.polyfit(np.log(self.sizes[half:]), np.log(self.seconds[half:]), 1)[0])


def took(call: Callable[[], object]) -> float:
    """Seconds of the processor that a call takes."""
    began = time.process_time()
    call()
    return time.process_time() - began


def over_codes() -> Iterator[Curve]:
    """Metrics of whole tables, and those that draw a fixed number of groups from them."""
    sizes = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000)
    metrics: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
        "mig": mig, "irs": irs,
        "FactorVAE score, 15,000 votes": factor_vae_score, "beta-VAE score, 15,000 points": beta_vae_score}
    found: dict[str, list[float]] = {name: [] for name in metrics}
    for count in (1000, *sizes):                   # the first calls import
        random = np.random.default_rng(0)
        factors = random.integers(0, 10, (count, 3), dtype=np.int8)
        codes = random.standard_normal((count, 4), dtype=np.float32)
        codes[:, :3] += factors
        for name, metric in metrics.items():
            found[name].append(took(lambda m=metric, z=codes, v=factors: m(z, v)))
            print(f"    {name}, {count:,}: {found[name][-1]:.2f} s", flush=True)
    for name, seconds in found.items():
        yield Curve("codes", name, sizes, seconds[1:])


def begun(networks: dict[str, Any], flow: dict[str, str], players: dict[str, Any]) -> Training:
    """A training of perceptrons on images of 16 x 16."""
    recipe = make_recipe({
        "data": {"source": {"type": "shapes", "size": 16, "count": 300}, "draw": {"x": {}}, "batch": 16, "workers": 0},
        "code": {"z": 8}, "networks": networks, "flow": flow, "players": players,
        "train": {"optimizer": {"type": "adam", "lr": "1.0e-4"}}})
    with tempfile.TemporaryDirectory() as folder:
        return Training.start(recipe, Run(Path(folder) / "run"), torch.device("cpu"))


def pairs(count: int, one: bool) -> Training:
    """Pairs of an encoder and a generator, of one player or of one each."""
    numbers = range(count // 2 if one else count)
    networks = {f"{kind}{i}": {"type": f"mlp_{what}", "hidden": [32]} for i in numbers
                for kind, what in (("e", "encoder"), ("g", "generator"))}
    flow = {f"y{i}": f"g{i}(e{i}(x))" for i in numbers}
    losses = {i: {f"rebuild{i}": f"mse(y{i}, x)"} for i in numbers}
    alone = {f"p{i}": {"trains": [f"e{i}", f"g{i}"], "minimizes": losses[i]} for i in numbers}
    whole = {name: loss for own in losses.values() for name, loss in own.items()}
    together = {"all": {"trains": list(networks), "minimizes": whole}}
    return begun(networks, flow, together if one else alone)


def of_pairs(of: str, one: bool) -> Iterator[Curve]:
    """Until the first step, and a step."""
    starts, played = [], []
    steps(pairs(2, one))()                         # what is imported is there
    for count in MANY:
        starts.append(statistics.median(took(lambda n=count: steps(pairs(n, one))()) for _ in range(3)))
        play = steps(pairs(count, one))
        played.append(statistics.median(alternate({"": play}, rounds=7, calls=5)[""]))
    yield Curve(of, "from a recipe to its first step", MANY, starts)
    yield Curve(of, "a step", MANY, played)


def over_networks() -> Iterator[Curve]:
    """Encoders and generators of one player: two networks to each image that is made."""
    yield from of_pairs("networks", True)


def over_players() -> Iterator[Curve]:
    """Players with an encoder and a generator each."""
    yield from of_pairs("players", False)


def over_seeds() -> Iterator[Curve]:
    """Seeds as one model."""
    sizes, seconds = (1, 2, 4, 8, 16, 32), []
    for count in sizes:
        here = Here("mlp 784-128-10, batch 16", 0, count)
        here.tell("together", 3)
        blocks = []
        for _ in range(7):
            here.tell("together", 5)
            blocks.append(here.took[1] / 5)
        seconds.append(statistics.median(blocks))
    yield Curve("seeds", "a step of all, as one model", sizes, seconds)


def over_faces() -> Iterator[Curve]:
    """A mesh from its file, and its first smooth picture, 256 x 256."""
    sizes, read, drawn = [], [], []
    camera = Camera(orbiting(torch.zeros(1), torch.zeros(1), 4.0), perspective(0.5))

    def picture(vertices: torch.Tensor, faces: torch.Tensor) -> None:
        with torch.no_grad():
            draw(Mesh.of(vertices[None], faces), camera, (256, 256), cull=True, geometry=False)

    picture(*ball(1000))                           # opens OpenGL
    with tempfile.TemporaryDirectory() as name:
        file = Path(name, "ball.ply")
        for many in (50_000, 100_000, 200_000, 400_000, 800_000, 1_600_000, 3_000_000):
            vertices, faces = ball(many)
            write_mesh(file, Mesh.of(vertices[None], faces))
            sizes.append(len(faces))
            read.append(took(lambda: read_mesh(file)))
            drawn.append(took(lambda v=vertices, f=faces: picture(v, f)))
            print(f"    {len(faces):,} faces: read {read[-1]:.2f} s, drawn {drawn[-1]:.2f} s", flush=True)
    yield Curve("faces", "a PLY file is read", sizes, read)
    yield Curve("faces", "the first smooth picture", sizes, drawn)


def over_batch() -> Iterator[Curve]:
    """A step of mixing, images of 32 x 32."""
    yield of_mixing("images in a batch", {b: [f"data.batch={b}"] for b in (4, 8, 16, 32, 64, 128)})


def over_pixels() -> Iterator[Curve]:
    """A step of mixing, batches of 8."""
    yield of_mixing("pixels of an image",
                    {s * s: ["data.batch=8", f"data.source.size={s}"] for s in (16, 32, 64, 128)})


def of_mixing(of: str, changes: dict[int, list[str]]) -> Curve:
    """Steps of every size, played in turns."""
    plays = {str(n): steps(training("mixing", [FEW, *own])) for n, own in changes.items()}
    seconds = alternate(plays, rounds=7)
    return Curve(of, "a step of mixing", list(changes), [statistics.median(seconds[str(n)]) for n in changes])


GROWING: dict[str, Callable[[], Iterator[Curve]]] = {
    "codes": over_codes, "networks": over_networks, "players": over_players,
    "seeds": over_seeds, "faces": over_faces, "batch": over_batch, "pixels": over_pixels}
TABLES = {"main": {"corner": "what grows", "rows": [], "columns": [
    {"title": "from", "digits": 0}, {"title": "to", "digits": 0}, {"title": "seconds, most", "digits": 3},
    {"title": "exponent", "digits": 2}, {"title": "above 1 because"}]}}
MEMORY = "arrays that no cache holds any more"
REASONS = {"a PLY file is read": f"{MEMORY}; vertices at one place are found by sorting",
           "the first smooth picture": f"{MEMORY}; edges are sorted",
           "mig": MEMORY, "irs": f"{MEMORY}; rows are gathered by class, then quantiles of each class",
           "FactorVAE score, 15,000 votes": f"{MEMORY}: the variance of all codes and the order by class"}


def recorded() -> list[Curve]:
    """The curves of the result file."""
    rows = json.loads((ROOT / "docs/results" / f"{FILE}.json").read_text(encoding="utf-8"))["values"]
    return [Curve(*name.split(": ", 1), row["sizes"], row["seconds"]) for name, row in rows.items()]


def plot(curves: Sequence[Curve], file: Path) -> None:
    """Seconds by size; a panel for whatever grows."""
    grown = list(dict.fromkeys(c.of for c in curves))
    figure, panels = plt.subplots(-(-len(grown) // 3), 3, figsize=(9, 2.9 * -(-len(grown) // 3)),
                                  layout="constrained", squeeze=False)
    for axes in panels.flat[len(grown):]:
        axes.set_visible(False)
    for axes, of in zip(panels.flat, grown, strict=False):
        for curve in (c for c in curves if c.of == of):
            axes.loglog(curve.sizes, curve.seconds, "o-", markersize=3,
                        label=f"{curve.what}: $n^{{{curve.exponent:.2f}}}$")
        sizes = next(c.sizes for c in curves if c.of == of)
        if sizes[-1] < 1000:                       # few enough to name each
            axes.set_xticks(sizes, [str(n) for n in sizes])
            axes.minorticks_off()
        axes.set(xlabel=of)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=6)
    for row in panels:
        row[0].set_ylabel("seconds of one core")
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("growing", nargs="*", metavar="|".join(GROWING), help="by default all")
    parser.add_argument("--record", action="store_true", help="write docs/results/growth.json")
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    if wrong := set(options.growing) - GROWING.keys():
        parser.error(f"nothing grows by the name of {', '.join(sorted(wrong))}")
    if options.plot:
        plot(recorded(), options.plot)
        return
    torch.set_num_threads(1)
    for name in options.growing or GROWING:
        curves = list(GROWING[name]())
        for c in curves:
            points = (f"{n:,}: {s:.3f} s" for n, s in zip(c.sizes, c.seconds, strict=True))
            print(f"{c.of}: {c.what}: {', '.join(points)}; n^{c.exponent:.2f}", flush=True)
        if options.record:
            record(FILE, {f"{c.of}: {c.what}": row(c) for c in curves}, TABLES)


def row(curve: Curve) -> dict[str, Sequence[float] | str]:
    """The values of a curve in the result file."""
    return {"from": [curve.sizes[0]], "to": [curve.sizes[-1]], "seconds, most": [round(curve.seconds[-1], 4)],
            "exponent": [round(curve.exponent, 3)], "sizes": list(curve.sizes),
            "above 1 because": REASONS.get(curve.what, "") if curve.exponent > 1.05 else "",
            "seconds": [round(s, 4) for s in curve.seconds]}


if __name__ == "__main__":
    main()
