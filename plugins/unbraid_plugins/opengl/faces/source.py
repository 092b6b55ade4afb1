"""The source of faces of a morphable model."""

from __future__ import annotations

import math
import shutil
import time
from hashlib import blake2b
from typing import Any, Literal, get_args

import attrs
import numpy as np
import torch
from attrs.validators import deep_iterable, ge, gt, in_, instance_of, le, lt
from torch import Tensor

from unbraid import DataError, Field, Images, source
from unbraid_plugins.opengl.faces import drawing, looks
from unbraid_plugins.opengl.faces.model import MorphableModel, read_model
from unbraid_plugins.opengl.raster.rasterize import Backend, chosen
from unbraid_plugins.opengl.scene.light import HarmonicLight, Light
from unbraid_plugins.shared.metrics.cache import cache_folder, cached_tensors
from unbraid_plugins.shared.sources.procedural import check_count
from unbraid_registry.terminal import echo

VERSION = 1                                        # of the drawings that are kept; another one draws them anew
AT_ONCE = 8                                        # heads
MOST = 2**24                                       # combinations
SLOW = 2.0                                         # seconds that need no announcement
EXPRESSIONS = {"neutral": {}, "smile": {"mouthSmile": 1.0, "cheekRaiser": 0.6}, "open": {"jawOpen": 0.8},
               "frown": {"mouthFrown": 1.0, "browDown": 1.0}}
LAMPS = ((-0.8, 0.3, 0.5), (0.0, 0.3, 1.0), (0.8, 0.3, 0.5))
Backdrop = Literal["grey", "colours"]


def _pairs(values: Any) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(float(x) for x in v) for v in values)


