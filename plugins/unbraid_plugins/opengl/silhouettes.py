"""The edges where a surface ends in the image, and where they cross the lines between neighbouring pixels' centres."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor
from torch.nn import functional

from unbraid_plugins.opengl.barycentrics import depths
from unbraid_plugins.opengl.rows import columns
from unbraid_plugins.opengl.topology import Topology

BEHIND = 1e-5                                      # how much farther, in z / w, what an edge is in front of


@attrs.frozen(eq=False)
class Crossings:
    """Where the outline of a surface passes between the centres of two neighbouring pixels.

    inner, outer: (K,) the two pixels, among B * H * W; reach: (K,) in [0, 1], how far the surface goes from the centre
    of the inner pixel to the centre of the outer one, with gradients to the clip coordinates; covered: (K,) whether
    the inner pixel sees the surface: a tip may lie between two centres.

    Of the T tips, in the order of the crossings that are not covered: sample, (T,) the image; face, (T,) one that ends
    there; barycentrics, (T, 3), of the crossing in it, without a gradient.
    """

    inner: Tensor
    outer: Tensor
    reach: Tensor
    covered: Tensor
    sample: Tensor
    face: Tensor
    barycentrics: Tensor


def crossings(ids: Tensor, clip: Tensor, topology: Topology, *, cull: bool) -> Crossings:
    """The crossings of visible silhouettes with the lines between pixel centres; the outermost where there are several.

    ids: (B, H, W), as `rasterize` gives them; clip: (B, V, 4). Steep edges cross rows of pixels, flat edges columns:
    for every edge the sum of `reach` is, over places between the pixels, the area that it bounds.
    """
    height, width = ids.shape[1:]
    with torch.no_grad():
        sample, edge, side = _silhouettes(clip, topology, cull)
        ends = topology.edges.index_select(0, edge) + clip.shape[1] * sample[:, None]
        p, q = _on_screen(clip, ends, height, width)
        steep = (q[1] - p[1]).abs() >= (q[0] - p[0]).abs()
        lines = torch.where(steep, height, width)
        (start, a), (stop, b) = ((torch.where(steep, e[1], e[0]), torch.where(steep, e[0], e[1])) for e in (p, q))
        first = (torch.minimum(start, stop) - 0.5).ceil().clamp_min(0)
        last = torch.minimum((torch.maximum(start, stop) - 0.5).ceil(), lines.to(first.dtype))
        number = (last - first).clamp_min(0).long()
        # rows count downwards: a surface on the left of an edge that runs down, or left, has the larger place
        after = torch.where(steep, q[1] > p[1], q[0] < p[0]) == (side > 0)
        owner = torch.repeat_interleave(torch.arange(len(number), device=clip.device), number)
        skipped = first.long() - (number.cumsum(0) - number)
        line = skipped.index_select(0, owner) + torch.arange(len(owner), device=clip.device)
        t = (line + 0.5 - start.index_select(0, owner)) / (stop - start).index_select(0, owner)
        place = a.index_select(0, owner) + t * (b - a).index_select(0, owner) - 0.5
        depth = p[2].index_select(0, owner) + t * (q[2] - p[2]).index_select(0, owner)
        before = place.floor()
        room = torch.where(steep, width - 1, height - 1).index_select(0, owner)
        valid = ((before >= 0) & (before < room) & (depth.abs() <= 1)).nonzero().squeeze(1)
        owner, line, depth, t, place, before = (
            v.index_select(0, valid) for v in (owner, line, depth, t, place, before))
        across, inner_after = steep.index_select(0, owner), after.index_select(0, owner)
        before = before.long()
        step = torch.where(across, 1, width)
        here = (sample * (height * width)).index_select(0, owner) + torch.where(
            across, line * width + before, before * width + line)
        inner, outer = here + step * inner_after, here + step * ~inner_after
        visible, covered = _seen(inner, outer, depth, edge.index_select(0, owner), ids, clip, topology)
        reach = torch.where(inner_after, before + 1 - place, place - before).clamp(0, 1)
        kept = _outermost(2 * (2 * here + across) + inner_after, reach, visible)
        owner, across, line, before, inner_after = (
            v.index_select(0, kept) for v in (owner, across, line, before, inner_after))
        inner, outer, reach, covered, t = (v.index_select(0, kept) for v in (inner, outer, reach, covered, t))
        tips = (~covered).nonzero().squeeze(1)
        of, t = owner.index_select(0, tips), t.index_select(0, tips)
        face, barycentrics = _within(edge[of], side[of], t, ends[of], clip, topology)
    if clip.requires_grad:
        reach = _reach(clip, ends.index_select(0, owner), across, line, before, inner_after, height, width)
    return Crossings(inner, outer, reach, covered, sample[of], face, barycentrics)


def _silhouettes(clip: Tensor, topology: Topology, cull: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Images, edges and sides (S,) of the edges all of whose faces lie on one side; 1 is the left in the image."""
    x, y, w = (clip[..., i].T.contiguous() for i in (0, 1, 3))             # images last: rows are gathered whole
    whole = bool((w > 0).all())
    corners = topology.faces.unbind(1)
    if whole:
        (ax, bx, cx), (ay, by, cy) = ([functional.embedding(i, t) for i in corners] for t in (x / w, y / w))
        facing = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    else:
        xs, ys, ws = ([functional.embedding(i, t) for i in corners] for t in (x, y, w))
        facing = (xs[0] * (ys[1] * ws[2] - ys[2] * ws[1]) + xs[1] * (ys[2] * ws[0] - ys[0] * ws[2])
                  + xs[2] * (ys[0] * ws[1] - ys[1] * ws[0]))
    facing = (facing > 0).char() if cull else facing.sign().char()
    facing = torch.cat([facing, facing.new_zeros(1, facing.shape[1])])
    around = [facing.index_select(0, faces) for faces in topology.faces_of_edge.T]
    signs = topology.directions.char()
    if topology.oriented:                          # a face on either side, or none: then the two differ
        alone = around[0] != around[1]
    else:
        turned = [side * sign[:, None] for side, sign in zip(around, signs.T, strict=True)]
        count = sum(side.abs() for side in turned)
        alone = (sum(turned).abs() == count) & (count > 0)
    edge, sample = (alone if whole else alone & (w > 0)[topology.edges].all(1)).nonzero().unbind(1)
    return sample, edge, sum(side[edge, sample] * sign for side, sign in zip(around, signs[edge].T, strict=True))


