"""Transparent surfaces: all of their layers in a pixel, and their colours over the scene behind."""

from __future__ import annotations

import attrs
import torch
from torch import Tensor

from unbraid_plugins.opengl.raster.torch_raster import hits
from unbraid_plugins.opengl.scene.materials import MODES
from unbraid_plugins.opengl.scene.topology import Topology
from unbraid_plugins.opengl.shading.barycentrics import barycentrics, depths
from unbraid_plugins.opengl.shading.fragments import Fragments

SLACK = 1e-6                                       # in z / w: a decal is in front of the opaque surface it lies on
SOLID = 0.5                                        # opacity from which a blended surface counts for depth and normals


def layers(clip: Tensor, topology: Topology, ids: Tensor, *, cull: bool) -> Fragments:
    """Return all pixels of the faces that something is seen through, where no opaque face is nearer.

    clip: (B, V, 4); ids: (B, H, W), the opaque faces.

    The pixels are in order, and the nearest face of a pixel comes first; faces at the same depth are in their own
    order. Torch finds them, whichever backend finds the opaque faces.
    """
    height, width = ids.shape[1:]
    clear = topology.clear
    assert clear is not None
    number = clear.nonzero().squeeze(1)
    solid = ids.flatten()
    found = []
    for pixel, face, depth in hits(clip.detach(), topology.faces[number], height, width, cull, once=True):
        behind = solid[pixel]
        some = (behind >= 0).nonzero().squeeze(1)
        deep = depths(pixel[some], behind[some], clip, topology.faces, height, width)
        kept = torch.ones_like(pixel, dtype=torch.bool)
        kept[some] = depth[some] <= deep + SLACK
        found.append((pixel[kept], number[face[kept]], depth[kept]))
    if not found:
        none = ids.new_zeros(0)
        return Fragments(ids, none, none, none, clip.new_zeros(0, 3))
    pixel, face, depth = (torch.cat(parts) for parts in zip(*found, strict=True))
    order = torch.arange(len(pixel), device=pixel.device)
    for key in (face, depth, pixel):               # the last one counts most: sorting is stable
        order = order[key[order].argsort(stable=True)]
    pixel, face = pixel[order], face[order]
    sample, place = pixel // (height * width), pixel % (height * width)
    shares = barycentrics((sample, place // width, place % width), face, clip, topology.faces, height, width)
    return Fragments(ids, pixel, sample, face, shares)


def composed(image: Tensor, alpha: Tensor, front: Fragments, colour: Tensor, topology: Topology,
             ) -> tuple[Tensor, Tensor, Fragments, Tensor]:
    """Lay the layers over images, farthest first: over(a, b) = o a + (1 - o) b (Porter & Duff 1984).

    image: (B, C, H, W).
    alpha: (B, 1, H, W).
    front: the N fragments of `layers`.
    colour: (N, C + 1), the last channel is the opacity.

    Returns the images, their alpha, and of every pixel the nearest fragment that is solid, with its number among the N.
    Gradients reach colours, opacities of blended materials, and images.
    """
    batch, channels, height, width = image.shape
    materials = topology.materials
    assert materials is not None
    which = materials.of[front.face]
    masked = materials.modes[which] == MODES.index("mask")
    cutoff = materials.cutoffs.to(colour)[which]
    opacity = torch.where(masked, (colour[:, -1] >= cutoff).to(colour), colour[:, -1])
    layer = torch.cat([colour[:, :-1], torch.ones_like(opacity)[:, None]], 1)
    spot, of, count = front.pixel.unique_consecutive(return_inverse=True, return_counts=True)
    rank = torch.arange(len(of), device=of.device) - (count.cumsum(0) - count)[of]
    whole = torch.cat([image, alpha], 1).permute(0, 2, 3, 1).reshape(-1, channels + 1)
    below = whole[spot]
    for number in range(int(count.max()) - 1 if len(count) else -1, -1, -1):
        here = (rank == number).nonzero().squeeze(1)
        share, place = opacity[here, None], of[here]
        below = below.index_copy(0, place, share * layer[here] + (1 - share) * below[place])
    whole = whole.index_copy(0, spot, below).reshape(batch, height, width, -1).permute(0, 3, 1, 2)
    solid = (opacity.detach() >= SOLID).nonzero().squeeze(1)
    _, count = front.pixel[solid].unique_consecutive(return_counts=True)
    nearest = solid[count.cumsum(0) - count]
    top = attrs.evolve(front, pixel=front.pixel[nearest], sample=front.sample[nearest], face=front.face[nearest],
                       barycentrics=front.barycentrics[nearest])
    return whole[:, :-1].contiguous(), whole[:, -1:].contiguous(), top, nearest
