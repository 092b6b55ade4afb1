"""The edges where a surface ends in the image, and their crossings with the lines between pixels' centres."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs
import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.numerics.rows import columns
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.barycentrics import depths

SLIVER = 0.05                                      # twice an area, in square pixels
BEHIND = 1e-5                                      # an edge is in front of faces that are farther by this, in z / w


@attrs.frozen(eq=False)
class Crossings:
    """Crossings of a surface's outline with the lines between the centres of two neighbouring pixels.

    inner, outer: (K,) the two pixels, among B * H * W.
    reach: (K,) in [0, 1], how far the surface extends from the centre of the inner pixel to that of the outer one.
    covered: (K,) whether the inner pixel sees the surface; a tip may lie between two centres.

    The reach has gradients to the clip coordinates. Of the T tips, in the order of the crossings that are not covered:

    sample: (T,) the image.
    face: (T,) one that ends there.
    barycentrics: (T, 3) of the crossing in the face, without a gradient.
    """

    inner: Tensor
    outer: Tensor
    reach: Tensor
    covered: Tensor
    sample: Tensor
    face: Tensor
    barycentrics: Tensor


def crossings(ids: Tensor, clip: Tensor, topology: Topology, *, cull: bool, sides: Sides | None = None) -> Crossings:
    """Find the crossings of visible silhouettes with the lines between pixel centres, the outermost of several.

    ids: (B, H, W), as `rasterize` gives them.
    clip: (B, V, 4).
    sides: those of the faces, where they are known.

    Steep edges cross rows of pixels, flat edges columns. For every edge, the sum of reach - 1/2 is the area that it
    bounds beyond the inner pixels.
    """
    height, width = ids.shape[1:]
    with torch.no_grad():
        sample, edge, side, whole = _silhouettes(clip, topology, cull, sides or sides_of(clip, topology.faces))
        ends = topology.edges.index_select(0, edge) + clip.shape[1] * sample[:, None]
        p, q = _on_screen(clip, ends, height, width)
        steep = (q[1] - p[1]).abs() >= (q[0] - p[0]).abs()
        (start, a), (stop, b) = ((torch.where(steep, e[1], e[0]), torch.where(steep, e[0], e[1])) for e in (p, q))
        # rows count downwards: a surface on the left of an edge that runs down, or left, has the larger place
        after = torch.where(steep, q[1] > p[1], q[0] < p[0]) == (side > 0)
        first, last = start, stop
        if not whole:                              # an edge that passes the camera has an end with w < 0
            behind = clip.reshape(-1, 4)[:, 3][ends.T] < 0
            first, last = _beyond(start, stop, behind)
            after = after ^ behind.any(0)
        owner, line = _passed(first, last, torch.where(steep, height, width))
        t = (line.to(start) + 0.5 - start.index_select(0, owner)) / (stop - start).index_select(0, owner)
        place, depth = (e.index_select(0, owner).lerp(f.index_select(0, owner), t) for e, f in ((a, b), (p[2], q[2])))
        before = (place - 0.5).floor()
        room = torch.where(steep, width - 1, height - 1).index_select(0, owner)
        valid = ((before >= 0) & (before < room) & (depth.abs() <= 1)).nonzero().squeeze(1)
        owner, line, t, place, depth, before = _at(valid, owner, line, t, place, depth, before.long())
        start_of, across, inner_after, of_edge = _at(owner, sample * (height * width), steep, after, edge)
        here = start_of + torch.where(across, line * width + before, before * width + line)
        step = torch.where(across, 1, width)
        inner, outer = here + step * inner_after, here + step * ~inner_after
        reach = torch.where(inner_after, before + 1.5 - place, place - 0.5 - before).clamp(0, 1)
        visible, covered = _seen(inner, outer, depth, of_edge, ids, clip, topology)
        kept = _outermost(2 * (2 * here + across) + inner_after, reach, visible)
        inner, outer, reach, covered, owner, t, inner_after = _at(
            kept, inner, outer, reach, covered, owner, t, inner_after)
        tips = (~covered).nonzero().squeeze(1)
        of = owner.index_select(0, tips)
        face, barycentrics = _within(edge[of], side[of], t.index_select(0, tips), ends[of], clip, topology)
    if clip.requires_grad:
        lean = (b - a) / (stop - start)
        moving = torch.stack([torch.where(steep, 1, -lean) * (width / 2), torch.where(steep, lean, -1) * (height / 2)])
        reach = _Reach.apply(clip, reach, ends.index_select(0, owner).T, torch.stack([1 - t, t]),
                             moving.index_select(1, owner) * torch.where(inner_after, -1, 1))
    return Crossings(inner, outer, reach, covered, sample[of], face, barycentrics)


def _at(index: Tensor, *values: Tensor) -> Iterator[Tensor]:
    """Yield the elements (K,) of each of the values (S,)."""
    return (v.index_select(0, index) for v in values)


def _passed(start: Tensor, stop: Tensor, lines: Tensor) -> tuple[Tensor, Tensor]:
    """Return all n + 1/2 between start and stop (S,), in either order, 0 <= n < lines: place in (S,), and n."""
    first = (torch.minimum(start, stop) - 0.5).ceil().clamp_min(0)
    last = torch.minimum((torch.maximum(start, stop) - 0.5).ceil(), lines.to(first.dtype))
    number = (last - first).clamp_min(0).long()
    owner = torch.repeat_interleave(torch.arange(len(number), device=start.device), number)
    skipped = first.long() - (number.cumsum(0) - number)
    return owner, skipped.index_select(0, owner) + torch.arange(len(owner), device=start.device)


def _beyond(start: Tensor, stop: Tensor, behind: Tensor) -> tuple[Tensor, Tensor]:
    """Return where edges from start to stop (S,) begin and end to be seen, if one end may be behind the camera.

    behind: (2, S), whether each end is behind the camera.

    Such an edge is seen from its other end on, away from the place that its end behind the camera has.
    """
    away = torch.copysign(torch.full_like(start, torch.inf), stop - start)
    return torch.where(behind[0], away, start), torch.where(behind[1], -away, stop)


@attrs.frozen(eq=False)
class Sides:
    """The sides of faces that cameras see.

    facing: (F, B), above 0 for a face that is counter-clockwise in the image; twice its area where `whole`.
    w: (V, B), of the clip coordinates.
    whole: whether all of the meshes is in front of the camera.
    """

    facing: Tensor
    w: Tensor
    whole: bool

    def front(self, height: int, width: int) -> Tensor | None:
        """Return the faces that OpenGL may see from outside, (B, F); None where that is not certain.

        It rounds corners to a part of a pixel, and so may turn slivers.
        """
        return (self.facing > -4 * SLIVER / (height * width)).T if self.whole else None


@torch.no_grad()
def sides_of(clip: Tensor, faces: Tensor) -> Sides:
    """Return the sides of faces (F, 3) in clip coordinates (B, V, 4)."""
    x, y, w = (clip[..., i].T.contiguous() for i in (0, 1, 3))             # images last: rows are gathered whole
    whole = bool((w > 0).all())
    corners = faces.unbind(1)
    if whole:
        (ax, bx, cx), (ay, by, cy) = ([functional.embedding(i, t) for i in corners] for t in (x / w, y / w))
        facing = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    else:
        xs, ys, ws = ([functional.embedding(i, t) for i in corners] for t in (x, y, w))
        facing = (xs[0] * (ys[1] * ws[2] - ys[2] * ws[1]) + xs[1] * (ys[2] * ws[0] - ys[0] * ws[2])
                  + xs[2] * (ys[0] * ws[1] - ys[1] * ws[0]))
    return Sides(facing, w, whole)


def _silhouettes(clip: Tensor, topology: Topology, cull: bool, sides: Sides) -> tuple[Tensor, Tensor, Tensor, bool]:
    """Return images, edges and sides (S,) of the edges whose faces all lie on one side; 1 is the left in the image.

    Only edges with an end in front of the camera count. The last result is whether all of the meshes is in front of it.
    """
    facing, w, whole = sides.facing, sides.w, sides.whole
    facing = (facing > 0).char() if cull else facing.sign().char()
    facing = torch.cat([facing, facing.new_zeros(1, facing.shape[1])])
    around = [facing.index_select(0, faces) for faces in topology.faces_of_edge.T]
    signs = topology.directions.char()
    if topology.oriented:                          # at an outline the sides differ: a face turned away, or a gap
        alone = around[0] != around[1]
    else:
        turned = [side * sign[:, None] for side, sign in zip(around, signs.T, strict=True)]
        count = sum(side.abs() for side in turned)
        alone = (sum(turned).abs() == count) & (count > 0)
    if not whole:
        ends = w[topology.edges]
        alone = alone & (ends > 0).any(1) & (ends.abs() > 0).all(1)
    edge, sample = alone.nonzero().unbind(1)
    side = sum(side[edge, sample] * sign for side, sign in zip(around, signs[edge].T, strict=True))
    return sample, edge, side, whole


def _seen(inner: Tensor, outer: Tensor, depth: Tensor, edge: Tensor, ids: Tensor, clip: Tensor, topology: Topology,
          ) -> tuple[Tensor, Tensor]:
    """Return whether nothing is in front of crossings, and whether inner pixels see their surface; (K,) each."""
    seen = ids.flatten()
    face = seen.index_select(0, inner)
    covered = face >= 0
    if topology.several:
        covered &= topology.pieces[face.clamp_min(0)] == topology.pieces[topology.faces_of_edge[edge, 0]]
    return _behind(depth, outer, seen.index_select(0, outer), ids, clip, topology), covered


def _behind(depth: Tensor, pixel: Tensor, face: Tensor, ids: Tensor, clip: Tensor, topology: Topology) -> Tensor:
    """Return whether the face, if any, that pixels (K,) see is behind a depth there, (K,); True without a face."""
    some = (face >= 0).nonzero().squeeze(1)
    deep = depths(pixel.index_select(0, some), face.index_select(0, some), clip, topology.faces, *ids.shape[1:])
    behind = torch.ones_like(face, dtype=torch.bool)
    behind[some] = deep > depth.index_select(0, some) + BEHIND
    return behind


def _within(edge: Tensor, side: Tensor, t: Tensor, ends: Tensor, clip: Tensor, topology: Topology,
            ) -> tuple[Tensor, Tensor]:
    """Return a face of every edge (T,), and the barycentrics in it at the share t of the way between the edge's ends.

    t is measured in the image.
    """
    around, direction = topology.faces_of_edge[edge], topology.directions[edge]
    face = around.gather(1, (direction == side[:, None]).long().argmax(1, keepdim=True)).squeeze(1)
    w = clip.reshape(-1, 4)[:, 3][ends]
    share = torch.stack([1 - t, t], 1) / w
    share = (share / share.sum(1, keepdim=True)).to(clip.dtype)
    at = topology.corners[face][:, :, None] == topology.edges[edge][:, None]
    return face, (at * share[:, None]).sum(2)


def _on_screen(clip: Tensor, ends: Tensor, height: int, width: int) -> Tensor:
    """Return column and row in pixels, from the upper left corner, and z / w, of both ends of edges: (2, 3, S).

    ends: (S, 2), among the corners of clip coordinates (B, V, 4).
    """
    x, y, z, w = columns(clip.reshape(-1, 4), ends.T.flatten())
    places = torch.stack([(x / w + 1) * (width / 2), (1 - y / w) * (height / 2), z / w])
    return places.reshape(3, 2, -1).transpose(0, 1)


def _outermost(pair: Tensor, reach: Tensor, visible: Tensor) -> Tensor:
    """Return the places (K,) of the visible crossings that reach farthest, one for each pair of pixels."""
    places = visible.nonzero().squeeze(1)
    pair, reach = pair.index_select(0, places), reach.index_select(0, places)
    order = (pair * 2**31 + (reach.double() * 2**30).long()).argsort(stable=True)
    pair = pair.index_select(0, order)
    farthest = torch.cat([pair[1:] != pair[:-1], pair.new_ones(min(1, len(pair)), dtype=torch.bool)])
    return places.index_select(0, order.index_select(0, farthest.nonzero().squeeze(1)))


class _Reach(torch.autograd.Function):
    """The known reach of crossings, with its gradient.

    Where an edge from p to q crosses a line at the share t of its way, the crossing moves along the line by n . ((1 -
    t) dp + t dq), with n = (1, - dx / dy) on a row of pixels and (- dy / dx, 1) on a column.

    ends: (2, K) of the edges, among the corners of clip.
    share: (2, K) of both ends.
    moving: (2, K), n for places in half widths and heights of the image, upwards, towards the outer pixel.
    """

    @staticmethod
    def forward(ctx: Any, clip: Tensor, reach: Tensor, ends: Tensor, share: Tensor, moving: Tensor) -> Tensor:
        ctx.save_for_backward(clip, ends, share, moving)
        return reach

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, ...]:
        clip, ends, share, moving = ctx.saved_tensors
        table, ends = clip.reshape(-1, 4), ends.flatten()
        x, y, w = (table[:, i].index_select(0, ends) for i in (0, 1, 3))
        u, v = (moving[:, None] * (slope * share)).flatten(1) / w
        found = torch.zeros_like(table.T)
        for i, part in ((0, u), (1, v), (3, -(x * u + y * v) / w)):
            found[i].index_add_(0, ends, part)
        return found.T.reshape(clip.shape), None, None, None, None