def _seen(inner: Tensor, outer: Tensor, depth: Tensor, edge: Tensor, ids: Tensor, clip: Tensor, topology: Topology,
          ) -> tuple[Tensor, Tensor]:
    """Whether nothing is in front of the crossings, and whether the inner pixels see their surface; (K,) each."""
    pixels = torch.cat([inner, outer])
    faces = ids.flatten().index_select(0, pixels)
    some = (faces >= 0).nonzero().squeeze(1)
    deep = depths(pixels.index_select(0, some), faces.index_select(0, some), clip, topology.faces, *ids.shape[1:])
    farther = torch.ones_like(faces, dtype=torch.bool)
    farther[some] = deep > depth.repeat(2).index_select(0, some) + BEHIND
    behind, before = farther.chunk(2)
    faces = faces[:len(inner)]
    covered = faces >= 0
    if topology.several:
        other = topology.pieces[faces.clamp_min(0)] != topology.pieces[topology.faces_of_edge[edge, 0]]
        covered &= ~(other & behind)
    return before & (covered | behind), covered


def _within(edge: Tensor, side: Tensor, t: Tensor, ends: Tensor, clip: Tensor, topology: Topology,
            ) -> tuple[Tensor, Tensor]:
    """A face of every edge (T,) and the barycentrics in it at the share t of the way between its ends, in the image."""
    around, direction = topology.faces_of_edge[edge], topology.directions[edge]
    face = around.gather(1, (direction == side[:, None]).long().argmax(1, keepdim=True)).squeeze(1)
    w = clip.reshape(-1, 4)[:, 3][ends]
    share = torch.stack([1 - t, t], 1) / w
    share = (share / share.sum(1, keepdim=True)).to(clip.dtype)
    at = topology.corners[face][:, :, None] == topology.edges[edge][:, None]
    return face, (at * share[:, None]).sum(2)


def _on_screen(clip: Tensor, ends: Tensor, height: int, width: int) -> Tensor:
    """Of both ends (S, 2) of edges among the corners of clip coordinates (B, V, 4): column and row in pixels, from the
    upper left corner, and z / w, (2, 3, S).
    """
    x, y, z, w = columns(clip.reshape(-1, 4), ends.T.flatten())
    places = torch.stack([(x / w + 1) * (width / 2), (1 - y / w) * (height / 2), z / w])
    return places.reshape(3, 2, -1).transpose(0, 1)


def _outermost(pair: Tensor, reach: Tensor, visible: Tensor) -> Tensor:
    """Of the visible crossings of each pair of pixels the one that reaches farthest: their places, (K,)."""
    places = visible.nonzero().squeeze(1)
    pair, reach = pair.index_select(0, places), reach.index_select(0, places)
    order = (pair * 2**31 + (reach.double() * 2**30).long()).argsort(stable=True)
    pair = pair.index_select(0, order)
    farthest = torch.cat([pair[1:] != pair[:-1], pair.new_ones(min(1, len(pair)), dtype=torch.bool)])
    return places.index_select(0, order.index_select(0, farthest.nonzero().squeeze(1)))


def _reach(clip: Tensor, ends: Tensor, steep: Tensor, line: Tensor, before: Tensor, inner_after: Tensor, height: int,
           width: int) -> Tensor:
    """The reach of chosen crossings again, with gradients."""
    p, q = _on_screen(clip, ends, height, width)
    (a, c), (b, d) = ((torch.where(steep, e[1], e[0]), torch.where(steep, e[0], e[1])) for e in (p, q))
    place = c + (line + 0.5 - a) / (b - a) * (d - c) - 0.5
    return torch.where(inner_after, before + 1 - place, place - before).clamp(0, 1)
