"""The edges where a surface ends in the image, and where they cross the lines between neighbouring pixels' centres."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.fragments import Fragments
from unbraid_plugins.opengl.topology import Topology

BEHIND = 1e-5                                      # how much farther, in z / w, what an edge is in front of


@attrs.frozen(eq=False)
class Crossings:
    """Where the outline of a surface passes between a covered pixel and its neighbour.

    inner, outer: (K,) the two pixels, among B * H * W; reach: (K,) in [0, 1], how far the surface goes from the centre
    of the inner pixel to the centre of the outer one, with gradients to the clip coordinates.
    """

    inner: Tensor
    outer: Tensor
    reach: Tensor


def crossings(seen: Fragments, clip: Tensor, topology: Topology, *, cull: bool) -> Crossings:
    """The crossings of visible silhouettes with the lines between pixel centres; the outermost where there are several.

    Steep edges cross rows of pixels, flat edges columns, so the sum of `reach` is the covered area to second order.
    """
    height, width = seen.ids.shape[1:]
    with torch.no_grad():
        sample, edge, side = _silhouettes(clip, topology, cull)
        ends = topology.edges[edge] + clip.shape[1] * sample[:, None]
        p, q = (_on_screen(clip.reshape(-1, 4)[ends[:, i]], height, width) for i in range(2))
        steep = (q[:, 1] - p[:, 1]).abs() >= (q[:, 0] - p[:, 0]).abs()
        lines = torch.where(steep, height, width)
        start, stop = (torch.where(steep, e[:, 1], e[:, 0]) for e in (p, q))
        first = (torch.minimum(start, stop) - 0.5).ceil().clamp_min(0)
        last = torch.minimum((torch.maximum(start, stop) - 0.5).ceil(), lines.to(first.dtype))
        number = (last - first).clamp_min(0).long()
        owner = torch.repeat_interleave(torch.arange(len(number), device=clip.device), number)
        line = first[owner].long() + torch.arange(len(owner), device=clip.device) - (number.cumsum(0) - number)[owner]
        t = (line + 0.5 - start[owner]) / (stop - start)[owner]
        across = [torch.where(steep[owner], e[owner, 0], e[owner, 1]) for e in (p, q)]
        place = across[0] + t * (across[1] - across[0]) - 0.5
        before = place.floor()
        depth = p[owner, 2] + t * (q[owner, 2] - p[owner, 2])
        # rows count downwards: a surface on the left of an edge that runs down, or left, has the larger place
        runs = torch.where(steep, q[:, 1] > p[:, 1], q[:, 0] < p[:, 0])
        inner_after = (runs == (side > 0))[owner]
        room = torch.where(steep[owner], width, height)
        valid = (before >= 0) & (before + 1 < room) & (depth.abs() <= 1)
        owner, line, inner_after, depth = (v[valid] for v in (owner, line, inner_after, depth))
        before, place = before[valid].long(), place[valid]
        image = sample[owner] * (height * width)
        here, there = (image + torch.where(steep[owner], line * width + n, n * width + line)
                       for n in (before, before + 1))
        inner, outer = torch.where(inner_after, there, here), torch.where(inner_after, here, there)
        deep = clip.new_full((seen.ids.numel(),), torch.inf).index_copy(0, seen.pixel, seen.depth.to(clip.dtype))
        visible = deep[inner].isfinite() & (deep[outer] > depth + BEHIND)
        reach = torch.where(inner_after, before + 1 - place, place - before)
        kept = _outermost(2 * (2 * here + steep[owner].long()) + inner_after.long(), reach, visible)
        owner, line, before, inner_after, inner, outer = (
            v[kept] for v in (owner, line, before, inner_after, inner, outer))
    return Crossings(inner, outer, _reach(clip, ends[owner], steep[owner], line, before, inner_after, height, width))


def _silhouettes(clip: Tensor, topology: Topology, cull: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Images, edges and sides (S,) of the edges all of whose faces lie on one side; 1 is the left in the image."""
    corners = clip[:, topology.faces]
    x, y, w = (corners[..., i] for i in (0, 1, 3))
    facing = (x * (y.roll(-1, -1) * w.roll(-2, -1) - y.roll(-2, -1) * w.roll(-1, -1))).sum(-1).sign()
    facing = facing.clamp_min(0) if cull else facing
    sides = (facing[..., None] * topology.direction_of_side).reshape(len(clip), -1)
    edges = topology.edge_of_side.reshape(1, -1).expand(len(clip), -1)
    total, count = (sides.new_zeros(len(clip), len(topology.edges)).scatter_add(1, edges, v)
                    for v in (sides, sides.abs()))
    front = clip[:, topology.edges, 3].amin(-1) > 0
    sample, edge = ((total.abs() == count) & (count > 0) & front).nonzero().unbind(1)
    return sample, edge, total[sample, edge]


def _on_screen(clip: Tensor, height: int, width: int) -> Tensor:
    """Clip coordinates (N, 4) -> column and row in pixels, from the upper left corner, and z / w; (N, 3)."""
    x, y, z, w = clip.unbind(1)
    return torch.stack([(x / w + 1) * (width / 2), (1 - y / w) * (height / 2), z / w], 1)


def _outermost(pair: Tensor, reach: Tensor, visible: Tensor) -> Tensor:
    """Of the visible crossings of each pair of pixels the one that reaches farthest: their places, (K,)."""
    places = visible.nonzero().squeeze(1)
    if not len(places):
        return places
    _, group = torch.unique(pair[places], return_inverse=True)
    key = (reach[places].double() * 2**30).long() * 2**32 + torch.arange(len(places), device=pair.device)
    best = key.new_full((int(group.max()) + 1,), -1).scatter_reduce(0, group, key, "amax")
    return places[best % 2**32]


def _reach(clip: Tensor, ends: Tensor, steep: Tensor, line: Tensor, before: Tensor, inner_after: Tensor, height: int,
           width: int) -> Tensor:
    """The reach of chosen crossings again, with gradients."""
    flat = clip.reshape(-1, 4)
    p, q = (_on_screen(flat[ends[:, i]], height, width) for i in range(2))
    (a, c), (b, d) = ((torch.where(steep, e[:, 1], e[:, 0]), torch.where(steep, e[:, 0], e[:, 1])) for e in (p, q))
    place = c + (line + 0.5 - a) / (b - a) * (d - c) - 0.5
    return torch.where(inner_after, before + 1 - place, place - before).clamp(0, 1)
