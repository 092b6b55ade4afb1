"""The edges where a surface ends in the image, and where they cross the lines between neighbouring pixels' centres."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.barycentrics import depths
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
        owner, line, inner_after, depth, t, place, before = (
            v[valid] for v in (owner, line, inner_after, depth, t, place, before))
        before = before.long()
        image = sample[owner] * (height * width)
        here, there = (image + torch.where(steep[owner], line * width + n, n * width + line)
                       for n in (before, before + 1))
        inner, outer = torch.where(inner_after, there, here), torch.where(inner_after, here, there)
        visible, covered = _seen(inner, outer, depth, edge[owner], ids, clip, topology)
        reach = torch.where(inner_after, before + 1 - place, place - before)
        kept = _outermost(2 * (2 * here + steep[owner].long()) + inner_after.long(), reach, visible)
        owner, line, before, inner_after, inner, outer, covered, t = (
            v[kept] for v in (owner, line, before, inner_after, inner, outer, covered, t))
        tips = (~covered).nonzero().squeeze(1)
        of, t = owner[tips], t[tips]
        face, barycentrics = _within(edge[of], side[of], t, ends[of], clip, topology)
    reach = _reach(clip, ends[owner], steep[owner], line, before, inner_after, height, width)
    return Crossings(inner, outer, reach, covered, sample[of], face, barycentrics)


def _silhouettes(clip: Tensor, topology: Topology, cull: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Images, edges and sides (S,) of the edges all of whose faces lie on one side; 1 is the left in the image."""
    x, y, w = (clip[..., i].T.contiguous() for i in (0, 1, 3))             # images last: rows are gathered whole
    whole = bool((w > 0).all())
    first, second, third = topology.faces.unbind(1)
    if whole:
        x, y = x / w, y / w
        (ax, bx, cx), (ay, by, cy) = ([t[i] for i in (first, second, third)] for t in (x, y))
        facing = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
    else:
        xs, ys, ws = ((t[first], t[second], t[third]) for t in (x, y, w))
        facing = (xs[0] * (ys[1] * ws[2] - ys[2] * ws[1]) + xs[1] * (ys[2] * ws[0] - ys[0] * ws[2])
                  + xs[2] * (ys[0] * ws[1] - ys[1] * ws[0]))
    facing = (facing > 0).char() if cull else facing.sign().char()
    facing = torch.cat([facing, facing.new_zeros(1, facing.shape[1])])
    total = count = facing.new_zeros(len(topology.edges), facing.shape[1])
    for faces, direction in zip(topology.faces_of_edge.T, topology.directions.char().T, strict=True):
        around = facing[faces] * direction[:, None]
        total, count = total + around, count + around.abs()
    alone = (total.abs() == count) & (count > 0)
    edge, sample = (alone if whole else alone & (w > 0)[topology.edges].all(1)).nonzero().unbind(1)
    return sample, edge, total[edge, sample]


def _seen(inner: Tensor, outer: Tensor, depth: Tensor, edge: Tensor, ids: Tensor, clip: Tensor, topology: Topology,
          ) -> tuple[Tensor, Tensor]:
    """Whether nothing is in front of the crossings, and whether the inner pixels see their surface; (K,) each."""
    pixels = torch.cat([inner, outer])
    faces = ids.flatten()[pixels]
    deep = depths(pixels, faces.clamp_min(0), clip, topology.faces, *ids.shape[1:])
    behind, before = ((faces < 0) | (deep > depth.repeat(2) + BEHIND)).chunk(2)
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
