"""Nodes of the graph: images of about one view, merged greedily, and how much a node looks like another, rotated."""

from __future__ import annotations

import torch
from torch import Tensor

from unbraid_plugins.papers.view_graph.rotations import Descriptor, SmallRotations


def nearness(data: Tensor, neighbours: int, chunk: int) -> Tensor:
    """Return the mean similarity of every image to its nearest neighbours, (N,).  data: descriptors (N, K)."""
    count = min(neighbours, len(data) - 1)
    found = []
    for rows in torch.arange(len(data), device=data.device).split(chunk):
        part = data[rows] @ data.T
        part[torch.arange(len(rows)), rows] = -1
        found.append(part.topk(count, dim=1).values.mean(1))
    return torch.cat(found)


def merged(data: Tensor, order: Tensor, tau: float) -> tuple[Tensor, Tensor]:
    """Return the node of every image, (N,), and the image that founded each node, (M,).

    Greedily: the next image that has no node founds one, and takes all others without a node whose affinity to it,
    unrotated, is above tau. So no chain of small differences makes one node of all views.

    data: descriptors (N, K).
    order: the images, those that found nodes first in front.
    """
    node, founders = torch.full((len(data),), -1, device=data.device), list[int]()
    for image in order.tolist():
        if node[image] < 0:
            taken = (node < 0) & (data @ data[image] > tau)
            taken[image] = True
            node[taken] = len(founders)
            founders.append(image)
    return node, torch.tensor(founders, device=data.device)


def affinities(images: Tensor, planes: Tensor, node: Tensor, rotations: SmallRotations, features: Descriptor,
               data: Tensor, chunk: int) -> tuple[Tensor, Tensor]:
    """Return the affinity of every pair of nodes at its best small rotation, and that rotation in radians:

        a(A, B, r) = mean over i in A and j in B of  phi(W_{h_i,r} x_i)^T phi(x_j)

    symmetrised with a(B, A, -r). It is the product of mean descriptors, so that all images of two nodes cost no more
    than one pair.

    images: (N, C, H, W) uint8.
    planes, node: (N,), h_i and the node of every image.
    data: (N, K), descriptors phi.

    Returns (M, M) both; the turns are antisymmetric where no two rotations are equally good.
    """
    count = int(node.max()) + 1
    size = torch.bincount(node, minlength=count)[:, None]
    still = data.new_zeros(count, data.shape[1]).index_add_(0, node, data) / size
    forth = {}
    for r in rotations.angles:
        looks = torch.zeros_like(still)
        for rows in torch.arange(len(images), device=images.device).split(chunk):
            pixels = images[rows].float() / 255
            looks.index_add_(0, node[rows], rotations.looks(pixels, planes[rows], r, features))
        forth[r] = looks / size @ still.T
    best, turns = torch.full((count, count), -1.0), torch.zeros(count, count)
    for r, a in forth.items():
        symmetric = 0.5 * (a + forth[-r].T).cpu()
        turns = torch.where(symmetric > best, r, turns)
        best = torch.maximum(best, symmetric)
    return best, turns