@source
@attrs.frozen(kw_only=True)
class MorphableFaces:
    """Faces of a morphable model, drawn by our own renderer: every identity, expression, yaw, pitch and light.

    Images are RGB, (3, size, size): albedo * shading over a background. They are drawn when they are first asked for,
    and kept in the user's cache.

    Fields: `identity`, `expression`, `yaw`, `pitch`, `light` and, where wanted, `colouring` (classes); `view` (2), yaw
    and pitch in radians; `coefficients` (I + E) of the model; `harmonics` (3, 9) of the light; `landmarks` (L, 2), the
    image is [0, 1] wide and high, with `visible` (L). With `layers`, the pictures `albedo` (3), `normals` (3; 2 v - 1
    is a unit vector, x to the right, y up, z to the camera) and `mask` (1). With `rough`, the normals and harmonics of
    a coarse fit: `rough_normals` are those of the mean face, in a pose that is off by some degrees, and
    `rough_harmonics` are off by a share of their length.

    path: an .npz file of the form that `unbraid_plugins.opengl.faces.model.read_model` describes.
    identities: number of identities, each with its own shape and colours.
    expressions: name -> mode of the model -> weight; `mouthSmile` stands for mouthSmile_L and mouthSmile_R.
    yaws, pitches: degrees; a positive yaw turns the face to the image's right, a positive pitch turns it down.
    colourings: number of colourings of skin, hair and eyes, each on every head; 0: each identity has its own.
    lamps: directions of lamps (x right, y up, z to the camera), one light class each, with ambient light.
    surroundings: number of lights of random harmonics, further light classes.
    size: of the images, in pixels.
    zoom: 1 shows the whole head; 1.6 the face alone.
    background: grey, or soft colours, other ones in each image.
    layers: whether there are albedo, normals and mask, which take more memory than the images.
    rough: standard deviation of the error of a fitted pose, in degrees; 0: no fields of a coarse fit.
    rough_light: standard deviation of the error of a fitted light, relative to the light.
    count: number of combinations, always the same ones; by default all.
    seed: of identities, colours, lights and backgrounds; another seed has no person in common.
    limit: the most memory, in GiB.
    backend: gl, torch, or auto, which is OpenGL where it is available.
    """

    path: str
    identities: int = attrs.field(default=24, validator=ge(1))
    expressions: dict[str, dict[str, float]] = attrs.field(factory=lambda: dict(EXPRESSIONS))
    yaws: tuple[float, ...] = attrs.field(default=(-60.0, -40.0, -20.0, 0.0, 20.0, 40.0, 60.0), converter=tuple,
                                          validator=deep_iterable(instance_of((int, float))))
    pitches: tuple[float, ...] = attrs.field(default=(0.0,), converter=tuple)
    colourings: int = attrs.field(default=0, validator=ge(0))
    lamps: tuple[tuple[float, float, float], ...] = attrs.field(default=LAMPS, converter=_pairs)
    surroundings: int = attrs.field(default=0, validator=ge(0))
    size: int = attrs.field(default=64, validator=[ge(8), le(512)])
    zoom: float = attrs.field(default=1.0, validator=[ge(0.5), le(4)])
    background: Backdrop = attrs.field(default="grey", validator=in_(get_args(Backdrop)))
    layers: bool = attrs.field(default=True, validator=instance_of(bool))
    rough: float = attrs.field(default=0.0, validator=[ge(0), lt(90)])
    rough_light: float = attrs.field(default=0.2, validator=ge(0))
    count: int | None = attrs.field(default=None, validator=check_count)
    seed: int = attrs.field(default=0, validator=ge(0))
    limit: float = attrs.field(default=4.0, validator=gt(0))
    backend: Backend = attrs.field(default="auto", validator=in_(get_args(Backend)))

    def __attrs_post_init__(self) -> None:
        for name in ("expressions", "yaws", "pitches"):
            if not getattr(self, name):
                raise ValueError(f"{name} needs one value at least")
        if not self.lamps and not self.surroundings:
            raise ValueError("there is no light: give `lamps` or `surroundings`")
        for d in self.lamps:
            if len(d) != 3 or not math.hypot(*d):
                raise ValueError(f"a lamp has a direction of three numbers; found {list(d)}")
        if any(abs(a) > 90 for a in (*self.yaws, *self.pitches)):
            raise ValueError("yaws and pitches are degrees within -90 ... 90")

    def open(self) -> Images:
        """Return the faces and their fields, drawn now or kept from earlier.  Raises DataError."""
        model = read_model(self.path)
        plan = Plan.of(self, model)
        found = {name: t.numpy() for name, t in plan.tensors().items()}
        heads, rows = plan.head_of, plan.rows
        fields = {name: Field(index, len(names), names) for name, (index, names) in plan.classes().items()}
        fields |= {"view": Field(plan.view[heads].numpy()), "coefficients": Field(plan.coefficients[heads].numpy()),
                   "harmonics": Field(plan.harmonics[rows[:, -1]].numpy()),
                   "landmarks": Field(found["landmarks"][heads]),
                   "visible": Field(found["visible"][heads].astype(np.float32))}
        fields |= {name: Field(found[name][heads]) for name in pictures_of(self)}
        if self.rough:
            fields["rough_harmonics"] = Field(plan.rough_harmonics())
        notes = [] if len(rows) == plan.total else [f"{len(rows):,} of all {plan.total:,} combinations"]
        if not model.named:
            notes.append(f"the file names no landmarks: {len(model.landmarks)} vertices spread over the face")
        return Images(found["images"], fields, notes=notes)


