"""The view graph of a category: fitted once to all images, then asked for viewpoints."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

import attrs
import torch
from attrs.validators import deep_iterable, ge, gt, in_, instance_of, lt, min_len, optional
from torch import Tensor, nn

from unbraid import Context, UnbraidError, network
from unbraid_plugins.papers.view_graph.choice import realism_of_all, realism_of_planes
from unbraid_plugins.papers.view_graph.nodes import affinities, merged, nearness
from unbraid_plugins.papers.view_graph.planes import warped
from unbraid_plugins.papers.view_graph.poses import along_tree, around, edges_of, synchronised
from unbraid_plugins.papers.view_graph.realism import described
from unbraid_plugins.papers.view_graph.rotations import Descriptor, SmallRotations
from unbraid_plugins.shared.views import ViewGraph

Planes = Literal["realistic", "frontal", "random"]


@network
@attrs.frozen(kw_only=True)
class Graph:
    """The view graph of a category (Szabó, Vedaldi, Favaro 2015), fitted to all images of the source.

    Images (B, C, H, W), their descriptors (B, ...), and the network that describes -> azimuths (B,) in radians.

    step: degrees between the small rotations.
    reach: the number of rotations to either side.
    tilts: degrees between the normals of plane hypotheses and the line of sight.
    directions: the number of hypotheses for each tilt.
    offsets: how far planes lie before the object's centre, in half heights of the image; every tilt is tried at each.
    elevation: degrees by which the cameras look down, in the mean.
    field_of_view: degrees from the bottom to the top of the image.
    neighbours: how many of the nearest images measure realism.
    planes: realistic; frontal (no 3D) and random are baselines.
    bias: subtract from a plane's realism what its warps score among random images.
    tau: the least affinity of images that are merged; by default the mean affinity to the nearest neighbours.
    degree: the number of edges that every node chooses.
    chunk: images that are warped and described at once.
    """

    step: float = attrs.field(default=15.0, validator=[gt(0), lt(45)])
    reach: int = attrs.field(default=2, validator=ge(1))
    tilts: tuple[float, ...] = attrs.field(default=(25.0, 50.0), validator=deep_iterable([gt(0), lt(90)]))
    directions: int = attrs.field(default=8, validator=ge(1))
    offsets: tuple[float, ...] = attrs.field(default=(0.0,), validator=[min_len(1), deep_iterable([gt(-1), lt(1)])])
    elevation: float = attrs.field(default=0.0, validator=[gt(-90), lt(90)])
    field_of_view: float = attrs.field(default=40.0, validator=[gt(0), lt(180)])
    neighbours: int = attrs.field(default=10, validator=ge(1))
    planes: Planes = attrs.field(default="realistic", validator=in_(get_args(Planes)))
    bias: bool = attrs.field(default=True, validator=instance_of(bool))
    tau: float | None = attrs.field(default=None, validator=optional(lt(1)))
    degree: int = attrs.field(default=4, validator=ge(1))
    chunk: int = attrs.field(default=64, validator=ge(1))

    def build(self, context: Context, *inputs: Any) -> nn.Module:
        """Return the module, which knows no image yet.  Raises UnbraidError for other inputs."""
        tensors = [v for v in inputs if isinstance(v, Tensor)]
        if len(inputs) != 3 or len(tensors) != 2 or inputs[0].ndim != 4 or not callable(inputs[2]):
            raise UnbraidError(f"{context.name} takes images, their descriptors and the network that describes them",
                               hint=f"{context.name}(x, features(x), features)")
        if self.step * self.reach >= 90:
            raise UnbraidError(f"{context.name}: {self.reach} steps of {self.step:g} degrees are no small rotation",
                               hint="planes are turned by less than 90 degrees: make step or reach smaller")
        return FittedGraph(self, context.name, tuple(inputs[0].shape[1:]), inputs[1][0].numel())


class FittedGraph(nn.Module):
    """The module of `Graph`.  Its buffers are the fitted graph.

    images: (N, C, H, W) uint8.
    looks: (N, K), descriptors phi.
    planes, members: (N,), the plane and the node of every image.
    scores: (H,), what the warps of each plane score among random images.
    azimuths, founders: (M,), azimuths in radians of the nodes, and the images that founded them.
    ends, turns, affinities, in_tree: (E, ...), the edges.
    """

    images: Tensor
    looks: Tensor
    planes: Tensor
    members: Tensor
    scores: Tensor
    azimuths: Tensor
    founders: Tensor
    ends: Tensor
    turns: Tensor
    affinities: Tensor
    in_tree: Tensor

    def __init__(self, options: Graph, name: str, image: tuple[int, ...], size: int) -> None:
        super().__init__()
        o, rows, numbers = options, torch.zeros(0, dtype=torch.long), torch.zeros(0)
        self.options, self.name = options, name
        self.seed = int(torch.randint(2**31, ()))                  # of random planes
        self.rotations = SmallRotations.of(o.tilts, o.directions, o.step, o.reach, o.elevation, o.field_of_view,
                                           (image[1], image[2]), o.offsets)
        buffers = {"images": torch.zeros(0, *image, dtype=torch.uint8), "looks": torch.zeros(0, size),
                   "planes": rows, "members": rows, "scores": torch.zeros(len(self.rotations.normals)),
                   "azimuths": numbers, "founders": rows, "ends": torch.zeros(0, 2, dtype=torch.long),
                   "turns": numbers, "affinities": numbers, "in_tree": torch.zeros(0, dtype=torch.bool)}
        for key, buffer in buffers.items():
            self.register_buffer(key, buffer.clone())

    def forward(self, x: Tensor, looks: Tensor, features: Descriptor) -> Tensor:
        """Return the azimuths of images, (B,): those of the most similar fitted images.  0 before the fit."""
        if looks.is_meta or not len(self.looks):
            return looks.flatten(1).float().sum(1) * 0
        return self.azimuths[self.members[(described(looks) @ self.looks.T).argmax(1)]]

    def load_state_dict(self, state_dict: Mapping[str, Any], *options: Any, **named: Any) -> Any:
        """Load a fitted graph.  Raises UnbraidError where its parts contradict one another."""
        s, images, nodes = state_dict, len(state_dict["images"]), len(state_dict["azimuths"])
        within = [(s["members"], nodes), (s["ends"], nodes), (s["founders"], images)]
        lengths = [(s["members"], images), (s["looks"], images), (s["founders"], nodes)]
        if any(len(t) and not 0 <= int(t.min()) <= int(t.max()) < n for t, n in within) or any(
                len(t) != n for t, n in lengths):
            raise UnbraidError(f"the view graph {self.name} contradicts itself", hint="the checkpoint is damaged")
        return super().load_state_dict(state_dict, *options, **named)

    @torch.no_grad()
    def fit(self, batches: Iterator[tuple[Tensor, Tensor, Descriptor]]) -> Iterator[tuple[int, int]]:
        """Build the graph of all images.  Yields how many parts are done, of how many.  Raises UnbraidError."""
        features = self.keep(batches)
        yield from self._choose(features)
        self.connect(features)

    def connect(self, features: Descriptor) -> None:
        """Merge images to nodes, find the edges and synchronise the azimuths, given every image's plane."""
        o = self.options
        near = nearness(self.looks, o.neighbours, o.chunk)
        tau = float(near.mean()) if o.tau is None else o.tau
        self.members, self.founders = merged(self.looks, near.argsort(descending=True, stable=True), tau)
        if len(self.founders) < 2:
            raise UnbraidError(f"{self.name}: all {len(self.looks)} images are merged to one node",
                               hint=f"merge fewer, with a higher tau than {tau:.3f}")
        affinity, turns = affinities(self.images, self.planes, self.members, self.rotations, features, self.looks,
                                     o.chunk)
        edges = edges_of(affinity.numpy(), turns.numpy(), o.degree)
        azimuths = synchronised(along_tree(edges, len(self.founders)), edges)
        for key, array in {"azimuths": azimuths, "ends": edges.ends, "turns": edges.turns,
                           "affinities": edges.affinities, "in_tree": edges.in_tree}.items():
            setattr(self, key, torch.as_tensor(array).to(getattr(self, key)))

    def keep(self, batches: Iterator[tuple[Tensor, Tensor, Descriptor]]) -> Descriptor:
        """Keep images and descriptors, and return the network that describes."""
        images, looks, features = list[Tensor](), list[Tensor](), None
        for x, phi, describes in batches:
            features = describes
            images.append((x * 255).round().to(torch.uint8))
            looks.append(described(phi))
        if features is None or sum(map(len, images)) < 3:
            raise UnbraidError(f"{self.name}: a graph of views needs three images at least",
                               hint="give the training split more of them")
        self.images, self.looks = torch.cat(images), torch.cat(looks)
        return features

    def _choose(self, features: Descriptor) -> Iterator[tuple[int, int]]:
        """Choose every image's plane:  h_i = argmax_h q(i, h) - b(h)."""
        o, count = self.options, len(self.rotations.normals)
        if o.planes != "realistic":
            free = torch.Generator().manual_seed(self.seed)
            drawn = torch.randint(1 if o.planes == "frontal" else count, (len(self.looks),), generator=free)
            self.planes = drawn.to(self.looks.device)
            return
        q, b = list[Tensor](), list[Tensor]()
        for part, parts, real, among in realism_of_all(self.images, self.rotations, features, self.looks,
                                                       o.neighbours, o.chunk):
            q.append(real)
            b.append(among)
            yield part + 1, parts
        self.scores = torch.cat(b).mean(0) * (1 if o.bias else 0)
        self.planes = (torch.cat(q) - self.scores).argmax(1)

    # -- questions ----------------------------------------------------------------------------------------------------

    def turned(self, x: Tensor, features: Descriptor, angle: Tensor) -> Tensor:
        """Return images (B, C, H, W) as they look from an angle (B,) further, each with the plane that is most real."""
        if not len(self.looks) or self.options.planes == "frontal":
            planes = torch.zeros(len(x), dtype=torch.long)
        else:
            q, _ = realism_of_planes(x, self.rotations, features, self.looks, self.options.neighbours)
            planes = (q - self.scores).argmax(1)
        places = [self.rotations.places(int(h), float(a)) for h, a in zip(planes, angle, strict=True)]
        return warped(x, torch.stack(places))

    def nearest(self, looks: Tensor, angle: Tensor) -> Tensor:
        """Return fitted images (B, C, H, W), as near as can be to views an angle (B,) from those of these looks.

        It is the image that founded the node whose azimuth is nearest.
        """
        wanted = self.forward(looks, looks, described) + angle
        away = torch.as_tensor(around((self.azimuths - wanted[:, None]).cpu().numpy())).abs()
        return self.images[self.founders[away.argmin(1).to(self.founders.device)]].float() / 255

    def record(self) -> ViewGraph:
        """Return the graph as a record."""
        return ViewGraph(self.images[self.founders].float() / 255, self.azimuths, self.members, self.ends, self.turns,
                         self.affinities, self.in_tree, math.radians(self.options.step))