@attrs.frozen(eq=False)
class Plan:
    """Everything that a source will draw, before it is drawn.

    total: the number of all combinations.
    numbers: (N,), the combination of each image.
    rows: (N, 6), the identity, expression, yaw, pitch, colouring and light of each image.
    heads: (G, 5), the heads that occur, without their light.
    head_of: (N,), the head of each image.
    view: (G, 2), of each head.
    coefficients: (G, I + E), of each head.
    lights: one of each class.
    harmonics: (lights, 3, 9).
    """

    options: MorphableFaces
    model: MorphableModel
    total: int
    numbers: np.ndarray
    rows: np.ndarray
    heads: np.ndarray
    head_of: np.ndarray
    view: Tensor
    coefficients: Tensor
    lights: tuple[Light, ...]
    harmonics: Tensor

    @classmethod
    def of(cls, o: MorphableFaces, model: MorphableModel) -> Plan:
        """Return the plan of a source's options.  Raises DataError for modes that the model has not."""
        sizes = (o.identities, len(o.expressions), len(o.yaws), len(o.pitches), max(1, o.colourings),
                 len(o.lamps) + o.surroundings)
        total = math.prod(sizes)
        if total > MOST:
            raise DataError(f"there are {total:,} combinations of identities, expressions, poses and lights",
                            hint=f"have at most {MOST:,}; `count` then takes some of them")
        expect_room(o, min(total, o.count or total))
        keep = np.arange(total)
        if o.count is not None and o.count < total:
            keep = np.sort(np.random.Generator(np.random.Philox(key=20170721)).permutation(total)[:o.count])
        rows = np.stack(np.unravel_index(keep, sizes), 1)
        heads, head_of = np.unique(rows[:, :-1], axis=0, return_inverse=True)
        people, person = np.unique(heads[:, 0], return_inverse=True)
        shapes = torch.stack([looks.coefficients(model, o.seed, int(i)) for i in people])[torch.from_numpy(person)]
        smiles = torch.stack([model.weights(e) for e in o.expressions.values()])
        _, how, yaw, pitch, _ = torch.from_numpy(heads).unbind(1)
        view = torch.stack([torch.tensor(angles, dtype=torch.float32).deg2rad()[i]
                            for angles, i in ((o.yaws, yaw), (o.pitches, pitch))], 1)
        lights: list[Light] = [looks.lamp(d) for d in o.lamps]
        lights += [looks.surroundings(o.seed, i) for i in range(o.surroundings)]
        harmonics = torch.cat([(light if isinstance(light, HarmonicLight) else light.as_harmonics())
                               .with_channels(3).harmonics for light in lights])
        return cls(o, model, total, keep, rows, heads, head_of.reshape(-1), view,
                   torch.cat([shapes, smiles[how]], 1), tuple(lights), harmonics)

    def classes(self) -> dict[str, tuple[np.ndarray, tuple[str, ...]]]:
        """Return the classes of each image by factor, and the names of the classes."""
        o = self.options
        lights = [*(f"lamp {i}" for i in range(len(o.lamps))), *(f"surroundings {i}" for i in range(o.surroundings))]
        names = ([f"person {i}" for i in range(o.identities)], list(o.expressions), [f"{a:+g}" for a in o.yaws],
                 [f"{a:+g}" for a in o.pitches], [f"colouring {i}" for i in range(o.colourings)], lights)
        factors = ("identity", "expression", "yaw", "pitch", "colouring", "light")
        return {f: (self.rows[:, i], tuple(names[i])) for i, f in enumerate(factors) if names[i]}

    def rough_harmonics(self) -> np.ndarray:
        """Return the light of each image as a coarse fit finds it, (N, 3, 9)."""
        true = self.harmonics[self.rows[:, -1]].numpy()
        noise = looks.dice(self.options.seed, "fit", 0).normal(size=true.shape) / math.sqrt(true[0].size)
        length = np.linalg.norm(true.reshape(len(true), -1), axis=1)[:, None, None]
        return (true + self.options.rough_light * length * noise).astype(np.float32)

    def tensors(self) -> dict[str, Tensor]:
        """Return images, layers and landmarks, drawn now or kept from earlier."""
        o, n, g, s = self.options, len(self.rows), len(self.heads), self.options.size
        marks = len(self.model.landmarks)
        like = {"images": torch.empty(n, 3, s, s, dtype=torch.uint8, device="meta"),
                "landmarks": torch.empty(g, marks, 2, dtype=torch.float32, device="meta"),
                "visible": torch.empty(g, marks, dtype=torch.uint8, device="meta"),
                **{name: torch.empty(g, c, s, s, dtype=torch.uint8, device="meta")
                   for name, c in pictures_of(self.options).items()}}
        path = attrs.evolve(o, path="", limit=1, backend="auto")
        key = f"{VERSION} {self.model.checksum} {chosen(o.backend, torch.device('cpu'))} {path!r}"
        return cached_tensors("faces", blake2b(key.encode(), digest_size=16).hexdigest(), like,
                              lambda: self.draw(memory_of(o, n)))

    def draw(self, memory: int) -> dict[str, Tensor]:
        """Draw all of it.  memory: the bytes of images and fields, for the announcement."""
        n, s, g = len(self.rows), self.options.size, len(self.heads)
        images = torch.empty(n, 3, s, s, dtype=torch.uint8)
        kept: dict[str, list[Tensor]] = {name: [] for name in ("landmarks", "visible", *pictures_of(self.options))}
        order = np.argsort(self.head_of, kind="stable")
        first = np.searchsorted(self.head_of[order], np.arange(g + 1))
        start = time.monotonic()
        for begin in range(0, g, AT_ONCE):
            some = slice(begin, min(begin + AT_ONCE, g))
            if begin == AT_ONCE:                   # the first ones open OpenGL, too
                start = time.monotonic()
            if begin == 2 * AT_ONCE:
                _announce(n, s, g, memory, (time.monotonic() - start) * (g - begin) / AT_ONCE)
            rows = order[first[some.start]:first[some.stop]]
            images[torch.from_numpy(rows)] = self._heads(some, rows, kept)
        return {"images": images, **{name: torch.cat(parts) for name, parts in kept.items()}}

    def _heads(self, some: slice, rows: np.ndarray, kept: dict[str, list[Tensor]]) -> Tensor:
        """Return the images of these rows, which show these heads; keep their layers."""
        o = self.options
        worn = self.heads[some, 4] if o.colourings else self.heads[some, 0]
        colours = torch.stack([looks.colours(self.model, o.seed, int(i)) for i in worn])
        seen = drawing.layers(self.model, self.coefficients[some], self.view[some], colours, o.size, o.zoom, o.backend)
        found = {"landmarks": seen.landmarks, "visible": seen.visible.byte(), **drawing.pictures(seen)}
        if o.rough:
            off = torch.from_numpy(np.stack([looks.dice(o.seed, "pose", i).normal(0, math.radians(o.rough), 2)
                                             for i in range(some.start, some.stop)]).astype(np.float32))
            mean = torch.zeros_like(self.coefficients[some])
            fit = drawing.layers(self.model, mean, self.view[some] + off, colours, o.size, o.zoom, o.backend)
            found["rough_normals"] = drawing.pictures(fit)["normals"]
        for name, parts in kept.items():
            parts.append(found[name])
        made = []
        for row in rows:
            head = slice(self.head_of[row] - some.start, self.head_of[row] - some.start + 1)
            one = drawing.Layers(seen.albedo[head], seen.normals[head], seen.mask[head], seen.landmarks[head],
                                 seen.visible[head])
            behind = torch.full((3, 1, 1), 0.5, dtype=torch.float32)
            if o.background == "colours":
                behind = looks.backdrop(o.seed, int(self.numbers[row]), o.size)
            made.append(drawing.bytes_of(drawing.shaded(one, self.lights[self.rows[row, -1]], behind[None])))
        return torch.cat(made)


def pictures_of(o: MorphableFaces) -> dict[str, int]:
    """Return the names of the pictures that are fields, and their channels."""
    layers = {"albedo": 3, "normals": 3, "mask": 1} if o.layers else {}
    return {**layers, **({"rough_normals": 3} if o.rough else {})}


def memory_of(o: MorphableFaces, images: int) -> int:
    """Return the bytes of images and of the pictures that are fields."""
    return images * o.size**2 * (3 + sum(pictures_of(o).values()))


def expect_room(o: MorphableFaces, images: int) -> None:
    """Raise DataError for more memory than the limit."""
    memory = memory_of(o, images) / 2**30
    if memory > o.limit:
        raise DataError(f"{images:,} faces of {o.size} x {o.size} take {memory:.1f} GiB, more than {o.limit:g} GiB",
                        hint="raise the option `limit`, or have fewer: `count`, `size`, `layers: false`")


def _announce(images: int, size: int, heads: int, memory: int, seconds: float) -> None:
    """Tell on stderr what will be drawn, where it takes longer than SLOW seconds."""
    if seconds < SLOW:
        return
    try:
        folder = cache_folder()
        free = next(p for p in (folder, *folder.parents) if p.exists())
        kept = f"kept in {folder / 'faces'} ({shutil.disk_usage(free).free / 2**30:.0f} GiB free)"
    except RuntimeError:
        kept = "not kept: there is no home folder; set UNBRAID_CACHE"
    echo(f"morphable_faces draws {images:,} images of {size} x {size} from {heads:,} heads: {memory / 2**20:.0f} MiB, "
         f"about {seconds:.0f} s, {kept}", err=True)
